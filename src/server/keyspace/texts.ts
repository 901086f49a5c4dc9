import type { Bytes } from "../../protocol/resp/reply.js";

/** Records lie in chunks of this size, so that nothing has to be copied to make room for more. */
const CHUNK_BITS = 16;
const CHUNK_BYTES = 1 << CHUNK_BITS;
/** The first chunk begins this small, since most tables hold little, and is doubled until it is a whole one. */
const FIRST_BYTES = 256;
/** Shorter texts are copied by a loop: a call into the runtime would take longer. */
const SHORT = 20;

/**
 * Bytes outside of the garbage collector's sight, given out in records. To the collector a million small texts are a
 * million things to copy, to mark and to move, in pauses that grow with their number; here they are a few buffers.
 *
 * A record is named by the number where it begins, and none is ever moved. What is freed is only counted: when much
 * is, the owner copies what it still needs to a new one.
 */
export class Texts {
  readonly #chunks: Buffer[] = [Buffer.allocUnsafeSlow(FIRST_BYTES)];
  /** Where the last chunk is free. */
  #at = 0;
  /** Bytes of records that are in use, and of those that were freed. */
  live = 0;
  dead = 0;

  /** A record of so many bytes, at most {@link CHUNK_BYTES}. */
  take(bytes: number): number {
    let chunk = this.#chunks.length - 1;
    let last = this.#chunks[chunk] as Buffer;
    while (this.#at + bytes > last.length) {
      if (last.length < CHUNK_BYTES) {
        const wider = Buffer.allocUnsafeSlow(last.length * 2);
        last.copy(wider);
        this.#chunks[chunk] = last = wider;
      } else {
        this.dead += last.length - this.#at;
        last = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        chunk = this.#chunks.push(last) - 1;
        this.#at = 0;
      }
    }
    const where = chunk * CHUNK_BYTES + this.#at;
    this.#at += bytes;
    this.live += bytes;
    return where;
  }

  /** A record of so many bytes is needed no more. */
  free(bytes: number): void {
    this.live -= bytes;
    this.dead += bytes;
  }

  /** Writes `text`, for which there must be room in the record, at `where`. */
  write(where: number, text: Bytes): void {
    const chunk = this.#chunks[where >>> CHUNK_BITS] as Buffer;
    const at = where & (CHUNK_BYTES - 1);
    const { length } = text;
    if (length > SHORT) chunk.latin1Write(text, at, length);
    else for (let i = 0; i < length; i++) chunk[at + i] = text.charCodeAt(i);
  }

  /** The text of `length` bytes at `where`. */
  read(where: number, length: number): Bytes {
    const chunk = this.#chunks[where >>> CHUNK_BITS] as Buffer;
    const at = where & (CHUNK_BYTES - 1);
    if (length > 3) return chunk.latin1Slice(at, at + length);
    // As above: what is this short is made faster here.
    if (length === 3) {
      return String.fromCharCode(chunk[at] as number, chunk[at + 1] as number, chunk[at + 2] as number);
    }
    if (length === 2) return String.fromCharCode(chunk[at] as number, chunk[at + 1] as number);
    return length === 1 ? String.fromCharCode(chunk[at] as number) : "";
  }

  /** Whether `text` stands at `where`. */
  holds(where: number, text: Bytes): boolean {
    const chunk = this.#chunks[where >>> CHUNK_BITS] as Buffer;
    const at = where & (CHUNK_BYTES - 1);
    const { length } = text;
    for (let i = 0; i < length; i++) if (chunk[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Copies the first `bytes` bytes of a record of `from` to one of this. */
  copy(from: Texts, source: number, target: number, bytes: number): void {
    const there = from.#chunks[source >>> CHUNK_BITS] as Buffer;
    const here = this.#chunks[target >>> CHUNK_BITS] as Buffer;
    const start = source & (CHUNK_BYTES - 1);
    const at = target & (CHUNK_BYTES - 1);
    for (let i = 0; i < bytes; i++) here[at + i] = there[start + i] as number;
  }
}
