import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import { List } from "../../keyspace/list.js";
import { arg, isWord, positiveArg } from "../support/arguments.js";

/** An end of a list. */
export type Side = "left" | "right";

const badNumKeys = new ErrorReply("ERR numkeys should be greater than 0");
const badCount = new ErrorReply("ERR count should be greater than 0");

/** The list of a key, made if there is none yet. */
export function openList(ctx: CommandContext, key: Bytes): List {
  const list = ctx.db.get(key, "list");
  if (list !== null) return list;
  const made = new List();
  ctx.db.set(key, made);
  return made;
}

export function push(list: List, side: Side, element: Bytes): void {
  if (side === "left") list.pushLeft(element);
  else list.pushRight(element);
}

/** Takes up to `count` elements off one end, and the key away with the last of them. */
export function take(ctx: CommandContext, key: Bytes, list: List, side: Side, count: number): Bytes[] {
  const taken: Bytes[] = [];
  while (taken.length < count) {
    const element = side === "left" ? list.popLeft() : list.popRight();
    if (element === undefined) break;
    taken.push(element);
  }
  ctx.changed(key, taken.length);
  ctx.notify("l", side === "left" ? "lpop" : "rpop", key);
  removeIfEmpty(ctx, key, list);
  return taken;
}

export function removeIfEmpty(ctx: CommandContext, key: Bytes, list: List): void {
  if (ctx.db.deleteIfEmpty(key, list)) ctx.notify("g", "del", key);
}

/** LEFT or RIGHT. */
export function sideArg(text: Bytes): Side {
  if (isWord(text, "left")) return "left";
  return isWord(text, "right") ? "right" : fail(errors.syntax);
}

/** What LMPOP and BLMPOP ask for; `from` is the index of numkeys. */
export function multiPopArgs(args: readonly Bytes[], from: number): { keys: Bytes[]; side: Side; count: number } {
  const numKeys = positiveArg(arg(args, from), badNumKeys);
  const keys = args.slice(from + 1, from + 1 + numKeys);
  const at = from + 1 + numKeys;
  const side = sideArg(arg(args, at));
  let count = 0;
  for (let option = at + 1; option < args.length; option += 2) {
    if (count !== 0 || !isWord(args[option], "count")) fail(errors.syntax);
    count = positiveArg(arg(args, option + 1), badCount);
  }
  return { keys, side, count: count === 0 ? 1 : count };
}
