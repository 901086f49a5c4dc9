import { commandTable } from "../../protocol/command-table/table.js";
import type { CommandSpec } from "../../protocol/command-table/types.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { mayReadAnyKey } from "../acl/check.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { List } from "../keyspace/list.js";
import { isWord, longArg } from "./support/arguments.js";
import { parseDouble } from "./support/double.js";

/** SORT. https://redis.io/docs/latest/commands/sort/ */
export const sortCommands: CommandGroup = {
  sort: (ctx, args) => sort(ctx, args, true),
  sort_ro: (ctx, args) => sort(ctx, args, false),
};

const NOT_NUMBERS = new ErrorReply("ERR One or more scores can't be converted into double");
// Their patterns make keys that nobody can check beforehand.
const BY_DENIED = new ErrorReply("ERR BY option of SORT denied due to insufficient ACL permissions.");
const GET_DENIED = new ErrorReply("ERR GET option of SORT denied due to insufficient ACL permissions.");

interface Options {
  descending: boolean;
  alpha: boolean;
  offset: number;
  count: number;
  by: Bytes | null;
  gets: Bytes[];
  store: Bytes | null;
}

function parse(ctx: CommandContext, args: readonly Bytes[], mayStore: boolean): Options {
  const spec = commandTable.get(mayStore ? "sort" : "sort_ro") as CommandSpec;
  const mayRead = mayReadAnyKey(ctx.client.user, spec, args);
  const options: Options = { descending: false, alpha: false, offset: 0, count: -1, by: null, gets: [], store: null };
  for (let i = 2; i < args.length; i++) {
    const left = args.length - i - 1;
    if (isWord(args[i], "asc")) options.descending = false;
    else if (isWord(args[i], "desc")) options.descending = true;
    else if (isWord(args[i], "alpha")) options.alpha = true;
    else if (isWord(args[i], "limit") && left >= 2) {
      options.offset = longArg(args[++i] as Bytes);
      options.count = longArg(args[++i] as Bytes);
    } else if (isWord(args[i], "by") && left >= 1) {
      options.by = args[++i] as Bytes;
      if (!mayRead && options.by.includes("*")) fail(BY_DENIED);
    } else if (isWord(args[i], "get") && left >= 1) {
      if (!mayRead) fail(GET_DENIED);
      options.gets.push(args[++i] as Bytes);
    } else if (isWord(args[i], "store") && left >= 1 && mayStore) options.store = args[++i] as Bytes;
    else fail(errors.syntax);
  }
  return options;
}

/** The elements in the order that the value itself has. */
function elementsOf(
  ctx: CommandContext,
  key: Bytes,
): { readonly elements: Bytes[]; readonly type: "list" | "set" | "zset" } {
  const value = ctx.db.lookup(key)?.value;
  if (value === undefined) return { elements: [], type: "list" };
  if (typeof value !== "string") {
    if (value.type === "list") return { elements: value.slice(0, value.length), type: "list" };
    if (value.type === "set") return { elements: [...value.members], type: "set" };
    if (value.type === "zset")
      return { elements: value.slice(0, value.size).map(({ member }) => member), type: "zset" };
  }
  return fail(errors.wrongType);
}

/** What a pattern means for an element: `#` itself, `key_*` a string, `key_*->field` a field of a hash; null = nothing. */
function fetch(ctx: CommandContext, pattern: Bytes, element: Bytes): Bytes | null {
  if (pattern === "#") return element;
  const star = pattern.indexOf("*");
  if (star < 0) return null;
  const arrow = pattern.indexOf("->", star + 1);
  const hasField = arrow >= 0 && arrow + 2 < pattern.length;
  const name = hasField ? pattern.slice(0, arrow) : pattern;
  const value = ctx.db.lookup(name.slice(0, star) + element + name.slice(star + 1))?.value;
  if (value === undefined) return null;
  if (typeof value === "string") return hasField ? null : value;
  return hasField && value.type === "hash" ? (value.fields.get(pattern.slice(arrow + 2)) ?? null) : null;
}

function compareBytes(a: Bytes, b: Bytes): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sort(ctx: CommandContext, args: readonly Bytes[], mayStore: boolean): Reply {
  const options = parse(ctx, args, mayStore);
  const { elements, type } = elementsOf(ctx, args[1] as Bytes);
  // A BY without `*` means: leave the order alone. A set has none, so what is stored of one, or used by a script, is
  // sorted all the same.
  const matters = options.store !== null || ctx.client.isScript;
  const keepsOrder = options.by !== null && !options.by.includes("*") && !(type === "set" && matters);
  const alpha = options.alpha || (options.by !== null && !options.by.includes("*"));
  let sorted = elements;
  if (keepsOrder) {
    if (options.descending && type !== "set") sorted = [...elements].reverse();
  } else {
    sorted = sortElements(ctx, elements, { ...options, alpha, by: options.by?.includes("*") ? options.by : null });
  }
  const from = Math.min(Math.max(0, options.offset), sorted.length);
  const page = sorted.slice(from, options.count < 0 ? undefined : from + options.count);
  const gets = options.gets;
  const result =
    gets.length === 0 ? page : page.flatMap((element) => gets.map((pattern) => fetch(ctx, pattern, element)));
  if (options.store === null) return result;
  return store(ctx, options.store, result);
}

function sortElements(ctx: CommandContext, elements: readonly Bytes[], { alpha, by, descending }: Options): Bytes[] {
  const sign = descending ? -1 : 1;
  const weighed = elements.map((element) => ({ element, weight: by === null ? element : fetch(ctx, by, element) }));
  if (alpha) {
    weighed.sort((a, b) => {
      if (a.weight === null || b.weight === null) return sign * (Number(a.weight !== null) - Number(b.weight !== null));
      return sign * compareBytes(a.weight, b.weight);
    });
    return weighed.map(({ element }) => element);
  }
  const scored = weighed.map(({ element, weight }) => ({
    element,
    score: weight === null ? 0 : (parseDouble(weight) ?? fail(NOT_NUMBERS)),
  }));
  scored.sort((a, b) => sign * (a.score === b.score ? compareBytes(a.element, b.element) : a.score < b.score ? -1 : 1));
  return scored.map(({ element }) => element);
}

function store(ctx: CommandContext, key: Bytes, result: readonly (Bytes | null)[]): Reply {
  if (result.length === 0) {
    if (ctx.db.delete(key)) {
      ctx.changed(key);
      ctx.notify("g", "del", key);
    }
    return 0;
  }
  ctx.db.set(key, new List(result.map((element) => element ?? "")));
  ctx.changed(key, result.length);
  ctx.notify("l", "sortstore", key);
  return result.length;
}
