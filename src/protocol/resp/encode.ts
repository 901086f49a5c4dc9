import { doubleText } from "./double-text.js";
import type { Bytes, Reply } from "./reply.js";
import {
  AttributedReply,
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  ErrorReply,
  ManyReplies,
  MapReply,
  NoReply,
  NullArray,
  PushReply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from "./reply.js";

const SMALL = 1024;
const bulkHeads = Array.from({ length: SMALL }, (_, n) => `$${n}\r\n`);
const integers = Array.from({ length: SMALL }, (_, n) => `:${n}\r\n`);
const arrayHeads = Array.from({ length: SMALL }, (_, n) => `*${n}\r\n`);

/** `$<length>\r\n<text>\r\n` */
export function encodeBulk(text: Bytes): Bytes {
  const length = text.length;
  return `${length < SMALL ? bulkHeads[length] : `$${length}\r\n`}${text}\r\n`;
}

/** A command as a client or a master sends it: an array of bulk strings. */
export function encodeCommand(argv: readonly Bytes[]): Bytes {
  let out = arrayHead(argv.length);
  for (const argument of argv) out += encodeBulk(argument);
  return out;
}

function arrayHead(length: number): Bytes {
  return length < SMALL ? (arrayHeads[length] as Bytes) : `*${length}\r\n`;
}

function encodeInteger(value: number | bigint): Bytes {
  return typeof value === "number" && value >= 0 && value < SMALL && Number.isInteger(value)
    ? (integers[value] as Bytes)
    : `:${value}\r\n`;
}

/** Aggregates this deep in others are no longer written by recursion: a script may nest thousands of them. */
const DEEP = 200;

/** The bytes of a reply in RESP version 2 or 3, one character per byte. */
export function encodeReply(reply: Reply, resp: 2 | 3): Bytes {
  return encode(reply, resp, 0);
}

function encode(reply: Reply, resp: 2 | 3, depth: number): Bytes {
  if (typeof reply === "string") return encodeBulk(reply);
  if (reply === null) return resp === 2 ? "$-1\r\n" : "_\r\n";
  if (typeof reply === "number" || typeof reply === "bigint") return encodeInteger(reply);
  if (reply instanceof SimpleString) return reply.encoded;
  if (reply instanceof ErrorReply) return `-${oneLine(reply.text)}\r\n`;
  if (Array.isArray(reply)) return encodeAll(arrayHead(reply.length), reply as readonly Reply[], resp, depth);
  const aggregate = aggregateOf(reply, resp);
  return aggregate === null ? encodeTyped(reply, resp) : encodeAll(aggregate.head, aggregate.items, resp, depth);
}

function encodeAll(head: Bytes, items: readonly Reply[], resp: 2 | 3, depth: number): Bytes {
  if (depth >= DEEP) return encodeDeep(head, items, resp);
  let out = head;
  for (const item of items) out += encode(item, resp, depth + 1);
  return out;
}

/** What {@link encodeAll} does, however deep. */
function encodeDeep(head: Bytes, items: readonly Reply[], resp: 2 | 3): Bytes {
  const open = [items.values()];
  let out = head;
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const step = level.next();
    if (step.done === true) {
      open.pop();
      continue;
    }
    const aggregate = aggregateOf(step.value, resp);
    if (aggregate === null) out += encode(step.value, resp, 0);
    else {
      out += aggregate.head;
      open.push(aggregate.items.values());
    }
  }
  return out;
}

/** What stands in front of the parts of a reply, and the parts; null if it has none. */
function aggregateOf(reply: Reply, resp: 2 | 3): { readonly head: Bytes; readonly items: readonly Reply[] } | null {
  const head = (sign: string, items: readonly unknown[], each = 1): Bytes =>
    resp === 3 ? `${sign}${items.length}\r\n` : arrayHead(items.length * each);
  if (Array.isArray(reply)) return { head: arrayHead(reply.length), items: reply as readonly Reply[] };
  if (reply instanceof MapReply) return { head: head("%", reply.pairs, 2), items: reply.pairs.flat() };
  if (reply instanceof SetReply) return { head: head("~", reply.members), items: reply.members };
  if (reply instanceof PushReply) return { head: head(">", reply.items), items: reply.items };
  if (reply instanceof ManyReplies) return { head: "", items: reply.replies };
  if (!(reply instanceof AttributedReply)) return null;
  if (resp === 2) return { head: "", items: [reply.reply] };
  return { head: `|${reply.attributes.length}\r\n`, items: [...reply.attributes.flat(), reply.reply] };
}

function encodeTyped(reply: Reply, resp: 2 | 3): Bytes {
  if (reply instanceof NullArray) return resp === 2 ? "*-1\r\n" : "_\r\n";
  if (reply instanceof NoReply) return "";
  if (reply instanceof DoubleReply) {
    const text = reply.text ?? doubleText(reply.value);
    return resp === 2 ? encodeBulk(text) : `,${text}\r\n`;
  }
  if (reply instanceof BooleanReply) {
    if (resp === 3) return reply.value ? "#t\r\n" : "#f\r\n";
    return reply.value ? ":1\r\n" : ":0\r\n";
  }
  if (reply instanceof VerbatimReply) {
    return resp === 3 ? `=${reply.text.length + 4}\r\n${reply.format}:${reply.text}\r\n` : encodeBulk(reply.text);
  }
  if (reply instanceof BigNumberReply) return resp === 3 ? `(${reply.digits}\r\n` : encodeBulk(reply.digits);
  throw new TypeError("not a reply");
}

/** An error is one line: what a client put into it must not end the line. */
function oneLine(text: Bytes): Bytes {
  return text.includes("\r") || text.includes("\n") ? text.replaceAll("\r", " ").replaceAll("\n", " ") : text;
}
