/**
 * Replies as values. A string is a **byte string**: one character (U+0000–U+00FF) per byte, so that
 * keys and values are binary-safe, compare as Redis compares (memcmp), and cost no Buffer each.
 */
export type Bytes = string;

/** `+text` */
export class SimpleString {
  /** As it is sent; most are constants that are sent many times. */
  readonly encoded: Bytes;
  constructor(readonly text: string) {
    this.encoded = `+${text}\r\n`;
  }
}
/** `-text`; `text` starts with the code word, as Redis words it. */
export class ErrorReply {
  constructor(readonly text: string) {}
}
/** RESP3 double; a bulk string in RESP2. */
export class DoubleReply {
  constructor(
    readonly value: number,
    /** How it is written, where that is not the shortest form. */
    readonly text?: string,
  ) {}
}
/** RESP3 boolean; 1 or 0 in RESP2. */
export class BooleanReply {
  constructor(readonly value: boolean) {}
}
/** RESP3 map; a flat array in RESP2. */
export class MapReply {
  constructor(readonly pairs: readonly (readonly [Reply, Reply])[]) {}
}
/** RESP3 set; an array in RESP2. */
export class SetReply {
  constructor(readonly members: readonly Reply[]) {}
}
/** RESP3 big number; a bulk string in RESP2. */
export class BigNumberReply {
  constructor(readonly digits: Bytes) {}
}
/** RESP3 verbatim string; a bulk string in RESP2. */
export class VerbatimReply {
  constructor(
    /** Three characters: `txt`, `mkd`, or what a script makes up. */
    readonly format: string,
    readonly text: Bytes,
  ) {}
}
/** RESP3 push; an array in RESP2. */
export class PushReply {
  constructor(readonly items: readonly Reply[]) {}
}
/** RESP3 attributes in front of a reply; RESP2 leaves them out. */
export class AttributedReply {
  constructor(
    readonly attributes: readonly (readonly [Reply, Reply])[],
    readonly reply: Reply,
  ) {}
}
/** `*-1` in RESP2, `_` in RESP3. (`null` is `$-1` in RESP2.) */
export class NullArray {}
/** Several replies to one command, as SUBSCRIBE sends them. */
export class ManyReplies {
  constructor(readonly replies: readonly Reply[]) {}
}
/** The command answers nothing now: CLIENT REPLY OFF, REPLCONF ACK, a blocked client. */
export class NoReply {}

/** Byte string = bulk string; integer number or bigint = integer; null = null bulk. */
export type Reply =
  | Bytes
  | number
  | bigint
  | null
  | SimpleString
  | ErrorReply
  | DoubleReply
  | BooleanReply
  | MapReply
  | SetReply
  | BigNumberReply
  | VerbatimReply
  | PushReply
  | AttributedReply
  | NullArray
  | ManyReplies
  | NoReply
  | readonly Reply[];

export const OK = new SimpleString("OK");
export const QUEUED = new SimpleString("QUEUED");
export const NULL_ARRAY = new NullArray();
export const NO_REPLY = new NoReply();
