import type { Bytes } from "../../protocol/resp/reply.js";
import { Crc64 } from "./crc64.js";
import { compress } from "./lzf-compress.js";
import { RDB_OPCODE, RDB_TYPE, type RdbValue } from "./value.js";
import { streamPieces } from "./write-stream.js";

/**
 * The version that is written: with the plain types, everything since Redis 5 reads it. Streams are written as 7.0 has
 * them all the same, since older forms lose counters; readers go by the type, and those before 7.0 had to refuse the
 * file anyway.
 */
export const WRITTEN_RDB_VERSION = 9;

/** The version that brought the form of streams that is written: a DUMP of one says so. */
const STREAM_RDB_VERSION = 10;

/** The first version with function libraries. */
const FUNCTIONS_RDB_VERSION = 10;

const CHUNK_BYTES = 64 * 1024;
/** Shorter strings are copied by a loop: a call into the runtime would take longer. */
const SHORT = 24;
/** Strings up to this length are not worth compressing, as in Redis. */
const INCOMPRESSIBLE = 20;

/** How an {@link RdbWriter} writes. */
export interface RdbWriterOptions {
  /** What the file begins with; a DUMP payload has nothing. Default: the magic and the version. */
  readonly header?: Bytes;
  /** Long strings are compressed (rdbcompression). Default false. */
  readonly compress?: boolean;
  /** The checksum at the end is computed (rdbchecksum); false writes eight zero bytes. Default true. */
  readonly checksum?: boolean;
}

/** What eviction knows of a key, where a policy makes it worth keeping. */
export type Usage = { readonly idleS: number } | { readonly freq: number } | null;

/** Writes an RDB piece by piece, and hands it on in chunks as they fill. */
export class RdbWriter {
  readonly #crc: Crc64 | null;
  readonly #compress: boolean;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #db = -1;

  /** @param emit takes each chunk; it may keep it */
  constructor(
    private readonly emit: (chunk: Buffer) => void,
    options: RdbWriterOptions = {},
  ) {
    this.#crc = options.checksum === false ? null : new Crc64();
    this.#compress = options.compress ?? false;
    this.raw(options.header ?? `REDIS${String(WRITTEN_RDB_VERSION).padStart(4, "0")}`);
  }

  /** DUMP: type, value, version and checksum, as RESTORE takes it. */
  static dump(value: RdbValue, compressed = false): Bytes {
    const chunks: Buffer[] = [];
    const writer = new RdbWriter((chunk) => chunks.push(chunk), { header: "", compress: compressed });
    writer.byte(RDB_TYPE[value.type]);
    writer.value(value);
    writer.byte(value.type === "stream" ? STREAM_RDB_VERSION : WRITTEN_RDB_VERSION);
    writer.byte(0);
    writer.#end();
    return Buffer.concat(chunks).toString("latin1");
  }

  /** FUNCTION DUMP: the libraries, version and checksum, as FUNCTION RESTORE takes them. */
  static dumpFunctions(codes: readonly Bytes[], compressed = false): Bytes {
    const chunks: Buffer[] = [];
    const writer = new RdbWriter((chunk) => chunks.push(chunk), { header: "", compress: compressed });
    for (const code of codes) writer.functionLibrary(code);
    writer.byte(FUNCTIONS_RDB_VERSION);
    writer.byte(0);
    writer.#end();
    return Buffer.concat(chunks).toString("latin1");
  }

  /** A named fact about the file, such as `repl-id`. */
  aux(name: Bytes, value: Bytes): void {
    this.byte(RDB_OPCODE.aux);
    this.string(name);
    this.string(value);
  }

  /** A function library. */
  functionLibrary(code: Bytes): void {
    this.byte(RDB_OPCODE.function2);
    this.string(code);
  }

  /** How many keys the database `db` will hold: readers make room for them. */
  resizeDb(db: number, keys: number, volatileKeys: number): void {
    this.#select(db);
    this.byte(RDB_OPCODE.resizeDb);
    this.length(keys);
    this.length(volatileKeys);
  }

  /** A key with its value. `expireAt`: milliseconds since 1970 or null. */
  key(db: number, key: Bytes, value: RdbValue, expireAt: number | null, usage: Usage = null): void {
    this.beginKey(db, key, value.type, expireAt, usage);
    this.value(value);
  }

  /** All of a key but its value, which must follow. */
  beginKey(db: number, key: Bytes, type: RdbValue["type"], expireAt: number | null, usage: Usage = null): void {
    if (db !== this.#db) this.#select(db);
    if (expireAt !== null) {
      this.byte(RDB_OPCODE.expireMs);
      const at = this.#room(8);
      this.#chunk.writeBigInt64LE(BigInt(expireAt), at);
    }
    if (usage !== null) {
      if ("idleS" in usage) {
        this.byte(RDB_OPCODE.idle);
        this.length(usage.idleS);
      } else {
        this.byte(RDB_OPCODE.freq);
        this.byte(usage.freq);
      }
    }
    this.byte(RDB_TYPE[type]);
    this.string(key);
  }

  value(value: RdbValue): void {
    switch (value.type) {
      case "string":
        return this.string(value.value);
      case "list":
        return this.#strings(value.items, value.items.length);
      case "set":
        return this.#strings(value.members, value.members.length);
      case "hash":
        return this.#strings(value.pairs, value.pairs.length / 2);
      case "zset":
        this.length(value.members.length);
        value.members.forEach((member, i) => {
          this.string(member);
          this.double(value.scores[i] as number);
        });
        return;
      case "stream":
        for (const piece of streamPieces(value.stream)) this.raw(piece);
    }
  }

  /** Puts in what another writer (without header and end) has made meanwhile: whole keys. */
  splice(chunks: readonly Buffer[]): void {
    this.flush();
    for (const chunk of chunks) this.#pass(chunk);
    this.#db = -1;
  }

  /** Hands on what is written so far. */
  flush(): void {
    if (this.#used === 0) return;
    const full = this.#chunk.subarray(0, this.#used);
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
    this.#pass(full);
  }

  /** Ends the file. */
  finish(): void {
    this.byte(RDB_OPCODE.eof);
    this.#end();
  }

  string(value: Bytes): void {
    if (this.#compress && value.length > INCOMPRESSIBLE) {
      const plain = Buffer.from(value, "latin1");
      const packed = compress(plain);
      if (packed !== null) {
        this.byte(0xc3);
        this.length(packed.length);
        this.length(plain.length);
        this.#bytes(packed);
        return;
      }
    }
    this.length(value.length);
    this.raw(value);
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#chunk.writeDoubleLE(value, at);
  }

  length(length: number): void {
    if (length < 64) this.byte(length);
    else if (length < 16_384) {
      this.byte(0x40 | (length >>> 8));
      this.byte(length & 255);
    } else if (length <= 0xffffffff) {
      this.byte(0x80);
      const at = this.#room(4);
      this.#chunk.writeUInt32BE(length, at);
    } else {
      this.byte(0x81);
      const at = this.#room(8);
      this.#chunk.writeBigUInt64BE(BigInt(length), at);
    }
  }

  byte(byte: number): void {
    const at = this.#room(1);
    this.#chunk[at] = byte;
  }

  /** Bytes as they are, without a length. */
  raw(value: Bytes): void {
    const { length } = value;
    if (length > CHUNK_BYTES) {
      this.#bytes(Buffer.from(value, "latin1"));
      return;
    }
    const at = this.#room(length);
    const chunk = this.#chunk;
    if (length > SHORT) chunk.write(value, at, "latin1");
    else for (let i = 0; i < length; i++) chunk[at + i] = value.charCodeAt(i);
  }

  #bytes(bytes: Buffer): void {
    if (bytes.length > CHUNK_BYTES) {
      this.flush();
      this.#pass(bytes);
    } else {
      const at = this.#room(bytes.length);
      bytes.copy(this.#chunk, at);
    }
  }

  #select(db: number): void {
    this.#db = db;
    this.byte(RDB_OPCODE.selectDb);
    this.length(db);
  }

  #strings(items: readonly Bytes[], length: number): void {
    this.length(length);
    for (const item of items) this.string(item);
  }

  #end(): void {
    this.flush();
    this.emit(this.#crc?.digest() ?? Buffer.alloc(8));
  }

  /** Makes room for `count` bytes and returns where they go. It may change the chunk: call it before naming the chunk. */
  #room(count: number): number {
    if (this.#used + count > this.#chunk.length) this.flush();
    const at = this.#used;
    this.#used += count;
    return at;
  }

  #pass(chunk: Buffer): void {
    this.#crc?.update(chunk);
    this.emit(chunk);
  }
}
