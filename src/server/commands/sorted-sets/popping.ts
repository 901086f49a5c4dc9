import { type Bytes, DoubleReply, ErrorReply, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { CommandHandler } from "../../dispatch/registry.js";
import type { Entry, SortedSet } from "../../keyspace/sorted-set.js";
import { typeOf } from "../../keyspace/values.js";
import { arg, countArg, isWord, positiveArg, timeoutArg } from "../support/arguments.js";
import { alternating, entriesReply, pairs, removeIfEmpty } from "./access.js";

/* Taking members off either end. Blocking forms are propagated as the plain pop that has their effect. */

/** Which end: the lowest scores or the highest. */
type End = "min" | "max";

const badNumKeys = new ErrorReply("ERR numkeys should be greater than 0");
const badCount = new ErrorReply("ERR count should be greater than 0");

function take(ctx: CommandContext, key: Bytes, set: SortedSet, end: End, count: number): Entry[] {
  const taken = end === "min" ? set.slice(0, count) : set.slice(set.size - count, set.size).reverse();
  for (const { member } of taken) set.delete(member);
  ctx.changed(key, taken.length);
  ctx.notify("z", `zpop${end}`, key);
  removeIfEmpty(ctx, key, set);
  return taken;
}

/** A handler for ZPOPMIN and ZPOPMAX. */
export function popCommand(end: End): CommandHandler {
  return (ctx, args) => {
    const key = arg(args, 1);
    if (args.length > 3) fail(errors.syntax);
    const count = args.length === 3 ? countArg(arg(args, 2)) : null;
    const set = ctx.db.get(key, "zset");
    if (set === null || count === 0) return [];
    const taken = take(ctx, key, set, end, count ?? 1);
    return count === null ? alternating(taken) : entriesReply(ctx, taken, true);
  };
}

/** A handler for BZPOPMIN and BZPOPMAX. */
export function blockingPopCommand(end: End): CommandHandler {
  return (ctx, args) => {
    const timeoutMs = timeoutArg(arg(args, args.length - 1));
    return blockingPop(ctx, args.slice(1, -1), timeoutMs, (key, set) => {
      const [{ member, score } = fail(errors.noSuchKey)] = take(ctx, key, set, end, 1);
      ctx.rewrite(`ZPOP${end.toUpperCase()}`, key);
      return [key, member, new DoubleReply(score)];
    });
  };
}

export function zmpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { keys, end, count } = multiPopArgs(args, 1);
  for (const key of keys) {
    const set = ctx.db.get(key, "zset");
    if (set !== null) return popMany(ctx, key, set, end, count);
  }
  return NULL_ARRAY;
}

export function bzmpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const timeoutMs = timeoutArg(arg(args, 1));
  const { keys, end, count } = multiPopArgs(args, 2);
  return blockingPop(ctx, keys, timeoutMs, (key, set) => popMany(ctx, key, set, end, count));
}

function popMany(ctx: CommandContext, key: Bytes, set: SortedSet, end: End, count: number): Reply {
  const taken = take(ctx, key, set, end, count);
  ctx.rewrite(`ZPOP${end.toUpperCase()}`, key, String(taken.length));
  return [key, pairs(taken)];
}

/** `from` is the index of numkeys. */
function multiPopArgs(args: readonly Bytes[], from: number): { keys: Bytes[]; end: End; count: number } {
  const numKeys = positiveArg(arg(args, from), badNumKeys);
  const at = from + 1 + numKeys;
  const keys = args.slice(from + 1, at);
  const end = isWord(arg(args, at), "min") ? "min" : isWord(args[at], "max") ? "max" : fail(errors.syntax);
  let count = 0;
  for (let option = at + 1; option < args.length; option += 2) {
    if (count !== 0 || !isWord(args[option], "count")) fail(errors.syntax);
    count = positiveArg(arg(args, option + 1), badCount);
  }
  return { keys, end, count: count === 0 ? 1 : count };
}

function blockingPop(
  ctx: CommandContext,
  keys: readonly Bytes[],
  timeoutMs: number,
  pop: (key: Bytes, set: SortedSet) => Reply,
): Reply {
  for (const key of keys) {
    const set = ctx.db.get(key, "zset");
    if (set !== null) return pop(key, set);
  }
  return ctx.block({
    keys,
    timeoutMs,
    timeoutReply: () => NULL_ARRAY,
    retry(key) {
      const value = ctx.db.peek(key)?.value;
      if (value === undefined || typeOf(value) !== "zset") return null;
      const set = ctx.db.get(key, "zset");
      return set === null ? null : pop(key, set);
    },
  });
}
