import type { Bytes } from "../../protocol/resp/reply.js";
import { parseInteger } from "../commands/support/integer.js";

/** Builds a listpack, element by element, as Redis packs it: what spells an integer becomes one. */
export class ListpackWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #used = 6;
  #count = 0;

  integer(value: number | bigint): this {
    const start = this.#used;
    this.#room(16);
    if (typeof value === "bigint" || value > 0x7fff_ffff || value < -0x8000_0000) {
      this.#buffer[this.#used++] = 0xf4;
      this.#used = this.#buffer.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), this.#used);
    } else if (value >= 0 && value < 128) {
      this.#buffer[this.#used++] = value;
    } else if (value >= -4096 && value < 4096) {
      this.#used = this.#buffer.writeUInt16BE(0xc000 | (value & 0x1fff), this.#used);
    } else {
      const width = value >= -0x8000 && value < 0x8000 ? 2 : value >= -0x80_0000 && value < 0x80_0000 ? 3 : 4;
      this.#buffer[this.#used++] = 0xef + width;
      this.#used = this.#buffer.writeIntLE(value, this.#used, width);
    }
    return this.#ended(start);
  }

  string(text: Bytes): this {
    const integer = text.length <= 20 ? parseInteger(text) : undefined;
    if (integer !== undefined) return this.integer(integer);
    const start = this.#used;
    const { length } = text;
    this.#room(length + 16);
    if (length < 64) this.#buffer[this.#used++] = 0x80 | length;
    else if (length < 4096) this.#used = this.#buffer.writeUInt16BE(0xe000 | length, this.#used);
    else {
      this.#buffer[this.#used++] = 0xf0;
      this.#used = this.#buffer.writeUInt32LE(length, this.#used);
    }
    this.#used += this.#buffer.write(text, this.#used, "latin1");
    return this.#ended(start);
  }

  /** The whole listpack. */
  finish(): Bytes {
    this.#buffer[this.#used++] = 0xff;
    this.#buffer.writeUInt32LE(this.#used, 0);
    this.#buffer.writeUInt16LE(Math.min(this.#count, 0xffff), 4);
    return this.#buffer.toString("latin1", 0, this.#used);
  }

  /** Behind each element stands its size, readable from behind: groups of 7 bits, all but the first one marked. */
  #ended(start: number): this {
    const size = this.#used - start;
    const groups = size < 128 ? 1 : size < 16_384 ? 2 : size < 2_097_152 ? 3 : size < 268_435_456 ? 4 : 5;
    for (let group = groups - 1; group >= 0; group--) {
      const bits = Math.floor(size / 2 ** (7 * group)) & 127;
      this.#buffer[this.#used++] = group === groups - 1 ? bits : bits | 128;
    }
    this.#count++;
    return this;
  }

  /** `count` bytes and the end marker fit. */
  #room(count: number): void {
    if (this.#used + count < this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + count + 64));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }
}
