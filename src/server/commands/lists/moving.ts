import { type Bytes, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import type { List } from "../../keyspace/list.js";
import { typeOf } from "../../keyspace/values.js";
import { arg, timeoutArg } from "../support/arguments.js";
import { multiPopArgs, openList, push, type Side, sideArg, take } from "./list-access.js";

/*
 * Moving between lists, popping from the first of several, and their blocking forms. A blocking form is propagated as
 * the plain command that has its effect, whether it was served at once or had to wait.
 */

/** Moves one element; null if there is none. The type of the destination is checked before anything moves. */
function move(ctx: CommandContext, source: Bytes, target: Bytes, from: Side, to: Side): Bytes | null {
  const list = ctx.db.get(source, "list");
  if (list === null) return null;
  ctx.db.get(target, "list");
  const element = from === "left" ? list.popLeft() : list.popRight();
  if (element === undefined) return null;
  push(source === target ? list : openList(ctx, target), to, element);
  ctx.notify("l", from === "left" ? "lpop" : "rpop", source);
  ctx.notify("l", to === "left" ? "lpush" : "rpush", target);
  if (ctx.db.deleteIfEmpty(source, list)) ctx.notify("g", "del", source);
  ctx.changed(source);
  if (target !== source) ctx.changed(target, 0);
  return element;
}

export function lmove(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const from = sideArg(arg(args, 3));
  const to = sideArg(arg(args, 4));
  return move(ctx, arg(args, 1), arg(args, 2), from, to);
}

export function rpoplpush(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return move(ctx, arg(args, 1), arg(args, 2), "right", "left");
}

export function blmove(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const from = sideArg(arg(args, 3));
  const to = sideArg(arg(args, 4));
  const rewritten = ["LMOVE", arg(args, 1), arg(args, 2), arg(args, 3), arg(args, 4)];
  return blockingMove(ctx, arg(args, 1), arg(args, 2), from, to, arg(args, 5), rewritten);
}

export function brpoplpush(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const rewritten = ["RPOPLPUSH", arg(args, 1), arg(args, 2)];
  return blockingMove(ctx, arg(args, 1), arg(args, 2), "right", "left", arg(args, 3), rewritten);
}

function blockingMove(
  ctx: CommandContext,
  source: Bytes,
  target: Bytes,
  from: Side,
  to: Side,
  timeout: Bytes,
  rewritten: readonly Bytes[],
): Reply {
  const timeoutMs = timeoutArg(timeout);
  const attempt = (): Bytes | null => {
    const moved = move(ctx, source, target, from, to);
    if (moved !== null) ctx.rewrite(...rewritten);
    return moved;
  };
  const moved = attempt();
  if (moved !== null) return moved;
  return ctx.block({
    keys: [source],
    timeoutMs,
    timeoutReply: () => NULL_ARRAY,
    deniedReply: () => null,
    retry: () => (awaitedList(ctx, source) === null ? null : attempt()),
  });
}

export function lmpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { keys, side, count } = multiPopArgs(args, 1);
  for (const key of keys) {
    const list = ctx.db.get(key, "list");
    if (list !== null) return popMany(ctx, key, list, side, count);
  }
  return NULL_ARRAY;
}

export function blmpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const timeoutMs = timeoutArg(arg(args, 1));
  const { keys, side, count } = multiPopArgs(args, 2);
  return blockingPop(ctx, keys, timeoutMs, (key, list) => popMany(ctx, key, list, side, count));
}

function popMany(ctx: CommandContext, key: Bytes, list: List, side: Side, count: number): Reply {
  const taken = take(ctx, key, list, side, count);
  ctx.rewrite(side === "left" ? "LPOP" : "RPOP", key, String(taken.length));
  return [key, taken];
}

export function blpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return blockingPopOne(ctx, args, "left");
}

export function brpop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return blockingPopOne(ctx, args, "right");
}

function blockingPopOne(ctx: CommandContext, args: readonly Bytes[], side: Side): Reply {
  const timeoutMs = timeoutArg(arg(args, args.length - 1));
  return blockingPop(ctx, args.slice(1, -1), timeoutMs, (key, list) => {
    const taken = take(ctx, key, list, side, 1);
    ctx.rewrite(side === "left" ? "LPOP" : "RPOP", key);
    return [key, ...taken];
  });
}

function blockingPop(
  ctx: CommandContext,
  keys: readonly Bytes[],
  timeoutMs: number,
  pop: (key: Bytes, list: List) => Reply,
): Reply {
  for (const key of keys) {
    const list = ctx.db.get(key, "list");
    if (list !== null) return pop(key, list);
  }
  return ctx.block({
    keys,
    timeoutMs,
    timeoutReply: () => NULL_ARRAY,
    retry(key) {
      const list = awaitedList(ctx, key);
      return list === null ? null : pop(key, list);
    },
  });
}

/** The list that woke a waiter; null if the key holds something else by now, for which nobody waits. */
function awaitedList(ctx: CommandContext, key: Bytes): List | null {
  const value = ctx.db.peek(key)?.value;
  return value !== undefined && typeOf(value) === "list" ? ctx.db.get(key, "list") : null;
}
