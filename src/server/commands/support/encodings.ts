import type { Bytes } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import type { SortedSet } from "../../keyspace/sorted-set.js";
import type { HashValue, SetValue } from "../../keyspace/values.js";
import { parseInteger } from "./integer.js";

/*
 * Redis keeps small collections in compact encodings and shows which in OBJECT ENCODING. There is one form here; what
 * remains is the name, which only ever grows, by the same limits.
 */

/** To be told after `field` of `hash` was set to `value`. */
export function hashGrown(ctx: CommandContext, hash: HashValue, field: Bytes, value: Bytes): void {
  if (hash.encoding === "hashtable") return;
  const longest = ctx.server.config.number("hash-max-listpack-value");
  if (
    field.length > longest ||
    value.length > longest ||
    hash.fields.size > ctx.server.config.number("hash-max-listpack-entries")
  ) {
    hash.encoding = "hashtable";
  }
}

/** To be told after `member` was added to `set`. */
export function setGrown(ctx: CommandContext, set: SetValue, member: Bytes): void {
  if (set.encoding === "hashtable") return;
  if (parseInteger(member) === undefined || set.members.size > ctx.server.config.number("set-max-intset-entries")) {
    set.encoding = "hashtable";
  }
}

/** To be told after `member` was added to `set`. */
export function sortedSetGrown(ctx: CommandContext, set: SortedSet, member: Bytes): void {
  if (set.encoding === "skiplist") return;
  if (
    member.length > ctx.server.config.number("zset-max-listpack-value") ||
    set.size > ctx.server.config.number("zset-max-listpack-entries")
  ) {
    set.encoding = "skiplist";
  }
}
