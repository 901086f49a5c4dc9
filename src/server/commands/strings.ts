import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, OK } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { mayExpireNow } from "./expiry.js";
import { longArg } from "./support/arguments.js";
import type { Integer } from "./support/integer.js";
import { addInteger, parseInteger } from "./support/integer.js";
import { addLongDouble, longDoubleText, parseLongDouble } from "./support/long-double.js";
import { expiryFromUnit, parseSetOptions } from "./support/set-options.js";

/** https://redis.io/docs/latest/commands/?group=string */
export const stringCommands: CommandGroup = {
  get,
  set,
  setnx,
  setex: (ctx, args) => setWithExpiry(ctx, args, "ex"),
  psetex: (ctx, args) => setWithExpiry(ctx, args, "px"),
  getset,
  getdel,
  getex,
  mget,
  mset,
  msetnx,
  incr: (ctx, args) => addTo(ctx, args[1] as Bytes, 1),
  decr: (ctx, args) => addTo(ctx, args[1] as Bytes, -1),
  incrby: (ctx, args) => addTo(ctx, args[1] as Bytes, parseInteger(args[2] as Bytes) ?? fail(errors.notInteger)),
  decrby,
  incrbyfloat,
  append,
  strlen,
  getrange,
  substr: getrange,
  setrange,
};

/** What JavaScript can hold: 24 bytes less than Redis's default of 512 MB. */
export const LONGEST_STRING = 2 ** 29 - 24;

const DECREMENT_OVERFLOW = new ErrorReply("ERR decrement would overflow");
const OFFSET_OUT_OF_RANGE = new ErrorReply("ERR offset is out of range");
const WRONG_MSET = new ErrorReply("ERR wrong number of arguments for 'mset' command");
const WRONG_MSETNX = new ErrorReply("ERR wrong number of arguments for 'msetnx' command");

function get(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.lookup(args[1] as Bytes);
  if (entry === undefined) return null;
  return typeof entry.value === "string" ? entry.value : errors.wrongType;
}

function set(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const value = args[2] as Bytes;
  if (args.length === 3) {
    ctx.db.set(key, value);
    ctx.changed(key);
    ctx.notify("$", "set", key);
    return OK;
  }
  const options = parseSetOptions(ctx.nowMs, args);
  const entry = options.get || options.when !== null ? ctx.db.lookup(key) : undefined;
  if (options.get && entry !== undefined && typeof entry.value !== "string") return errors.wrongType;
  const old = options.get ? ((entry?.value as Bytes | undefined) ?? null) : null;
  if ((options.when === "nx" && entry !== undefined) || (options.when === "xx" && entry === undefined)) return old;
  if (options.keepTtl) ctx.db.setKeepTtl(key, value);
  else ctx.db.set(key, value);
  ctx.changed(key);
  ctx.notify("$", "set", key);
  if (options.expireAt !== null) {
    ctx.db.setExpireAt(key, options.expireAt);
    ctx.notify("g", "expire", key);
    ctx.rewrite("SET", key, value, "PXAT", String(options.expireAt));
  } else if (options.get) {
    ctx.rewrite(...args.filter((arg, i) => i < 3 || arg.toLowerCase() !== "get"));
  }
  return options.get ? old : OK;
}

function setWithExpiry(ctx: CommandContext, args: readonly Bytes[], unit: "ex" | "px"): Reply {
  const key = args[1] as Bytes;
  const value = args[3] as Bytes;
  const expireAt = expiryFromUnit(args[2] as Bytes, unit, ctx.nowMs, unit === "ex" ? "setex" : "psetex");
  ctx.db.set(key, value);
  ctx.db.setExpireAt(key, expireAt);
  ctx.changed(key);
  ctx.notify("$", "set", key);
  ctx.notify("g", "expire", key);
  ctx.rewrite("SET", key, value, "PXAT", String(expireAt));
  return OK;
}

function setnx(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  if (ctx.db.has(key)) return 0;
  put(ctx, key, args[2] as Bytes);
  return 1;
}

function put(ctx: CommandContext, key: Bytes, value: Bytes): void {
  ctx.db.set(key, value);
  ctx.changed(key);
  ctx.notify("$", "set", key);
}

function getset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const old = ctx.db.get(key, "string");
  put(ctx, key, args[2] as Bytes);
  ctx.rewrite("SET", key, args[2] as Bytes);
  return old;
}

function getdel(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const old = ctx.db.get(key, "string");
  if (old === null) return null;
  removeKey(ctx, key);
  return old;
}

function removeKey(ctx: CommandContext, key: Bytes): void {
  ctx.db.delete(key);
  ctx.changed(key);
  ctx.notify("g", "del", key);
  ctx.rewrite("DEL", key);
}

function getex(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const unit = args[2]?.toLowerCase();
  if (unit !== undefined) {
    const wanted = unit === "persist" ? 3 : 4;
    if (!["persist", "ex", "px", "exat", "pxat"].includes(unit) || args.length !== wanted) return errors.syntax;
  }
  const value = ctx.db.get(key, "string");
  if (unit === undefined || value === null) return value;
  const expireAt = unit === "persist" ? -1 : expiryFromUnit(args[3] as Bytes, unit as "ex", ctx.nowMs, "getex");
  if (unit === "persist") {
    if (ctx.db.expireAt(key) === -1) return value;
    ctx.db.setExpireAt(key, -1);
    ctx.rewrite("PERSIST", key);
    ctx.changed(key);
    ctx.notify("g", "persist", key);
  } else if (expireAt <= ctx.nowMs && mayExpireNow(ctx)) {
    removeKey(ctx, key);
  } else {
    ctx.db.setExpireAt(key, expireAt);
    ctx.rewrite("PEXPIREAT", key, String(expireAt));
    ctx.changed(key);
    ctx.notify("g", "expire", key);
  }
  return value;
}

function mget(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const values: Reply[] = [];
  for (let i = 1; i < args.length; i++) {
    const value = ctx.db.lookup(args[i] as Bytes)?.value;
    values.push(typeof value === "string" ? value : null);
  }
  return values;
}

function mset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length % 2 === 0) return WRONG_MSET;
  for (let i = 1; i < args.length; i += 2) put(ctx, args[i] as Bytes, args[i + 1] as Bytes);
  return OK;
}

function msetnx(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length % 2 === 0) return WRONG_MSETNX;
  for (let i = 1; i < args.length; i += 2) if (ctx.db.has(args[i] as Bytes)) return 0;
  for (let i = 1; i < args.length; i += 2) put(ctx, args[i] as Bytes, args[i + 1] as Bytes);
  return 1;
}

function decrby(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const amount = parseInteger(args[2] as Bytes) ?? fail(errors.notInteger);
  // -2^63 has no counterpart.
  return amount === -(2n ** 63n) ? DECREMENT_OVERFLOW : addTo(ctx, args[1] as Bytes, -amount);
}

function addTo(ctx: CommandContext, key: Bytes, amount: Integer): Reply {
  const old = parseInteger(ctx.db.get(key, "string") ?? "0") ?? fail(errors.notInteger);
  const sum = addInteger(old, amount) ?? fail(errors.overflow);
  ctx.db.setKeepTtl(key, String(sum));
  ctx.changed(key);
  ctx.notify("$", "incrby", key);
  return sum;
}

function incrbyfloat(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const old = parseLongDouble(ctx.db.get(key, "string") ?? "0") ?? fail(errors.notFloat);
  const amount = parseLongDouble(args[2] as Bytes) ?? fail(errors.notFloat);
  const text = longDoubleText(addLongDouble(old, amount) ?? fail(errors.nanOrInfinity));
  ctx.db.setKeepTtl(key, text, "embstr");
  ctx.changed(key);
  ctx.notify("$", "incrbyfloat", key);
  ctx.rewrite("SET", key, text, "KEEPTTL");
  return text;
}

function checkLength(ctx: CommandContext, length: number): void {
  const longest = ctx.client.isMasterLink ? LONGEST_STRING : ctx.server.config.number("proto-max-bulk-len");
  if (length > Math.min(longest, LONGEST_STRING)) fail(errors.stringTooLong);
}

function append(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const before = ctx.db.get(key, "string");
  const old = before ?? "";
  const suffix = args[2] as Bytes;
  checkLength(ctx, old.length + suffix.length);
  ctx.db.setKeepTtl(key, old + suffix, before === null ? null : "raw");
  ctx.changed(key);
  ctx.notify("$", "append", key);
  return old.length + suffix.length;
}

function strlen(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(args[1] as Bytes, "string")?.length ?? 0;
}

function getrange(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let start = longArg(args[2] as Bytes);
  let end = longArg(args[3] as Bytes);
  const value = ctx.db.get(args[1] as Bytes, "string");
  if (value === null || (start < 0 && end < 0 && start > end)) return "";
  if (start < 0) start = Math.max(0, value.length + start);
  if (end < 0) end = Math.max(0, value.length + end);
  return value.slice(start, end + 1);
}

function setrange(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const offset = longArg(args[2] as Bytes);
  const piece = args[3] as Bytes;
  if (offset < 0) return OFFSET_OUT_OF_RANGE;
  const old = ctx.db.get(key, "string");
  if (piece.length === 0) return old?.length ?? 0;
  checkLength(ctx, offset + piece.length);
  const padded = (old ?? "").padEnd(offset, "\0");
  const value = padded.slice(0, offset) + piece + padded.slice(offset + piece.length);
  ctx.db.setKeepTtl(key, value, "raw");
  ctx.changed(key);
  ctx.notify("$", "setrange", key);
  return value.length;
}
