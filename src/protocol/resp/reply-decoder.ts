/** Whoever is told of replies. */
export interface ReplySink {
  /** Asked as a reply begins: are its strings wanted as text (UTF-8), or as Buffers? */
  wantsText(): boolean;
  reply(value: unknown): void;
  /** An error reply to a command; `text` is the server's, its code word first. */
  errorReply(text: string): void;
  /** A RESP3 push: it answers no command. */
  push(items: readonly unknown[]): void;
  /** An error inside an array, as EXEC answers them; the value stands for it there. */
  nestedError(text: string): unknown;
}

/** How values are shaped; by default as RESP2 shapes them, whatever the protocol. */
export interface ReplyShapes {
  /** Integers and doubles as text. */
  readonly numbersAsText?: boolean;
  /** Maps as objects, doubles as numbers and booleans as such, instead of flat arrays, strings and 1 or 0. */
  readonly native?: boolean;
}

/** Longest bulk string a server may announce, in bytes: Redis's own limit. */
const MAX_BULK = 512 * 1024 * 1024;
/** Most elements of one array, map or set. */
const MAX_ELEMENTS = 2 ** 28;
/** Longest line (simple strings, errors, numbers), in bytes. */
const MAX_LINE = 1024 * 1024;
/** Deepest nesting; Redis nests a handful. */
const MAX_DEPTH = 128;

type Kind = "array" | "map" | "set" | "push" | "attribute";

/** An array, map, set or push whose elements are still coming. */
interface Frame {
  readonly kind: Kind;
  readonly items: unknown[];
  left: number;
}

/** The stream is not RESP, or goes beyond a limit; nothing after it can be trusted. */
export class ReplyProtocolError extends Error {
  override readonly name = "ReplyProtocolError";
}

const INCOMPLETE = Symbol("incomplete");
const NESTED = Symbol("nested");

/**
 * Reads replies (RESP2 and RESP3) out of chunks, however they are cut. It keeps what it has of an unfinished
 * array and, of an unfinished string, only the bytes that came; it allocates nothing for what is announced.
 * After an error it is poisoned: every further write throws again.
 */
export class ReplyDecoder {
  #data: Buffer = Buffer.alloc(0);
  #pos = 0;
  /** Chunks of a long string that wait for the rest of it, and how many bytes are needed in all. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #needed = 0;
  #frames: Frame[] = [];
  #text = false;
  #inReply = false;
  #poison: ReplyProtocolError | null = null;

  constructor(
    private readonly sink: ReplySink,
    private readonly shapes: ReplyShapes = {},
  ) {}

  /** @throws ReplyProtocolError when the bytes are no RESP or beyond a limit */
  write(chunk: Buffer): void {
    if (this.#poison) throw this.#poison;
    if (this.#waitingBytes > 0) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes < this.#needed) return;
      this.#data = Buffer.concat(this.#waiting, this.#waitingBytes);
      this.#waiting = [];
      this.#waitingBytes = 0;
    } else this.#data = chunk;
    this.#pos = 0;
    this.#run();
  }

  #run(): void {
    const { length } = this.#data;
    while (this.#pos < length) {
      if (!this.#inReply) {
        this.#inReply = true;
        this.#text = this.sink.wantsText();
      }
      const start = this.#pos;
      const value = this.#value();
      if (value === INCOMPLETE) {
        this.#keep(start);
        return;
      }
      if (value !== NESTED) this.#deliver(value);
    }
  }

  /** What is left waits; `#needed` tells how much more there must be before it is worth another look. */
  #keep(start: number): void {
    const rest = start === 0 ? this.#data : this.#data.subarray(start);
    this.#waiting = [rest];
    this.#waitingBytes = rest.length;
    this.#needed = Math.max(rest.length + 1, this.#needed === 0 ? 0 : this.#needed - start);
    this.#data = EMPTY;
  }

  #deliver(first: unknown): void {
    let value = first;
    for (;;) {
      const frame = this.#frames[this.#frames.length - 1];
      if (frame === undefined) {
        this.#inReply = false;
        if (value instanceof TopError) this.sink.errorReply(value.text);
        else if (value instanceof Push) this.sink.push(value.items);
        else this.sink.reply(value);
        return;
      }
      frame.items.push(value instanceof TopError ? this.sink.nestedError(value.text) : value);
      if (--frame.left > 0) return;
      this.#frames.pop();
      // An attribute speaks of the value behind it, and is of no interest here.
      if (frame.kind === "attribute") return;
      value = this.#complete(frame);
    }
  }

  #complete({ kind, items }: Frame): unknown {
    if (kind === "push") return new Push(items);
    if (kind !== "map" || this.shapes.native !== true) return items;
    const object: Record<string, unknown> = {};
    for (let i = 0; i < items.length; i += 2) {
      Object.defineProperty(object, String(items[i]), {
        value: items[i + 1],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  }

  /** The value at the position; NESTED if it only opened a frame. */
  #value(): unknown {
    const data = this.#data;
    const type = data[this.#pos] as number;
    switch (type) {
      case 36: // $
      case 61: // =
      case 33: // !
        return this.#bulk(type);
      case 58: // :
        return this.#integer();
      case 42: // *
        return this.#open("array", 1);
      case 37: // %
        return this.#open("map", 2);
      case 126: // ~
        return this.#open("set", 1);
      case 62: // >
        return this.#open("push", 1);
      case 124: // |
        return this.#open("attribute", 2);
      default:
        return this.#line(type);
    }
  }

  #bulk(type: number): unknown {
    const data = this.#data;
    const head = this.#length(this.#pos + 1);
    if (head === INCOMPLETE) return INCOMPLETE;
    const length = head as number;
    if (length < 0) {
      this.#pos = this.#lineEnd;
      return null;
    }
    if (length > MAX_BULK) this.#fail(`a string of ${length} bytes is announced`);
    const begin = this.#lineEnd;
    const end = begin + length;
    if (end + 2 > data.length) {
      this.#needed = end + 2;
      return INCOMPLETE;
    }
    this.#needed = 0;
    if (data[end] !== 13 || data[end + 1] !== 10) this.#fail("a string does not end where it should");
    this.#pos = end + 2;
    if (type === 33) return new TopError(data.utf8Slice(begin, end));
    // A verbatim string begins with its format and a colon.
    return this.#string(type === 61 ? begin + 4 : begin, end);
  }

  #string(begin: number, end: number): string | Buffer {
    return this.#text ? this.#data.utf8Slice(begin, end) : this.#data.subarray(begin, end);
  }

  #integer(): unknown {
    const head = this.#length(this.#pos + 1);
    if (head === INCOMPLETE) return INCOMPLETE;
    const begin = this.#pos + 1;
    this.#pos = this.#lineEnd;
    if (this.shapes.numbersAsText === true) return this.#data.latin1Slice(begin, this.#lineEnd - 2);
    return head;
  }

  #open(kind: Kind, perElement: number): unknown {
    const head = this.#length(this.#pos + 1);
    if (head === INCOMPLETE) return INCOMPLETE;
    const count = (head as number) * perElement;
    this.#pos = this.#lineEnd;
    if (count < 0) return null;
    if (count > MAX_ELEMENTS) this.#fail(`${count} elements are announced`);
    if (count === 0) return kind === "attribute" ? NESTED : this.#complete({ kind, items: [], left: 0 });
    if (this.#frames.length >= MAX_DEPTH) this.#fail(`replies are nested deeper than ${MAX_DEPTH}`);
    this.#frames.push({ kind, items: [], left: count });
    return NESTED;
  }

  #line(type: number): unknown {
    const data = this.#data;
    const begin = this.#pos + 1;
    const end = data.indexOf(13, begin);
    if (end < 0 || end + 1 >= data.length) {
      if (data.length - begin > MAX_LINE) this.#fail("a line is too long");
      this.#needed = 0;
      return INCOMPLETE;
    }
    if (data[end + 1] !== 10) this.#fail("a line does not end where it should");
    this.#pos = end + 2;
    switch (type) {
      case 43: // +
        return this.#string(begin, end);
      case 45: // -
        return new TopError(data.utf8Slice(begin, end));
      case 95: // _
        return null;
      case 35: // #
        return this.shapes.native === true ? data[begin] === 116 : data[begin] === 116 ? 1 : 0;
      case 44: // ,
        if (this.shapes.native === true && this.shapes.numbersAsText !== true)
          return doubleOf(data.latin1Slice(begin, end));
        return this.shapes.numbersAsText === true ? data.latin1Slice(begin, end) : this.#string(begin, end);
      case 40: // (
        return data.latin1Slice(begin, end);
      default:
        return this.#fail(`a reply begins with byte ${type}`);
    }
  }

  /** Behind the line that {@link #length} read. */
  #lineEnd = 0;

  /** The integer that stands from `at` to the end of the line. */
  #length(at: number): number | typeof INCOMPLETE {
    const data = this.#data;
    const { length } = data;
    let i = at;
    let code = data[i];
    const negative = code === 45;
    if (negative || code === 43) code = data[++i];
    let value = 0;
    const first = i;
    while (code !== undefined && code >= 48 && code <= 57) {
      value = value * 10 + (code - 48);
      code = data[++i];
    }
    if (i + 1 >= length) {
      if (i - at > 32) this.#fail("a number is too long");
      this.#needed = 0;
      return INCOMPLETE;
    }
    if (code !== 13 || data[i + 1] !== 10 || i === first) this.#fail("a number is expected");
    this.#lineEnd = i + 2;
    // Beyond 2^53 a number is read as exactly as JavaScript can, as ioredis does.
    return negative ? -value : value;
  }

  #fail(problem: string): never {
    this.#poison = new ReplyProtocolError(`Protocol error in a reply: ${problem}`);
    this.#data = EMPTY;
    this.#waiting = [];
    throw this.#poison;
  }
}

const EMPTY = Buffer.alloc(0);

/** An error reply before it is known whether it stands in an array. */
class TopError {
  constructor(readonly text: string) {}
}

class Push {
  constructor(readonly items: readonly unknown[]) {}
}

function doubleOf(text: string): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}
