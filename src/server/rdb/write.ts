import type { Bytes } from "../../protocol/resp/reply.js";
import { Crc64 } from "./crc64.js";
import { RDB_OPCODE, RDB_TYPE, type RdbValue } from "./value.js";

/** The version that is written: with the plain types, everything since Redis 5 reads it. */
export const WRITTEN_RDB_VERSION = 9;

const CHUNK_BYTES = 64 * 1024;

/** Builds an RDB piece by piece; `finish()` gives the chunks. */
export class RdbWriter {
  readonly #chunks: Buffer[] = [];
  readonly #crc = new Crc64();
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #db = -1;

  /** @param header what the file begins with; a DUMP payload has none */
  constructor(header: Bytes = `REDIS${String(WRITTEN_RDB_VERSION).padStart(4, "0")}`) {
    this.#raw(header);
  }

  /** DUMP: type, value, version and checksum, as RESTORE takes it. */
  static dump(value: RdbValue): Bytes {
    const writer = new RdbWriter("");
    writer.#byte(RDB_TYPE[value.type]);
    writer.#value(value);
    writer.#byte(WRITTEN_RDB_VERSION);
    writer.#byte(0);
    return Buffer.concat(writer.#end()).toString("latin1");
  }

  /** A named fact about the file, such as `repl-id`. */
  aux(name: Bytes, value: Bytes): void {
    this.#byte(RDB_OPCODE.aux);
    this.#string(name);
    this.#string(value);
  }

  /** A key. Keys of one database stand together. `expireAt`: milliseconds since 1970 or null. */
  key(db: number, key: Bytes, value: RdbValue, expireAt: number | null): void {
    if (db !== this.#db) {
      this.#db = db;
      this.#byte(RDB_OPCODE.selectDb);
      this.#length(db);
    }
    if (expireAt !== null) {
      this.#byte(RDB_OPCODE.expireMs);
      const at = this.#room(8);
      this.#chunk.writeBigInt64LE(BigInt(expireAt), at);
    }
    this.#byte(RDB_TYPE[value.type]);
    this.#string(key);
    this.#value(value);
  }

  /** Ends the file. The chunks together are the whole of it. */
  finish(): Buffer[] {
    this.#byte(RDB_OPCODE.eof);
    return this.#end();
  }

  #end(): Buffer[] {
    this.#flush();
    this.#chunks.push(this.#crc.digest());
    return this.#chunks;
  }

  #value(value: RdbValue): void {
    switch (value.type) {
      case "string":
        return this.#string(value.value);
      case "list":
        return this.#strings(value.items, value.items.length);
      case "set":
        return this.#strings(value.members, value.members.length);
      case "hash":
        return this.#strings(value.pairs, value.pairs.length / 2);
      case "zset":
        this.#length(value.members.length);
        value.members.forEach((member, i) => {
          this.#string(member);
          const at = this.#room(8);
          this.#chunk.writeDoubleLE(value.scores[i] as number, at);
        });
    }
  }

  #strings(items: readonly Bytes[], length: number): void {
    this.#length(length);
    for (const item of items) this.#string(item);
  }

  #string(value: Bytes): void {
    this.#length(value.length);
    this.#raw(value);
  }

  #length(length: number): void {
    if (length < 64) this.#byte(length);
    else if (length < 16_384) {
      this.#byte(0x40 | (length >>> 8));
      this.#byte(length & 255);
    } else {
      this.#byte(0x80);
      const at = this.#room(4);
      this.#chunk.writeUInt32BE(length, at);
    }
  }

  #byte(byte: number): void {
    const at = this.#room(1);
    this.#chunk[at] = byte;
  }

  #raw(value: Bytes): void {
    if (value.length <= CHUNK_BYTES) {
      const at = this.#room(value.length);
      this.#chunk.write(value, at, "latin1");
      return;
    }
    this.#flush();
    const large = Buffer.from(value, "latin1");
    this.#crc.update(large);
    this.#chunks.push(large);
  }

  /** Makes room for `count` bytes and returns where they go. It may change the chunk: call it before naming the chunk. */
  #room(count: number): number {
    if (this.#used + count > this.#chunk.length) this.#flush();
    const at = this.#used;
    this.#used += count;
    return at;
  }

  #flush(): void {
    if (this.#used === 0) return;
    const full = this.#chunk.subarray(0, this.#used);
    this.#crc.update(full);
    this.#chunks.push(full);
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }
}
