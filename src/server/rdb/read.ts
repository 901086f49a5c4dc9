import type { Bytes } from "../../protocol/resp/reply.js";
import { Crc64 } from "./crc64.js";
import { RdbError } from "./error.js";
import { Input } from "./input.js";
import type { InPieces } from "./pieces.js";
import { readValue, readValueInPieces } from "./read-value.js";
import { RDB_OPCODE, RDB_TYPE, type RdbItem, type RdbValue } from "./value.js";

/** The newest version that is read: what Redis 7.0 to 8.4 write, as long as the types are known. */
export const NEWEST_RDB_VERSION = 12;

/** Bytes that are summed up in one go. */
const SUMMED_AT_ONCE = 64 * 1024;

/** How {@link readRdb} reads. */
export interface ReadOptions {
  /** Databases there are; an index beyond is an error. Default 16. */
  readonly databases?: number;
  /** The checksum at the end is compared. Default true. */
  readonly checksum?: boolean;
}

/**
 * Reads a whole RDB, one item at a time, so that a caller can pause between items; a large value comes behind parts.
 * The checksum at the end is compared unless it is zero (= not computed).
 * @returns the offset behind it, where something else may follow
 * @throws RdbError at the first thing that is not valid or not known
 */
export function* readRdb(file: Buffer, options: ReadOptions = {}): Generator<RdbItem, number, undefined> {
  const databases = options.databases ?? 16;
  const input = new Input(file);
  const version = readHeader(input);
  // Along with the reading: at the end it would take as long as reading some hundred thousand keys.
  const sum = options.checksum !== false && version >= 5 ? new Sum(file) : null;
  let db = 0;
  let expireAt: number | null = null;
  let idleS: number | undefined;
  let freq: number | undefined;
  for (;;) {
    const opcode = input.u8();
    switch (opcode) {
      case RDB_OPCODE.eof:
        if (version >= 5) checkSum(input, sum);
        return input.position;
      case RDB_OPCODE.selectDb:
        db = input.length();
        if (db >= databases)
          throw new RdbError(`the RDB holds database ${db}, this server has ${databases}`, input.position);
        break;
      case RDB_OPCODE.resizeDb:
        input.length();
        input.length();
        break;
      case RDB_OPCODE.aux:
        yield { kind: "aux", name: input.string(), value: input.string() };
        break;
      case RDB_OPCODE.expireMs:
        expireAt = Number(input.i64());
        break;
      case RDB_OPCODE.expireS:
        expireAt = (input.u32() | 0) * 1000;
        break;
      case RDB_OPCODE.idle:
        idleS = input.length();
        break;
      case RDB_OPCODE.freq:
        freq = input.u8();
        break;
      case RDB_OPCODE.function2:
        yield { kind: "function", code: input.string() };
        break;
      case RDB_OPCODE.functionPreGa:
        throw new RdbError("Pre-release function format not supported.", input.position);
      case RDB_OPCODE.moduleAux:
        throw new RdbError("the RDB holds data of a module, which this server does not have", input.position);
      default: {
        const key = input.string();
        const value =
          opcode === RDB_TYPE.string
            ? readValue(input, opcode)
            : yield* parts(readValueInPieces(input, opcode), input, sum);
        sum?.reach(input.position);
        yield { kind: "key", db, key, value, expireAt, idleS, freq, position: input.position };
        expireAt = null;
        idleS = freq = undefined;
      }
    }
  }
}

/** Says where a large value may be paused at. */
function* parts(reading: InPieces<RdbValue>, input: Input, sum: Sum | null): Generator<RdbItem, RdbValue, undefined> {
  for (let step = reading.next(); ; step = reading.next()) {
    if (step.done) return step.value;
    sum?.reach(input.position);
    yield { kind: "part", position: input.position };
  }
}

function readHeader(input: Input): number {
  const header = input.remaining >= 9 ? input.text(9) : "";
  const match = /^(?:REDIS|VALKEY)(\d{3,4})$/.exec(header);
  if (!match) throw new RdbError("not an RDB: it starts with neither REDIS nor VALKEY and a version");
  const version = Number(match[1]);
  if (version < 1 || version > NEWEST_RDB_VERSION) throw new RdbError(`can't handle RDB format version ${version}`);
  return version;
}

/** The checksum of a file up to where it has been read. */
class Sum {
  readonly #crc = new Crc64();
  #done = 0;

  constructor(private readonly file: Buffer) {}

  /** Goes on to `position`, when enough has come together. */
  reach(position: number): void {
    if (position - this.#done >= SUMMED_AT_ONCE) this.#goOn(position);
  }

  /** The checksum of all bytes before `end`. */
  upTo(end: number): Buffer {
    this.#goOn(end);
    return this.#crc.digest();
  }

  #goOn(position: number): void {
    this.#crc.update(this.file, this.#done, position);
    this.#done = position;
  }
}

function checkSum(input: Input, sum: Sum | null): void {
  const end = input.position;
  const stored = input.slice(8);
  if (sum === null || stored.every((byte) => byte === 0)) return;
  if (!sum.upTo(end).equals(stored)) throw new RdbError("RDB CRC error: wrong RDB checksum", end);
}

/** Why a DUMP payload was not taken: not ours to read at all, or broken inside. */
export type DumpRefusal = "versionOrChecksum" | "format";

/** What stands before version and checksum of a payload; null if these are not right. */
function dumpContent(payload: Buffer, compareChecksum = true): Input | null {
  const end = payload.length - 10;
  if (end < 0 || payload.readUInt16LE(end) > NEWEST_RDB_VERSION) return null;
  if (compareChecksum) {
    const checksum = new Crc64().update(payload, 0, end + 2).digest();
    if (!checksum.equals(payload.subarray(end + 2))) return null;
  }
  return new Input(payload.subarray(0, end));
}

/** Reads a FUNCTION DUMP payload: the sources of the libraries. */
export function readFunctionDump(payload: Buffer): readonly Bytes[] | DumpRefusal | "notFunctions" {
  const input = dumpContent(payload);
  if (input === null) return "versionOrChecksum";
  const codes: Bytes[] = [];
  try {
    while (input.remaining > 0) {
      if (input.u8() !== RDB_OPCODE.function2) return "notFunctions";
      codes.push(input.string());
    }
    return codes;
  } catch (error) {
    if (error instanceof RdbError) return "format";
    throw error;
  }
}

/**
 * Reads a DUMP payload; null if it is of a version to come, or its checksum is wrong (and compared).
 * @throws RdbError where it is broken inside
 */
export function readDump(payload: Buffer, compareChecksum = true): RdbValue | null {
  const input = dumpContent(payload, compareChecksum);
  if (input === null) return null;
  const value = readValue(input, input.u8());
  return input.remaining === 0 ? value : input.fail("bytes behind the value");
}
