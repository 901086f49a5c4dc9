import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { LONGEST_STRING } from "./strings.js";
import { isWord, longArg } from "./support/arguments.js";
import { parseInteger } from "./support/integer.js";

/** Strings as arrays of bits. https://redis.io/docs/latest/commands/?group=bitmap; BITFIELD has a file of its own. */
export const bitmapCommands: CommandGroup = { setbit, getbit, bitcount, bitpos, bitop };

const BAD_BIT = new ErrorReply("ERR bit is not an integer or out of range");
const BIT_NOT_0_OR_1 = new ErrorReply("ERR The bit argument must be 1 or 0.");
const BAD_OFFSET = new ErrorReply("ERR bit offset is not an integer or out of range");
const NOT_NEEDS_ONE = new ErrorReply("ERR BITOP NOT must be called with a single source key.");

/** The offset of a bit that is read; with `width`, `#n` means the n-th field of that width. */
export function bitOffsetArg(ctx: CommandContext, text: Bytes, width = 0): number {
  const counted = width > 0 && text.startsWith("#");
  const value = parseInteger(counted ? text.slice(1) : text) ?? fail(BAD_OFFSET);
  const offset = Number(value) * (counted ? width : 1);
  const longest = ctx.client.isMasterLink ? Number.MAX_SAFE_INTEGER : ctx.server.config.number("proto-max-bulk-len");
  return offset < 0 || offset / 8 >= longest ? fail(BAD_OFFSET) : offset;
}

/** As {@link bitOffsetArg}, of a bit that is written: no string grows beyond what there can be. */
export function writtenOffsetArg(ctx: CommandContext, text: Bytes, width = 0): number {
  const offset = bitOffsetArg(ctx, text, width);
  return (offset + width) / 8 >= LONGEST_STRING ? fail(BAD_OFFSET) : offset;
}

function setbit(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const offset = writtenOffsetArg(ctx, args[2] as Bytes);
  const bit = args[3] === "1" ? 1 : args[3] === "0" ? 0 : fail(BAD_BIT);
  const at = Math.floor(offset / 8);
  const known = ctx.db.get(key, "string");
  const value = (known ?? "").padEnd(at + 1, "\0");
  const mask = 128 >> (offset % 8);
  const old = value.charCodeAt(at);
  const byte = bit === 1 ? old | mask : old & ~mask;
  if (byte === old && known?.length === value.length) return bit;
  ctx.db.setKeepTtl(key, value.slice(0, at) + String.fromCharCode(byte) + value.slice(at + 1), "raw");
  ctx.changed(key);
  ctx.notify("$", "setbit", key);
  return (old & mask) === 0 ? 0 : 1;
}

function getbit(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const offset = bitOffsetArg(ctx, args[2] as Bytes);
  const value = ctx.db.get(args[1] as Bytes, "string") ?? "";
  const at = Math.floor(offset / 8);
  return at < value.length && (value.charCodeAt(at) & (128 >> (offset % 8))) !== 0 ? 1 : 0;
}

/** A range given in bytes or bits, cut to the string and turned into bits; null = empty. */
function bitRange(length: number, start: number, end: number, inBits: boolean): readonly [number, number] | null {
  const total = inBits ? length * 8 : length;
  if (start < 0 && end < 0 && start > end) return null;
  const from = start < 0 ? Math.max(0, start + total) : start;
  const to = Math.min(end < 0 ? Math.max(0, end + total) : end, total - 1);
  if (from > to) return null;
  return inBits ? [from, to] : [from * 8, to * 8 + 7];
}

function unitIsBits(text: Bytes): boolean {
  if (isWord(text, "bit")) return true;
  return isWord(text, "byte") ? false : fail(errors.syntax);
}

function popcount(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) count++;
  return count;
}

function bitcount(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const value = ctx.db.get(args[1] as Bytes, "string");
  if (value === null) return 0;
  let range: readonly [number, number] | null = [0, value.length * 8 - 1];
  if (args.length === 4 || args.length === 5) {
    const start = longArg(args[2] as Bytes);
    const end = longArg(args[3] as Bytes);
    range = bitRange(value.length, start, end, args.length === 5 && unitIsBits(args[4] as Bytes));
  } else if (args.length !== 2) return errors.syntax;
  if (range === null) return 0;
  const [from, to] = range;
  let count = 0;
  for (let at = from >> 3; at <= to >> 3; at++) {
    let byte = value.charCodeAt(at);
    if (at === from >> 3) byte &= 255 >> (from % 8);
    if (at === to >> 3) byte &= 255 << (7 - (to % 8));
    count += popcount(byte & 255);
  }
  return count;
}

function bitpos(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const bit = longArg(args[2] as Bytes);
  if (bit !== 0 && bit !== 1) return BIT_NOT_0_OR_1;
  const value = ctx.db.get(args[1] as Bytes, "string");
  // A missing key is an endless row of zeros.
  if (value === null) return bit === 1 ? -1 : 0;
  if (args.length > 6) return errors.syntax;
  const start = args.length > 3 ? longArg(args[3] as Bytes) : 0;
  const inBits = args.length === 6 && unitIsBits(args[5] as Bytes);
  const end = args.length > 4 ? longArg(args[4] as Bytes) : -1;
  const range = value.length === 0 ? null : bitRange(value.length, start, end, inBits);
  if (range === null) return -1;
  const [from, to] = range;
  const skip = bit === 1 ? 0 : 255;
  for (let at = from; at <= to; at++) {
    const byte = value.charCodeAt(at >> 3);
    if (at % 8 === 0 && byte === skip && at + 7 <= to) at += 7;
    else if (((byte >> (7 - (at % 8))) & 1) === bit) return at;
  }
  // Behind the string there are only zeros, if no end was asked for.
  return bit === 0 && args.length < 5 ? value.length * 8 : -1;
}

function bitop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const operation = (args[1] as Bytes).toLowerCase();
  if (!["and", "or", "xor", "not"].includes(operation)) return errors.syntax;
  if (operation === "not" && args.length !== 4) return NOT_NEEDS_ONE;
  const target = args[2] as Bytes;
  const sources = args.slice(3).map((key) => ctx.db.get(key, "string") ?? "");
  const length = Math.max(...sources.map((source) => source.length));
  if (length === 0) {
    if (ctx.db.delete(target)) {
      ctx.changed(target);
      ctx.notify("g", "del", target);
    }
    return 0;
  }
  const result = Buffer.alloc(length);
  for (const [index, source] of sources.entries()) {
    for (let at = 0; at < length; at++) {
      const byte = at < source.length ? source.charCodeAt(at) : 0;
      const old = result[at] as number;
      if (operation === "not") result[at] = ~byte;
      else if (index === 0) result[at] = byte;
      else if (operation === "and") result[at] = old & byte;
      else result[at] = operation === "or" ? old | byte : old ^ byte;
    }
  }
  ctx.db.set(target, result.latin1Slice());
  ctx.changed(target);
  ctx.notify("$", "set", target);
  return length;
}
