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

/** The bytes of a reply in RESP version 2 or 3, one character per byte. */
export function encodeReply(reply: Reply, resp: 2 | 3): Bytes {
  if (typeof reply === "string") return encodeBulk(reply);
  if (reply === null) return resp === 2 ? "$-1\r\n" : "_\r\n";
  if (typeof reply === "number" || typeof reply === "bigint") return encodeInteger(reply);
  if (reply instanceof SimpleString) return reply.encoded;
  if (reply instanceof ErrorReply) return `-${oneLine(reply.text)}\r\n`;
  if (Array.isArray(reply)) return encodeAll(arrayHead(reply.length), reply as readonly Reply[], resp);
  return encodeTyped(reply as object, resp);
}

function encodeAll(head: Bytes, items: Iterable<Reply>, resp: 2 | 3): Bytes {
  let out = head;
  for (const item of items) out += encodeReply(item, resp);
  return out;
}

function encodeTyped(reply: object, resp: 2 | 3): Bytes {
  if (reply instanceof NullArray) return resp === 2 ? "*-1\r\n" : "_\r\n";
  if (reply instanceof NoReply) return "";
  if (reply instanceof ManyReplies) return encodeAll("", reply.replies, resp);
  if (reply instanceof DoubleReply) {
    const text = reply.text ?? doubleText(reply.value);
    return resp === 2 ? encodeBulk(text) : `,${text}\r\n`;
  }
  if (reply instanceof BooleanReply) {
    if (resp === 3) return reply.value ? "#t\r\n" : "#f\r\n";
    return reply.value ? ":1\r\n" : ":0\r\n";
  }
  if (reply instanceof MapReply) {
    const length = reply.pairs.length;
    return encodeAll(resp === 3 ? `%${length}\r\n` : arrayHead(length * 2), reply.pairs.flat(), resp);
  }
  if (reply instanceof SetReply) {
    const length = reply.members.length;
    return encodeAll(resp === 3 ? `~${length}\r\n` : arrayHead(length), reply.members, resp);
  }
  if (reply instanceof PushReply) {
    const length = reply.items.length;
    return encodeAll(resp === 3 ? `>${length}\r\n` : arrayHead(length), reply.items, resp);
  }
  if (reply instanceof VerbatimReply) {
    return resp === 3 ? `=${reply.text.length + 4}\r\n${reply.format}:${reply.text}\r\n` : encodeBulk(reply.text);
  }
  if (reply instanceof AttributedReply) {
    const head = resp === 3 ? encodeAll(`|${reply.attributes.length}\r\n`, reply.attributes.flat(), resp) : "";
    return head + encodeReply(reply.reply, resp);
  }
  if (reply instanceof BigNumberReply) return resp === 3 ? `(${reply.digits}\r\n` : encodeBulk(reply.digits);
  throw new TypeError("not a reply");
}

/** An error is one line: what a client put into it must not end the line. */
function oneLine(text: Bytes): Bytes {
  return text.includes("\r") || text.includes("\n") ? text.replaceAll("\r", " ").replaceAll("\n", " ") : text;
}
