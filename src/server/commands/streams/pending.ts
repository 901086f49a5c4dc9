import { type Bytes, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import { byName, type StreamGroup } from "../../keyspace/stream-group.js";
import { idText } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { endArg, groupOf, startArg } from "./arguments.js";

/** XPENDING in its short form (how much, from where to where, whose) and its long one (entry by entry). */
export function xpending(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length === 3) return summary(groupOf(ctx, arg(args, 1), arg(args, 2))[1]);
  if (args.length < 6 || args.length > 9) fail(errors.syntax);
  let at = 3;
  let minIdleMs = 0;
  if (isWord(args[3], "idle")) {
    minIdleMs = longArg(arg(args, 4));
    if (args.length < 8) fail(errors.syntax);
    at = 5;
  }
  const count = Math.max(0, longArg(arg(args, at + 2)));
  const from = startArg(arg(args, at));
  const to = endArg(arg(args, at + 1));
  const [, group] = groupOf(ctx, arg(args, 1), arg(args, 2));
  const name = args[at + 3];
  const consumer = name === undefined ? null : group.consumers.get(name);
  if (consumer === undefined || count === 0) return [];
  const found: Reply[] = [];
  for (const pending of (consumer ?? group).pending.from(from)) {
    if (pending.id > to) break;
    const idleMs = ctx.nowMs - pending.deliveredMs;
    if (minIdleMs !== 0 && idleMs < minIdleMs) continue;
    found.push([idText(pending.id), pending.consumer.name, Math.max(0, idleMs), pending.deliveries]);
    if (found.length === count) break;
  }
  return found;
}

function summary({ pending, consumers }: StreamGroup): Reply {
  const first = pending.first();
  const last = pending.last();
  if (first === undefined || last === undefined) return [0, null, null, NULL_ARRAY];
  const owners = byName(consumers).filter(([, consumer]) => consumer.pending.size > 0);
  const counts = owners.map(([name, consumer]) => [name, String(consumer.pending.size)]);
  return [pending.size, idText(first.id), idText(last.id), counts];
}
