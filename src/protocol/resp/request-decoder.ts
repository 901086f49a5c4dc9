import type { Bytes } from "./reply.js";
import { splitArguments } from "./split-arguments.js";

/** Limits of a {@link RequestDecoder}. */
export interface RequestLimits {
  /** Longest bulk string, in bytes (proto-max-bulk-len). */
  maxBulkBytes: number;
  /** Before AUTH: at most 10 arguments of 16 KB each. */
  unauthenticated: boolean;
}

const MAX_INLINE = 64 * 1024;
const MAX_ARGUMENTS = 2 ** 31 - 1;
const UNAUTHENTICATED_ARGUMENTS = 10;
const UNAUTHENTICATED_BULK = 16384;
/** What JavaScript can hold: 24 bytes less than Redis's default of 512 MB. */
const LONGEST_TEXT = 2 ** 29 - 24;
const LF = 10;
const CR = 13;
const STAR = 42;
const DOLLAR = 36;
const ZERO = 48;
const NINE = 57;
/** Arguments up to which a command may be read in one go: room is made for them before they are seen. */
const SHORT_COMMAND = 64;
/** Substrings up to here are copied by V8; longer ones would keep the whole chunk alive. */
const COPIED_SLICE = 12;
/** Bytes from which on an argument counts as a whole when it begins. */
const LONG_ARGUMENT = 32 * 1024;
/** Of a large buffer no more than this is decoded for the sake of its short pieces. */
const DECODED_AT_ONCE = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * Reads commands from a byte stream cut anywhere: RESP arrays of bulk strings, and inline lines. It never allocates
 * what a header claims: memory grows as bytes come. After an error it is poisoned: `error` stays, nothing more is read.
 */
export class RequestDecoder {
  /** The text of the protocol error (without `ERR `), null while all is well. */
  error: Bytes | null = null;
  /** Bytes of the stream that complete commands have used so far, blank lines between them included. */
  consumed = 0;
  #buffer: Buffer = EMPTY;
  #at = 0;
  /** Chunks that came since `#buffer` was joined, and their bytes. */
  #later: Buffer[] = [];
  #laterBytes = 0;
  /** No need to look before so many unread bytes are there. */
  #need = 1;
  /** Arguments still to come of the command being read; 0 between commands. */
  #missing = 0;
  /** Length of the bulk string being read; -1 = its header comes first. */
  #bulk = -1;
  #args: Bytes[] = [];
  /** Where the line end has been looked for already, relative to `#at`. */
  #scanned = 0;
  /** `#buffer` from `#textFrom` on as text, made when it is first needed; null = not yet. */
  #text: Bytes | null = null;
  #textFrom = 0;

  constructor(readonly limits: RequestLimits) {}

  /** Takes the next piece of the stream. The buffer must not be changed afterwards. */
  push(chunk: Buffer): void {
    if (this.error !== null) return;
    if (this.#at === this.#buffer.length && this.#laterBytes === 0) {
      this.#buffer = chunk;
      this.#at = 0;
      this.#text = null;
    } else {
      this.#later.push(chunk);
      this.#laterBytes += chunk.length;
    }
  }

  /** Bytes that came and are not part of a command that was handed out. */
  get pendingBytes(): number {
    return this.#buffer.length - this.#at + this.#laterBytes;
  }

  /**
   * Bytes that the input counts for: those that came, or, while a long argument comes, all that it is announced to have,
   * for which Redis makes room at once.
   */
  get inputBytes(): number {
    const announced = this.#bulk >= LONG_ARGUMENT ? this.#bulk + 2 : 0;
    return Math.max(this.pendingBytes, announced);
  }

  /** Bytes of the arguments read so far of a command that is not complete. */
  get argumentBytes(): number {
    let bytes = 0;
    for (const argument of this.#args) bytes += argument.length;
    return bytes;
  }

  /** Takes the bytes that no command has used: what follows may be another protocol. Ends the decoder's work. */
  takeRest(): Buffer {
    this.#join();
    const rest = this.#buffer.subarray(this.#at);
    this.#forget();
    return rest;
  }

  /** The next complete command, or null if more bytes are needed (or `error` is set). Never empty. */
  next(): Bytes[] | null {
    while (this.error === null) {
      if (this.pendingBytes < this.#need) {
        // Nothing is kept of what has been read: a connection may be idle for long.
        if (this.pendingBytes === 0) this.#forget();
        return null;
      }
      if (this.#laterBytes > 0) this.#join();
      const before = this.#at;
      if (this.#missing === 0) {
        const whole = this.#readWhole();
        if (whole !== null) {
          this.consumed += this.#at - before;
          return whole;
        }
      }
      const done = this.#missing > 0 ? this.#readArguments() : this.#readStart();
      this.consumed += this.#at - before;
      if (done === "command") {
        const args = this.#args;
        this.#args = [];
        return args;
      }
      if (done === "more") return null;
    }
    return null;
  }

  #forget(): void {
    this.#buffer = EMPTY;
    this.#at = 0;
    this.#text = null;
  }

  #join(): void {
    if (this.#laterBytes === 0) return;
    this.#buffer = Buffer.concat([this.#buffer.subarray(this.#at), ...this.#later]);
    this.#at = 0;
    this.#text = null;
    this.#later = [];
    this.#laterBytes = 0;
  }

  /**
   * The short way, which nearly every command takes: a command of a few arguments that is there as a whole and in order.
   * Null, with nothing used up, for whatever else there may be.
   */
  #readWhole(): Bytes[] | null {
    const buffer = this.#buffer;
    let at = this.#at;
    if (buffer[at] !== STAR || this.limits.unauthenticated || this.#scanned > 0) return null;
    let byte = buffer[++at] as number;
    if (byte === ZERO) return null;
    let count = 0;
    for (; byte >= ZERO && byte <= NINE; byte = buffer[++at] as number) {
      count = count * 10 + byte - ZERO;
      if (count > SHORT_COMMAND) return null;
    }
    if (count === 0 || byte !== CR || buffer[at + 1] !== LF) return null;
    at += 2;
    const args = new Array<Bytes>(count);
    for (let i = 0; i < count; i++) {
      if (buffer[at] !== DOLLAR) return null;
      const first = ++at;
      let bulk = 0;
      for (byte = buffer[at] as number; byte >= ZERO && byte <= NINE; byte = buffer[++at] as number) {
        bulk = bulk * 10 + byte - ZERO;
      }
      if (byte !== CR || buffer[at + 1] !== LF || at === first || (buffer[first] === ZERO && at > first + 1))
        return null;
      at += 2;
      if (bulk > this.limits.maxBulkBytes || bulk > LONGEST_TEXT || at + bulk + 2 > buffer.length) return null;
      args[i] = bulk <= COPIED_SLICE ? this.#slice(at, at + bulk) : buffer.latin1Slice(at, at + bulk);
      at += bulk + 2;
    }
    this.#at = at;
    return args;
  }

  /** A short piece of the buffer. One call into the engine decodes for all of them. */
  #slice(start: number, end: number): Bytes {
    if (this.#text === null) {
      this.#textFrom = this.#at;
      this.#text = this.#buffer.latin1Slice(this.#textFrom, Math.min(this.#buffer.length, this.#at + DECODED_AT_ONCE));
    }
    const from = start - this.#textFrom;
    if (end - this.#textFrom > this.#text.length) return this.#buffer.latin1Slice(start, end);
    return this.#text.slice(from, end - this.#textFrom);
  }

  /** Reads a header or an inline command. */
  #readStart(): "command" | "again" | "more" {
    const isArray = this.#buffer[this.#at] === STAR;
    const end = this.#lineEnd(isArray ? "too big mbulk count string" : "too big inline request");
    if (end < 0) return "more";
    const start = this.#at;
    if (!isArray) return this.#readInline(start, end);
    const count = this.#integer(start + 1, end);
    if (Number.isNaN(count) || count > MAX_ARGUMENTS) return this.#fail("invalid multibulk length");
    if (count > UNAUTHENTICATED_ARGUMENTS && this.limits.unauthenticated)
      return this.#fail("unauthenticated multibulk length");
    this.#at = end + 1;
    if (count <= 0) return "again";
    this.#missing = count;
    return this.#readArguments();
  }

  #readInline(start: number, end: number): "command" | "again" | "more" {
    const stop = end > start && this.#buffer[end - 1] === CR ? end - 1 : end;
    const args = splitArguments(this.#buffer.latin1Slice(start, stop));
    if (args === null) return this.#fail("unbalanced quotes in request");
    this.#at = end + 1;
    if (args.length === 0) return "again";
    this.#args = args;
    return "command";
  }

  #readArguments(): "command" | "more" {
    while (this.#missing > 0) {
      if (this.#bulk < 0) {
        if (this.#at >= this.#buffer.length) return this.#wait(1);
        const end = this.#lineEnd("too big bulk count string");
        if (end < 0) return "more";
        const start = this.#at;
        const first = this.#buffer[start] as number;
        if (first !== DOLLAR) return this.#fail(`expected '$', got '${String.fromCharCode(first)}'`);
        const length = this.#integer(start + 1, end);
        if (!(length >= 0 && length <= Math.min(this.limits.maxBulkBytes, LONGEST_TEXT)))
          return this.#fail("invalid bulk length");
        if (length > UNAUTHENTICATED_BULK && this.limits.unauthenticated)
          return this.#fail("unauthenticated bulk length");
        this.#at = end + 1;
        this.#bulk = length;
      }
      const stop = this.#at + this.#bulk;
      if (this.#buffer.length < stop + 2) return this.#wait(this.#bulk + 2);
      this.#args.push(this.#buffer.latin1Slice(this.#at, stop));
      this.#at = stop + 2;
      this.#bulk = -1;
      this.#missing--;
    }
    this.#need = 1;
    return "command";
  }

  /** Index of the next LF, or -1 if it hasn't come; too long a line is an error. */
  #lineEnd(tooLong: string): number {
    const end = this.#buffer.indexOf(LF, this.#at + this.#scanned);
    if (end >= 0) {
      this.#scanned = 0;
      this.#need = 1;
      return end;
    }
    const length = this.#buffer.length - this.#at;
    if (length > MAX_INLINE) {
      this.#fail(tooLong);
      return -1;
    }
    this.#scanned = length;
    this.#wait(length + 1);
    return -1;
  }

  /** The integer between two indices, where a CR may stand at the end; NaN if it is not written as Redis wants it. */
  #integer(start: number, end: number): number {
    const buffer = this.#buffer;
    const stop = buffer[end - 1] === CR ? end - 1 : end;
    let at = start;
    const negative = buffer[at] === 45;
    if (negative) at++;
    const digits = stop - at;
    if (digits < 1 || digits > 15) return Number.NaN;
    if (buffer[at] === 48 && (digits > 1 || negative)) return Number.NaN;
    let value = 0;
    for (; at < stop; at++) {
      const digit = (buffer[at] as number) - 48;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  #wait(bytes: number): "more" {
    this.#need = bytes;
    return "more";
  }

  #fail(text: string): "more" {
    this.error = `Protocol error: ${text}`;
    this.#forget();
    this.#later = [];
    this.#laterBytes = 0;
    this.#args = [];
    return "more";
  }
}
