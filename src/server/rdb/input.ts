import type { Bytes } from "../../protocol/resp/reply.js";
import { RdbError } from "./error.js";
import { decompress } from "./lzf.js";

/** A cursor over a blob that refuses to read beyond its end. Positions and lengths are in bytes. */
export class Input {
  #at = 0;

  constructor(readonly buffer: Buffer) {}

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.buffer.length - this.#at;
  }

  fail(message: string): never {
    throw new RdbError(message, this.#at);
  }

  /** Moves on by `count` bytes and returns where they start. */
  skip(count: number): number {
    if (count < 0 || count > this.remaining) this.fail(`need ${count} bytes, ${this.remaining} are left`);
    const start = this.#at;
    this.#at += count;
    return start;
  }

  u8(): number {
    return this.buffer[this.skip(1)] as number;
  }
  u16(): number {
    return this.buffer.readUInt16LE(this.skip(2));
  }
  u32(): number {
    return this.buffer.readUInt32LE(this.skip(4));
  }
  u32be(): number {
    return this.buffer.readUInt32BE(this.skip(4));
  }
  i64(): bigint {
    return this.buffer.readBigInt64LE(this.skip(8));
  }
  f64(): number {
    return this.buffer.readDoubleLE(this.skip(8));
  }
  /** A signed little-endian integer of 1, 2, 3, 4 or 8 bytes, in decimal. */
  decimal(width: 1 | 2 | 3 | 4 | 8): Bytes {
    return width === 8 ? this.i64().toString() : String(this.buffer.readIntLE(this.skip(width), width));
  }
  text(count: number): Bytes {
    const start = this.skip(count);
    return this.buffer.toString("latin1", start, start + count);
  }
  slice(count: number): Buffer {
    const start = this.skip(count);
    return this.buffer.subarray(start, start + count);
  }

  /** A length, or `-1 - encoding` where a specially encoded string stands (see {@link blob}). */
  #lengthOrEncoding(): number {
    const first = this.u8();
    switch (first >>> 6) {
      case 0:
        return first & 63;
      case 1:
        return ((first & 63) << 8) | this.u8();
      case 2: {
        if (first === 0x80) return this.u32be();
        if (first !== 0x81) return this.fail(`unknown length prefix 0x${first.toString(16)}`);
        const wide = this.buffer.readBigUInt64BE(this.skip(8));
        return wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : this.fail(`length ${wide} is out of range`);
      }
      default:
        return -1 - (first & 63);
    }
  }

  /** A plain length. */
  length(): number {
    const length = this.#lengthOrEncoding();
    return length >= 0 ? length : this.fail("a length was expected, a string encoding stands here");
  }

  /** A plain length of up to 64 bits: a number where that is exact. */
  length64(): number | bigint {
    if (this.remaining < 1 || this.buffer[this.#at] !== 0x81) return this.length();
    this.#at++;
    const wide = this.buffer.readBigUInt64BE(this.skip(8));
    return wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide;
  }

  /** A number of elements, each of at least one byte: a count that cannot be there is refused at once. */
  count(): number {
    const count = this.length();
    return count <= this.remaining ? count : this.fail(`${count} elements announced, ${this.remaining} bytes are left`);
  }

  /** A string in any of its encodings, as bytes. Integers come in decimal. */
  blob(): Buffer {
    const length = this.#lengthOrEncoding();
    if (length >= 0) return this.slice(length);
    if (length === -4) {
      const packed = this.length();
      const full = this.length();
      return decompress(this.slice(packed), full);
    }
    return Buffer.from(this.#integer(length), "latin1");
  }

  /** A string in any of its encodings. */
  string(): Bytes {
    const length = this.#lengthOrEncoding();
    if (length >= 0) return this.text(length);
    if (length === -4) {
      const packed = this.length();
      const full = this.length();
      return decompress(this.slice(packed), full).toString("latin1");
    }
    return this.#integer(length);
  }

  #integer(encoding: number): Bytes {
    if (encoding === -1) return this.decimal(1);
    if (encoding === -2) return this.decimal(2);
    if (encoding === -3) return this.decimal(4);
    return this.fail(`unknown string encoding ${-1 - encoding}`);
  }
}
