import { type Bytes, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { endArg, startArg } from "./arguments.js";
import { entriesReply } from "./replies.js";

export function xlen(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "stream")?.length ?? 0;
}

export function xrange(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return range(ctx, args, false);
}

export function xrevrange(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return range(ctx, args, true);
}

function range(ctx: CommandContext, args: readonly Bytes[], reverse: boolean): Reply {
  const from = startArg(arg(args, reverse ? 3 : 2));
  const to = endArg(arg(args, reverse ? 2 : 3));
  let count: number | null = null;
  for (let at = 4; at < args.length; at += 2) {
    if (!isWord(args[at], "count") || at + 1 >= args.length) fail(errors.syntax);
    count = Math.max(0, longArg(arg(args, at + 1)));
  }
  const stream = ctx.db.get(arg(args, 1), "stream");
  if (stream === null) return [];
  // Redis answers "nothing" here, not "none".
  if (count === 0) return NULL_ARRAY;
  return entriesReply(stream.range(from, to, count ?? 0, reverse));
}
