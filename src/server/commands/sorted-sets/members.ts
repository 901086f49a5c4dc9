import { doubleText } from "../../../protocol/resp/double-text.js";
import { type Bytes, DoubleReply, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { Entry, SortedSet } from "../../keyspace/sorted-set.js";
import { arg, doubleArg, isWord, randomCountArg } from "../support/arguments.js";
import { cursorArg, scanMembers, scanOptions, scanReply } from "../support/collection-scan.js";
import { distinctNumbers, repetitions } from "../support/sampling.js";
import { entriesReply, openSortedSet, put, removeIfEmpty } from "./access.js";

/* Adding, removing and asking for single members. */

const xxAndNx = new ErrorReply("ERR XX and NX options at the same time are not compatible");
const gtLtNx = new ErrorReply("ERR GT, LT, and/or NX options at the same time are not compatible");
const incrPairs = new ErrorReply("ERR INCR option supports a single increment-element pair");
const scoreNaN = new ErrorReply("ERR resulting score is not a number (NaN)");

interface AddFlags {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
  readonly ch: boolean;
  readonly incr: boolean;
}

const noFlags: AddFlags = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: false };
const onlyIncr: AddFlags = { ...noFlags, incr: true };
const flagNames: ReadonlyMap<Bytes, keyof AddFlags> = new Map(
  (Object.keys(noFlags) as (keyof AddFlags)[]).map((name) => [name, name]),
);

export function zadd(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let flags = noFlags;
  let at = 2;
  for (; at < args.length; at++) {
    const word = args[at] as Bytes;
    const flag = word.length <= 4 ? flagNames.get(word.toLowerCase()) : undefined;
    if (flag === undefined) break;
    flags = { ...flags, [flag]: true };
  }
  const words = args.length - at;
  if (words === 0 || words % 2 === 1) fail(errors.syntax);
  if (flags.nx && flags.xx) fail(xxAndNx);
  if ((flags.gt && flags.nx) || (flags.lt && flags.nx) || (flags.gt && flags.lt)) fail(gtLtNx);
  if (flags.incr && words > 2) fail(incrPairs);
  return addPairs(ctx, args, at, flags);
}

export function zincrby(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return addPairs(ctx, args, 2, onlyIncr);
}

/** Adds the pairs of score and member from `args[from]` on to the set of `args[1]`. */
function addPairs(ctx: CommandContext, args: readonly Bytes[], from: number, flags: AddFlags): Reply {
  const key = args[1] as Bytes;
  // All scores are read before anything is changed.
  const scores: number[] = [];
  for (let at = from; at < args.length; at += 2) scores.push(doubleArg(args[at] as Bytes));
  let set = ctx.db.get(key, "zset");
  if (set === null && flags.xx) return flags.incr ? null : 0;
  let added = 0;
  let updated = 0;
  let last: number | null = null;
  for (let index = 0; index < scores.length; index++) {
    const member = args[from + 2 * index + 1] as Bytes;
    const old = set?.score(member);
    const score = newScore(old, scores[index] as number, flags);
    last = score;
    if (score === null || score === old) continue;
    set ??= openSortedSet(ctx, key);
    put(ctx, set, member, score);
    if (old === undefined) added++;
    else updated++;
  }
  if (added + updated > 0) {
    ctx.changed(key, added + updated);
    ctx.notify("z", flags.incr ? "zincr" : "zadd", key);
  }
  if (flags.incr) return last === null ? null : new DoubleReply(last);
  return flags.ch ? added + updated : added;
}

/** The score that a member is to have; null where the flags forbid to touch it. */
function newScore(old: number | undefined, given: number, flags: AddFlags): number | null {
  if (old === undefined) return flags.xx ? null : given;
  if (flags.nx) return null;
  const score = flags.incr ? old + given : given;
  if (Number.isNaN(score)) fail(scoreNaN);
  if ((flags.gt && score <= old) || (flags.lt && score >= old)) return null;
  return score;
}

export function zrem(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const set = ctx.db.get(key, "zset");
  if (set === null) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at++) if (set.delete(arg(args, at))) removed++;
  if (removed > 0) {
    ctx.changed(key, removed);
    ctx.notify("z", "zrem", key);
    removeIfEmpty(ctx, key, set);
  }
  return removed;
}

export function zcard(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "zset")?.size ?? 0;
}

export function zscore(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return scoreReply(ctx.db.get(arg(args, 1), "zset")?.score(arg(args, 2)));
}

export function zmscore(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const set = ctx.db.get(arg(args, 1), "zset");
  return args.slice(2).map((member) => scoreReply(set?.score(member)));
}

function scoreReply(score: number | undefined): Reply {
  return score === undefined ? null : new DoubleReply(score);
}

export function zrank(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "zset")?.rank(arg(args, 2)) ?? null;
}

export function zrevrank(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const set = ctx.db.get(arg(args, 1), "zset");
  const rank = set?.rank(arg(args, 2));
  return set === null || set === undefined || rank === undefined ? null : set.size - 1 - rank;
}

export function zrandmember(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  if (args.length === 2) {
    const set = ctx.db.get(key, "zset");
    return set === null ? null : (set.at(ctx.random.int(set.size))?.member ?? null);
  }
  const withScores = args.length > 3;
  const count = randomCountArg(arg(args, 2), false);
  if (args.length > 4 || (withScores && !isWord(args[3], "withscores"))) fail(errors.syntax);
  if (withScores) randomCountArg(arg(args, 2), true);
  const set = ctx.db.get(key, "zset");
  if (set === null || count === 0) return [];
  const ranks =
    count < 0
      ? Array.from({ length: repetitions(ctx, count) }, () => ctx.random.int(set.size))
      : count >= set.size
        ? set.slice(0, set.size).map((_, rank) => rank)
        : distinctNumbers(set.size, count, ctx.random);
  return entriesReply(
    ctx,
    ranks.map((rank) => set.at(rank) as Entry),
    withScores,
  );
}

export function zscan(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const cursor = cursorArg(arg(args, 2));
  const set = ctx.db.get(arg(args, 1), "zset");
  if (set === null) return scanReply("0", []);
  const collection = {
    owner: set,
    size: set.size,
    members: () => set.members(),
    has: (member: Bytes) => set.has(member),
  };
  const [next, found] = scanMembers(collection, cursor, scanOptions(args, 3));
  return scanReply(
    next,
    found.flatMap((member) => [member, storedScoreText(set, member)]),
  );
}

/** The score as ZSCAN shows it, which is how the encoding stores it: whole numbers in a listpack as integers. */
function storedScoreText(set: SortedSet, member: Bytes): Bytes {
  const score = set.score(member) ?? 0;
  const asInteger = set.encoding === "listpack" && Number.isInteger(score) && Math.abs(score) <= 2 ** 62;
  return asInteger ? BigInt(score).toString() : doubleText(score);
}
