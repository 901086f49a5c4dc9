import { type Bytes, DoubleReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { type Entry, SortedSet } from "../../keyspace/sorted-set.js";
import { sortedSetGrown } from "../support/encodings.js";

/** The sorted set of a key, made if there is none yet. */
export function openSortedSet(ctx: CommandContext, key: Bytes): SortedSet {
  const set = ctx.db.get(key, "zset");
  if (set !== null) return set;
  const made = new SortedSet();
  ctx.db.set(key, made);
  return made;
}

export function put(ctx: CommandContext, set: SortedSet, member: Bytes, score: number): void {
  // A listpack keeps whole numbers as integers, and among those there is no -0.
  set.set(member, set.encoding === "listpack" ? score + 0 : score);
  sortedSetGrown(ctx, set, member);
}

export function removeIfEmpty(ctx: CommandContext, key: Bytes, set: SortedSet): void {
  if (ctx.db.deleteIfEmpty(key, set)) ctx.notify("g", "del", key);
}

/** Puts a result into `key`, or takes the key away if the result is empty; how many members there are. */
export function storeResult(ctx: CommandContext, key: Bytes, result: SortedSet, event: string): number {
  if (result.size === 0) {
    if (ctx.db.delete(key)) {
      ctx.changed(key);
      ctx.notify("g", "del", key);
    }
    return 0;
  }
  ctx.db.set(key, result);
  ctx.changed(key);
  ctx.notify("z", event, key);
  return result.size;
}

/** Members, with their scores where asked: alternating in RESP2, in pairs in RESP3. */
export function entriesReply(ctx: CommandContext, entries: readonly Entry[], withScores: boolean): Reply {
  if (!withScores) return entries.map(({ member }) => member);
  return ctx.resp === 2 ? alternating(entries) : pairs(entries);
}

/** `[member, score, member, score …]` */
export function alternating(entries: readonly Entry[]): Reply[] {
  return entries.flatMap(({ member, score }) => [member, new DoubleReply(score)]);
}

/** `[[member, score] …]` */
export function pairs(entries: readonly Entry[]): Reply[] {
  return entries.map(({ member, score }) => [member, new DoubleReply(score)]);
}
