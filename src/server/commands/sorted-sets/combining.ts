import { type Bytes, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { CommandHandler } from "../../dispatch/registry.js";
import { SortedSet } from "../../keyspace/sorted-set.js";
import { arg, countArg, doubleArg, isWord, longArg } from "../support/arguments.js";
import { entriesReply, put, storeResult } from "./access.js";

/* Union, intersection and difference of sorted sets; plain sets count as members with score 1. */

type Operation = "union" | "inter" | "diff";
type Scores = Map<Bytes, number>;

/** One input: its members with scores, and its weight. */
interface Source {
  readonly size: number;
  readonly weight: number;
  score(member: Bytes): number | undefined;
  entries(): Iterable<readonly [member: Bytes, score: number]>;
}

const badWeight = new ErrorReply("ERR weight value is not a float");
const negativeLimit = new ErrorReply("ERR LIMIT can't be negative");

const empty = { size: 0, score: () => undefined, entries: () => [] };

function sourceOf(ctx: CommandContext, key: Bytes): Omit<Source, "weight"> {
  const value = ctx.db.lookup(key)?.value;
  if (value === undefined) return empty;
  if (typeof value !== "string" && value.type === "set") {
    const { members } = value;
    return {
      size: members.size,
      score: (member) => (members.has(member) ? 1 : undefined),
      entries: function* () {
        for (const member of members) yield [member, 1] as const;
      },
    };
  }
  if (typeof value === "string" || value.type !== "zset") return fail(errors.wrongType);
  return {
    size: value.size,
    score: (member) => value.score(member),
    entries: function* () {
      for (const { member, score } of value.slice(0, value.size)) yield [member, score] as const;
    },
  };
}

interface Combination {
  readonly sources: readonly Source[];
  readonly aggregate: (left: number, right: number) => number;
  readonly withScores: boolean;
  /** SINTERCARD's kind of limit; 0 = none. */
  readonly limit: number;
}

/** `from` is the index of numkeys. */
function parse(ctx: CommandContext, args: readonly Bytes[], from: number, name: string, form: Form): Combination {
  const numKeys = longArg(arg(args, from));
  if (numKeys < 1) fail(new ErrorReply(`ERR at least 1 input key is needed for '${name}' command`));
  if (numKeys > args.length - from - 1) fail(errors.syntax);
  const inputs = args.slice(from + 1, from + 1 + numKeys).map((key) => sourceOf(ctx, key));
  let weights = inputs.map(() => 1);
  let aggregate = sum;
  let withScores = false;
  let limit = 0;
  for (let at = from + 1 + numKeys; at < args.length; at++) {
    if (form.weighted && args.length - at > numKeys && isWord(args[at], "weights")) {
      weights = inputs.map((_, index) => doubleArg(arg(args, at + 1 + index), badWeight));
      at += numKeys;
    } else if (form.weighted && at + 1 < args.length && isWord(args[at], "aggregate")) {
      aggregate = aggregateArg(arg(args, ++at));
    } else if (form.scored && isWord(args[at], "withscores")) {
      withScores = true;
    } else if (form.limited && at + 1 < args.length && isWord(args[at], "limit")) {
      limit = countArg(arg(args, ++at), negativeLimit);
    } else {
      fail(errors.syntax);
    }
  }
  const sources = inputs.map((input, index) => ({ ...input, weight: weights[index] ?? 1 }));
  return { sources, aggregate, withScores, limit };
}

/** Which options a command knows. */
interface Form {
  readonly weighted: boolean;
  readonly scored: boolean;
  readonly limited: boolean;
}

function sum(left: number, right: number): number {
  const result = left + right;
  // Infinity and -Infinity cancel out; a sorted set holds no NaN.
  return Number.isNaN(result) ? 0 : result;
}

function aggregateArg(text: Bytes): (left: number, right: number) => number {
  if (isWord(text, "sum")) return sum;
  if (isWord(text, "min")) return (left, right) => (left < right ? left : right);
  return isWord(text, "max") ? (left, right) => (left > right ? left : right) : fail(errors.syntax);
}

function weighted(source: Source, score: number): number {
  const result = source.weight * score;
  return Number.isNaN(result) ? 0 : result;
}

function combine(operation: Operation, { sources, aggregate, limit }: Combination): Scores {
  if (operation === "diff") return difference(sources);
  // From the smallest to the largest, as Redis does it: sums of doubles depend on the order.
  const ordered = [...sources].sort((left, right) => left.size - right.size);
  return operation === "union" ? union(ordered, aggregate) : intersection(ordered, aggregate, limit);
}

function union(sources: readonly Source[], aggregate: Combination["aggregate"]): Scores {
  const scores: Scores = new Map();
  for (const source of sources) {
    for (const [member, raw] of source.entries()) {
      const score = weighted(source, raw);
      const known = scores.get(member);
      scores.set(member, known === undefined ? score : aggregate(known, score));
    }
  }
  return scores;
}

function intersection(sources: readonly Source[], aggregate: Combination["aggregate"], limit: number): Scores {
  const scores: Scores = new Map();
  const [smallest, ...others] = sources;
  if (smallest === undefined) return scores;
  next: for (const [member, raw] of smallest.entries()) {
    if (limit > 0 && scores.size >= limit) break;
    let score = weighted(smallest, raw);
    for (const other of others) {
      const found = other.score(member);
      if (found === undefined) continue next;
      score = aggregate(score, weighted(other, found));
    }
    scores.set(member, score);
  }
  return scores;
}

function difference(sources: readonly Source[]): Scores {
  const scores: Scores = new Map();
  const [first, ...others] = sources;
  for (const [member, score] of first?.entries() ?? []) {
    if (!others.some((other) => other.score(member) !== undefined)) scores.set(member, score);
  }
  return scores;
}

function sorted(ctx: CommandContext, scores: Scores): SortedSet {
  const result = new SortedSet();
  for (const [member, score] of scores) put(ctx, result, member, score);
  return result;
}

/** A handler for ZUNION, ZINTER and ZDIFF. */
export function combineCommand(operation: Operation): CommandHandler {
  const form = { weighted: operation !== "diff", scored: true, limited: false };
  return (ctx, args) => {
    const combination = parse(ctx, args, 1, `z${operation}`, form);
    const result = sorted(ctx, combine(operation, combination));
    return entriesReply(ctx, result.slice(0, result.size), combination.withScores);
  };
}

/** A handler for ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE. */
export function combineStoreCommand(operation: Operation): CommandHandler {
  const form = { weighted: operation !== "diff", scored: false, limited: false };
  return (ctx, args) => {
    const combination = parse(ctx, args, 2, `z${operation}store`, form);
    return storeResult(ctx, arg(args, 1), sorted(ctx, combine(operation, combination)), `z${operation}store`);
  };
}

export function zintercard(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const combination = parse(ctx, args, 1, "zintercard", { weighted: false, scored: false, limited: true });
  return combine("inter", combination).size;
}
