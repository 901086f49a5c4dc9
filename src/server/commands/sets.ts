import { type Bytes, ErrorReply, type Reply, SetReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { SetValue } from "../keyspace/values.js";
import type { WideSet } from "../keyspace/wide-set.js";
import { arg, countArg, isWord, positiveArg, randomCountArg } from "./support/arguments.js";
import { cursorArg, scanMembers, scanOptions, scanReply } from "./support/collection-scan.js";
import { setGrown } from "./support/encodings.js";
import { pickDistinct, pickOne, pickRepeating, repetitions, takeOne } from "./support/sampling.js";

export const setCommands: CommandGroup = {
  sadd,
  srem,
  smove,
  sismember,
  smismember,
  scard,
  smembers,
  spop,
  srandmember,
  sscan,
  sinter: (ctx, args) => new SetReply([...intersection(ctx, args.slice(1))]),
  sunion: (ctx, args) => new SetReply([...union(ctx, args.slice(1))]),
  sdiff: (ctx, args) => new SetReply([...difference(ctx, args.slice(1))]),
  sinterstore: (ctx, args) => store(ctx, args, "sinterstore", intersection),
  sunionstore: (ctx, args) => store(ctx, args, "sunionstore", union),
  sdiffstore: (ctx, args) => store(ctx, args, "sdiffstore", difference),
  sintercard,
};

const badNumKeys = new ErrorReply("ERR numkeys should be greater than 0");
const tooManyKeys = new ErrorReply("ERR Number of keys can't be greater than number of args");
const negativeLimit = new ErrorReply("ERR LIMIT can't be negative");
const emptySet = new SetReply([]);

function openSet(ctx: CommandContext, key: Bytes): SetValue {
  const set = ctx.db.get(key, "set");
  if (set !== null) return set;
  const made = new SetValue();
  ctx.db.set(key, made);
  return made;
}

/** Whether `member` is new. */
function add(ctx: CommandContext, set: SetValue, member: Bytes): boolean {
  const before = set.members.size;
  if (set.members.add(member).size === before) return false;
  if (set.sample !== null && !set.sample.added(member)) set.sample = null;
  setGrown(ctx, set, member);
  return true;
}

function removeIfEmpty(ctx: CommandContext, key: Bytes, set: SetValue): void {
  if (ctx.db.deleteIfEmpty(key, set)) ctx.notify("g", "del", key);
}

function sadd(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const set = openSet(ctx, key);
  let added = 0;
  for (let at = 2; at < args.length; at++) if (add(ctx, set, arg(args, at))) added++;
  if (added > 0) {
    ctx.changed(key, added);
    ctx.notify("s", "sadd", key);
  }
  return added;
}

function srem(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const set = ctx.db.get(key, "set");
  if (set === null) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at++) if (set.members.delete(arg(args, at))) removed++;
  if (removed > 0) {
    ctx.changed(key, removed);
    ctx.notify("s", "srem", key);
    removeIfEmpty(ctx, key, set);
  }
  return removed;
}

function smove(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const source = arg(args, 1);
  const target = arg(args, 2);
  const member = arg(args, 3);
  const from = ctx.db.get(source, "set");
  if (from === null) return 0;
  ctx.db.get(target, "set");
  if (source === target) return from.members.has(member) ? 1 : 0;
  if (!from.members.delete(member)) return 0;
  ctx.changed(source);
  ctx.notify("s", "srem", source);
  removeIfEmpty(ctx, source, from);
  if (add(ctx, openSet(ctx, target), member)) {
    ctx.changed(target);
    ctx.notify("s", "sadd", target);
  }
  return 1;
}

function sismember(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "set")?.members.has(arg(args, 2)) ? 1 : 0;
}

function smismember(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const members = ctx.db.get(arg(args, 1), "set")?.members;
  return args.slice(2).map((member) => (members?.has(member) ? 1 : 0));
}

function scard(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "set")?.members.size ?? 0;
}

function smembers(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return new SetReply([...(ctx.db.get(arg(args, 1), "set")?.members ?? [])]);
}

function spop(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  if (args.length > 3) fail(errors.syntax);
  if (args.length === 3) return spopCount(ctx, key, countArg(arg(args, 2)));
  const set = ctx.db.get(key, "set");
  if (set === null) return null;
  const member = takeOne(set, set.members, ctx.random) ?? fail(errors.noSuchKey);
  set.members.delete(member);
  ctx.changed(key);
  ctx.rewrite("SREM", key, member);
  ctx.notify("s", "spop", key);
  removeIfEmpty(ctx, key, set);
  return member;
}

/** Chance is never propagated: what goes into the stream is which members went, or that the key did. */
function spopCount(ctx: CommandContext, key: Bytes, count: number): Reply {
  const set = ctx.db.get(key, "set");
  if (set === null || count === 0) return emptySet;
  ctx.notify("s", "spop", key);
  if (count >= set.members.size) {
    const all = [...set.members];
    ctx.db.delete(key);
    ctx.changed(key, all.length);
    ctx.rewrite("DEL", key);
    ctx.notify("g", "del", key);
    return new SetReply(all);
  }
  const picked = pickDistinct(set, set.members, count, ctx.random);
  for (const member of picked) {
    set.members.delete(member);
    ctx.alsoPropagate("SREM", key, member);
  }
  ctx.changed(key, picked.length);
  ctx.preventPropagation();
  return new SetReply(picked);
}

function srandmember(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  if (args.length > 3) fail(errors.syntax);
  if (args.length === 2) {
    const set = ctx.db.get(key, "set");
    return set === null ? null : (pickOne(set, set.members, ctx.random) ?? null);
  }
  const count = randomCountArg(arg(args, 2), false);
  const set = ctx.db.get(key, "set");
  if (set === null || count === 0) return [];
  const { members } = set;
  if (count < 0) return pickRepeating(set, members, repetitions(ctx, count), ctx.random);
  return pickDistinct(set, members, count, ctx.random);
}

function sscan(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const cursor = cursorArg(arg(args, 2));
  const set = ctx.db.get(arg(args, 1), "set");
  if (set === null) return scanReply("0", []);
  const { members } = set;
  const collection = {
    owner: set,
    size: members.size,
    members: () => members.keys(),
    has: (member: Bytes) => members.has(member),
  };
  return scanReply(...scanMembers(collection, cursor, scanOptions(args, 3)));
}

/** The sets of all keys, null where there is none; every type is checked before anything else happens. */
function setsOf(ctx: CommandContext, keys: readonly Bytes[]): (WideSet | null)[] {
  return keys.map((key) => ctx.db.get(key, "set")?.members ?? null);
}

/** Members that all sets have, at most `limit` of them. */
function intersection(ctx: CommandContext, keys: readonly Bytes[], limit = Number.POSITIVE_INFINITY): Set<Bytes> {
  const found = new Set<Bytes>();
  const present = setsOf(ctx, keys).filter((set) => set !== null);
  if (present.length < keys.length) return found;
  const [smallest, ...others] = present.sort((left, right) => left.size - right.size);
  for (const member of smallest ?? []) {
    if (found.size >= limit) break;
    if (others.every((other) => other.has(member))) found.add(member);
  }
  return found;
}

function union(ctx: CommandContext, keys: readonly Bytes[]): Set<Bytes> {
  const found = new Set<Bytes>();
  for (const set of setsOf(ctx, keys)) for (const member of set ?? []) found.add(member);
  return found;
}

function difference(ctx: CommandContext, keys: readonly Bytes[]): Set<Bytes> {
  const [first, ...others] = setsOf(ctx, keys);
  const found = new Set<Bytes>();
  for (const member of first ?? []) if (!others.some((other) => other?.has(member))) found.add(member);
  return found;
}

function store(
  ctx: CommandContext,
  args: readonly Bytes[],
  event: string,
  combine: (ctx: CommandContext, keys: readonly Bytes[]) => Set<Bytes>,
): Reply {
  const target = arg(args, 1);
  const members = combine(ctx, args.slice(2));
  if (members.size === 0) {
    if (ctx.db.delete(target)) {
      ctx.changed(target);
      ctx.notify("g", "del", target);
    }
    return 0;
  }
  const set = new SetValue(members);
  for (const member of members) setGrown(ctx, set, member);
  ctx.db.set(target, set);
  ctx.changed(target);
  ctx.notify("s", event, target);
  return members.size;
}

function sintercard(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const numKeys = positiveArg(arg(args, 1), badNumKeys);
  if (numKeys > args.length - 2) fail(tooManyKeys);
  let limit = 0;
  for (let at = 2 + numKeys; at < args.length; at += 2) {
    if (!isWord(args[at], "limit")) fail(errors.syntax);
    limit = countArg(arg(args, at + 1), negativeLimit);
  }
  return intersection(ctx, args.slice(2, 2 + numKeys), limit === 0 ? undefined : limit).size;
}
