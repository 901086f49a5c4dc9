import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import { fail } from "../../dispatch/errors.js";

/*
 * The bytes of a HyperLogLog as Redis keeps them in a string: 16 bytes of header ("HYLL", encoding, 3 unused, cached
 * cardinality, whose highest bit says that it is out of date), then 16384 registers, either 6 bits each (dense) or as
 * runs (sparse): 00llllll zeros, 01llllll llllllll zeros, 1vvvvvll a value up to 32 up to four times.
 */

export const REGISTERS = 16_384;
const HEADER = 16;
const DENSE_BYTES = HEADER + (REGISTERS * 6) / 8;
const LARGEST_SPARSE = 32;
const LONGEST_ZERO = 64;
const LONGEST_VALUE = 4;

const notOne = new ErrorReply("WRONGTYPE Key is not a valid HyperLogLog string value.");
export const corrupted = new ErrorReply("INVALIDOBJ Corrupted HLL object detected");

/** One run of the sparse form. */
export interface Run {
  readonly value: number;
  readonly length: number;
  /** Bytes that it takes. */
  readonly size: number;
}

/** An HyperLogLog that is being worked on. */
export class Counter {
  #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static empty(): Counter {
    const bytes = Buffer.alloc(HEADER + 2);
    bytes.write("HYLL", "latin1");
    bytes[4] = 1;
    bytes[HEADER] = 0x7f;
    bytes[HEADER + 1] = 0xff;
    return new Counter(bytes);
  }

  /** Fails the command if the text is not one. */
  static of(text: Bytes): Counter {
    const encoding = text.length < HEADER || !text.startsWith("HYLL") ? 2 : text.charCodeAt(4);
    if (encoding > 1 || (encoding === 0 && text.length !== DENSE_BYTES)) fail(notOne);
    return new Counter(Buffer.from(text, "latin1"));
  }

  get text(): Bytes {
    return this.#bytes.toString("latin1");
  }

  get isSparse(): boolean {
    return this.#bytes[4] === 1;
  }

  /** The cardinality that was last computed; null if the registers have changed since. */
  get cached(): number | bigint | null {
    if (((this.#bytes[15] as number) & 0x80) !== 0) return null;
    const value = this.#bytes.readBigUInt64LE(8);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  set cached(value: number | null) {
    if (value === null) this.#bytes[15] = (this.#bytes[15] as number) | 0x80;
    else this.#bytes.writeBigUInt64LE(BigInt(value), 8);
  }

  /** Raises a register to `value`; false if it is as high already. Grows dense beyond `maxSparseBytes`. */
  raise(register: number, value: number, maxSparseBytes: number): boolean {
    if (!this.isSparse) return this.#raiseDense(register, value);
    if (value > LARGEST_SPARSE) return this.#raiseAsDense(register, value);
    return this.#raiseSparse(register, value, maxSparseBytes);
  }

  /** Turns the sparse form into the dense one. */
  makeDense(): void {
    if (!this.isSparse) return;
    const dense = Buffer.alloc(DENSE_BYTES);
    this.#bytes.copy(dense, 0, 0, HEADER);
    dense[4] = 0;
    const values = this.registers();
    this.#bytes = dense;
    for (let at = 0; at < REGISTERS; at++) if (values[at] !== 0) this.#setDense(at, values[at] as number);
  }

  /** All registers. Fails the command if the sparse form doesn't make up just that many. */
  registers(): Uint8Array {
    const values = new Uint8Array(REGISTERS);
    if (!this.isSparse) {
      for (let at = 0; at < REGISTERS; at++) values[at] = this.#dense(at);
      return values;
    }
    let at = 0;
    for (const { value, length } of this.runs()) {
      if (value !== 0) {
        if (at + length > REGISTERS) break;
        values.fill(value, at, at + length);
      }
      at += length;
    }
    return at === REGISTERS ? values : fail(corrupted);
  }

  /** The runs of the sparse form, as they stand. */
  *runs(): IterableIterator<Run> {
    for (let at = HEADER; at < this.#bytes.length; ) {
      const run = this.#run(at);
      yield run;
      at += run.size;
    }
  }

  #run(at: number): Run {
    const byte = this.#bytes[at] as number;
    if ((byte & 0x80) !== 0) return { value: ((byte >> 2) & 31) + 1, length: (byte & 3) + 1, size: 1 };
    if ((byte & 0x40) === 0) return { value: 0, length: (byte & 63) + 1, size: 1 };
    return { value: 0, length: (((byte & 63) << 8) | (this.#bytes[at + 1] ?? 0)) + 1, size: 2 };
  }

  #dense(register: number): number {
    const bit = register * 6;
    const at = HEADER + (bit >> 3);
    const pair = (this.#bytes[at] as number) | ((this.#bytes[at + 1] ?? 0) << 8);
    return (pair >> (bit & 7)) & 63;
  }

  #setDense(register: number, value: number): void {
    const bit = register * 6;
    const at = HEADER + (bit >> 3);
    const shift = bit & 7;
    this.#bytes[at] = ((this.#bytes[at] as number) & ~(63 << shift)) | (value << shift);
    if (shift > 2) {
      this.#bytes[at + 1] = ((this.#bytes[at + 1] as number) & ~(63 >> (8 - shift))) | (value >> (8 - shift));
    }
  }

  #raiseDense(register: number, value: number): boolean {
    if (this.#dense(register) >= value) return false;
    this.#setDense(register, value);
    return true;
  }

  #raiseAsDense(register: number, value: number): boolean {
    this.makeDense();
    return this.#raiseDense(register, value);
  }

  #raiseSparse(register: number, value: number, maxSparseBytes: number): boolean {
    let at = HEADER;
    let before = at;
    let first = 0;
    let run: Run | null = null;
    while (at < this.#bytes.length) {
      run = this.#run(at);
      if (register < first + run.length) break;
      before = at;
      at += run.size;
      first += run.length;
    }
    if (run === null || at >= this.#bytes.length) return fail(corrupted);
    if (run.value >= value) return false;
    const pieces: number[] = [];
    pushRun(pieces, run.value, register - first);
    pushRun(pieces, value, 1);
    pushRun(pieces, run.value, first + run.length - 1 - register);
    const grown = pieces.length - run.size;
    if (grown > 0 && this.#bytes.length + grown > maxSparseBytes) return this.#raiseAsDense(register, value);
    this.#replace(at, run.size, pieces);
    this.#merge(before);
    this.cached = null;
    return true;
  }

  #replace(at: number, size: number, pieces: readonly number[]): void {
    const old = this.#bytes;
    if (size === pieces.length) {
      old.set(pieces, at);
      return;
    }
    this.#bytes = Buffer.concat([old.subarray(0, at), Buffer.from(pieces), old.subarray(at + size)]);
  }

  /** Joins equal values that stand side by side, looking at five runs from `at` on: just as far as Redis looks. */
  #merge(at: number): void {
    for (let looks = 5; looks > 0 && at < this.#bytes.length; looks--) {
      const run = this.#run(at);
      if (run.value !== 0 && at + 1 < this.#bytes.length) {
        const next = this.#run(at + 1);
        const length = run.length + next.length;
        if (next.value === run.value && length <= LONGEST_VALUE) {
          const joined: number[] = [];
          pushRun(joined, run.value, length);
          this.#replace(at, 2, joined);
          continue;
        }
      }
      at += run.size;
    }
  }
}

/** Writes a run of the sparse form; nothing if it has no length. */
function pushRun(pieces: number[], value: number, length: number): void {
  if (length === 0) return;
  if (value !== 0) pieces.push(0x80 | ((value - 1) << 2) | (length - 1));
  else if (length <= LONGEST_ZERO) pieces.push(length - 1);
  else pieces.push(0x40 | ((length - 1) >> 8), (length - 1) & 255);
}
