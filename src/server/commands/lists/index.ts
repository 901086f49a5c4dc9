import { type Bytes, ErrorReply, NULL_ARRAY, OK, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail, wrongArity } from "../../dispatch/errors.js";
import type { CommandGroup } from "../../dispatch/registry.js";
import type { List } from "../../keyspace/list.js";
import { arg, countArg, integerArg, isWord, longArg } from "../support/arguments.js";
import { INT64_MIN } from "../support/integer.js";
import { indexRange } from "../support/ranges.js";
import { openList, push, removeIfEmpty, type Side, take } from "./list-access.js";
import { blmove, blmpop, blpop, brpop, brpoplpush, lmove, lmpop, rpoplpush } from "./moving.js";

export const listCommands: CommandGroup = {
  lpush: (ctx, args) => pushAll(ctx, args, "left"),
  rpush: (ctx, args) => pushAll(ctx, args, "right"),
  lpushx: (ctx, args) => pushAll(ctx, args, "left", true),
  rpushx: (ctx, args) => pushAll(ctx, args, "right", true),
  lpop: (ctx, args) => pop(ctx, args, "left"),
  rpop: (ctx, args) => pop(ctx, args, "right"),
  llen,
  lindex,
  lset,
  linsert,
  lrange,
  ltrim,
  lrem,
  lpos,
  lmove,
  rpoplpush,
  lmpop,
  blpop,
  brpop,
  blmove,
  brpoplpush,
  blmpop,
};

const zeroRank = new ErrorReply(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
const negativeCount = new ErrorReply("ERR COUNT can't be negative");
const negativeMaxLen = new ErrorReply("ERR MAXLEN can't be negative");

function pushAll(ctx: CommandContext, args: readonly Bytes[], side: Side, onlyIfThere = false): Reply {
  const key = arg(args, 1);
  const known = ctx.db.get(key, "list");
  if (known === null && onlyIfThere) return 0;
  const list = known ?? openList(ctx, key);
  for (let at = 2; at < args.length; at++) push(list, side, arg(args, at));
  ctx.changed(key, args.length - 2);
  ctx.notify("l", side === "left" ? "lpush" : "rpush", key);
  return list.length;
}

function pop(ctx: CommandContext, args: readonly Bytes[], side: Side): Reply {
  const key = arg(args, 1);
  if (args.length > 3) return wrongArity(side === "left" ? "lpop" : "rpop");
  const count = args.length === 3 ? countArg(arg(args, 2)) : null;
  const list = ctx.db.get(key, "list");
  if (list === null) return count === null ? null : NULL_ARRAY;
  if (count === null) return take(ctx, key, list, side, 1)[0] ?? null;
  return count === 0 ? [] : take(ctx, key, list, side, count);
}

function llen(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "list")?.length ?? 0;
}

function lindex(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const list = ctx.db.get(arg(args, 1), "list");
  if (list === null) return null;
  const index = longArg(arg(args, 2));
  return list.get(index < 0 ? index + list.length : index) ?? null;
}

function lset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const list = ctx.db.get(key, "list") ?? fail(errors.noSuchKey);
  const index = longArg(arg(args, 2));
  const at = index < 0 ? index + list.length : index;
  if (at < 0 || at >= list.length) return errors.indexOutOfRange;
  list.set(at, arg(args, 3));
  ctx.changed(key);
  ctx.notify("l", "lset", key);
  return OK;
}

function linsert(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const after = isWord(args[2], "after");
  if (!after && !isWord(args[2], "before")) fail(errors.syntax);
  const list = ctx.db.get(key, "list");
  if (list === null) return 0;
  const pivot = arg(args, 3);
  let at = 0;
  for (const element of list) {
    if (element === pivot) {
      list.insert(after ? at + 1 : at, arg(args, 4));
      ctx.changed(key);
      ctx.notify("l", "linsert", key);
      return list.length;
    }
    at++;
  }
  return -1;
}

function lrange(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const start = longArg(arg(args, 2));
  const stop = longArg(arg(args, 3));
  const list = ctx.db.get(arg(args, 1), "list");
  return list === null ? [] : list.slice(...indexRange(start, stop, list.length));
}

function ltrim(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const start = longArg(arg(args, 2));
  const stop = longArg(arg(args, 3));
  const list = ctx.db.get(key, "list");
  if (list === null) return OK;
  const [from, to] = indexRange(start, stop, list.length);
  const before = list.length;
  list.remove(to, before - to);
  list.remove(0, from);
  ctx.notify("l", "ltrim", key);
  removeIfEmpty(ctx, key, list);
  ctx.changed(key, before - list.length);
  return OK;
}

function lrem(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const count = longArg(arg(args, 2));
  const element = arg(args, 3);
  const list = ctx.db.get(key, "list");
  if (list === null) return 0;
  const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  // From the right: the matches to leave alone are the ones in front.
  let spare = count < 0 ? occurrences(list, element) - limit : 0;
  const before = list.length;
  let removed = 0;
  list.retain((other) => {
    if (other !== element || removed >= limit || spare-- > 0) return true;
    removed++;
    return false;
  });
  if (removed === 0) return 0;
  ctx.changed(key, removed);
  ctx.notify("l", "lrem", key);
  removeIfEmpty(ctx, key, list);
  return before - list.length;
}

function occurrences(list: List, element: Bytes): number {
  let found = 0;
  for (const other of list) if (other === element) found++;
  return found;
}

function lpos(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const element = arg(args, 2);
  let rank = 1;
  let count: number | null = null;
  let maxLength = 0;
  for (let at = 3; at < args.length; at += 2) {
    const value = arg(args, at + 1);
    if (isWord(args[at], "rank")) {
      const given = integerArg(value);
      // Redis negates the rank; of the lowest number nothing comes of that, and it finds the first match from the end.
      rank = given === INT64_MIN ? -1 : Number(given);
      if (rank === 0) fail(zeroRank);
    } else if (isWord(args[at], "count")) {
      count = countArg(value, negativeCount);
    } else if (isWord(args[at], "maxlen")) {
      maxLength = countArg(value, negativeMaxLen);
    } else {
      fail(errors.syntax);
    }
  }
  const list = ctx.db.get(arg(args, 1), "list");
  if (list === null) return count === null ? null : [];
  const found = positions(list, element, rank, count ?? 1, maxLength);
  return count === null ? (found[0] ?? null) : found;
}

/** Up to `count` indices (0 = all) of `element`, beginning at its `rank`-th match, among `maxLength` elements (0 = all). */
function positions(list: List, element: Bytes, rank: number, count: number, maxLength: number): number[] {
  const found: number[] = [];
  let skip = Math.abs(rank) - 1;
  let looked = 0;
  for (const other of rank < 0 ? list.reversed() : list) {
    if (maxLength !== 0 && looked >= maxLength) break;
    if (other === element && skip-- <= 0) {
      found.push(rank < 0 ? list.length - 1 - looked : looked);
      if (count !== 0 && found.length >= count) break;
    }
    looked++;
  }
  return found;
}
