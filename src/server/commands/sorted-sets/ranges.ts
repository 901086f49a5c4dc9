import { type Bytes, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { CommandHandler } from "../../dispatch/registry.js";
import { type Entry, SortedSet } from "../../keyspace/sorted-set.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import {
  indexRange,
  isBelowLex,
  isBelowScoreRange,
  isEmptyScoreRange,
  isWithinMaxLex,
  isWithinMaxScore,
  type LexRange,
  parseLexRange,
  parseScoreRange,
  type ScoreRange,
} from "../support/ranges.js";
import { entriesReply, put, removeIfEmpty, storeResult } from "./access.js";

/* Every range, by rank, score or member, is an interval of ranks: found in O(log n), then read or removed. */

type Kind = "rank" | "score" | "lex";
type RankInterval = readonly [from: number, to: number];

const badScores = new ErrorReply("ERR min or max is not a float");
const badMembers = new ErrorReply("ERR min or max not valid string range item");
const limitNeedsBy = new ErrorReply(
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const noScoresByLex = new ErrorReply("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

function scoreInterval(set: SortedSet, range: ScoreRange): RankInterval {
  if (isEmptyScoreRange(range)) return [0, 0];
  const from = set.countWhile(({ score }) => isBelowScoreRange(score, range));
  const to = set.countWhile(({ score }) => isWithinMaxScore(score, range));
  return [from, Math.max(from, to)];
}

function lexInterval(set: SortedSet, range: LexRange): RankInterval {
  const from = set.countWhile(({ member }) => isBelowLex(member, range.min));
  const to = set.countWhile(({ member }) => isWithinMaxLex(member, range.max));
  return [from, Math.max(from, to)];
}

/** Parses both ends at once, so that a bad one is refused even if there is no such key. */
function intervalOf(kind: Kind, min: Bytes, max: Bytes): (set: SortedSet) => RankInterval {
  switch (kind) {
    case "rank": {
      const start = longArg(min);
      const stop = longArg(max);
      return (set) => indexRange(start, stop, set.size);
    }
    case "score": {
      const range = parseScoreRange(min, max) ?? fail(badScores);
      return (set) => scoreInterval(set, range);
    }
    case "lex": {
      const range = parseLexRange(min, max) ?? fail(badMembers);
      return (set) => lexInterval(set, range);
    }
  }
}

/** The form of a range command: what its name fixes, and what options may still choose. */
interface RangeForm {
  /** Index of the source key; the ends follow it. */
  readonly source: 1 | 2;
  /** null: by rank unless BYSCORE or BYLEX say otherwise. */
  readonly kind: Kind | null;
  /** null: forward unless REV says otherwise. */
  readonly reverse: boolean | null;
}

interface RangeQuery {
  readonly interval: (set: SortedSet) => RankInterval;
  /** By rank, the ends of a reverse range count from the highest score. */
  readonly byRank: boolean;
  readonly reverse: boolean;
  readonly withScores: boolean;
  readonly offset: number;
  /** Negative = all. */
  readonly limit: number;
}

function parseQuery(args: readonly Bytes[], form: RangeForm, storing: boolean): RangeQuery {
  let { kind, reverse } = form;
  let withScores = false;
  let offset = 0;
  let limit = -1;
  for (let at = form.source + 3; at < args.length; at++) {
    if (!storing && isWord(args[at], "withscores")) {
      withScores = true;
    } else if (isWord(args[at], "limit") && at + 2 < args.length) {
      offset = longArg(arg(args, ++at));
      limit = longArg(arg(args, ++at));
    } else if (reverse === null && isWord(args[at], "rev")) {
      reverse = true;
    } else if (kind === null && isWord(args[at], "bylex")) {
      kind = "lex";
    } else if (kind === null && isWord(args[at], "byscore")) {
      kind = "score";
    } else {
      fail(errors.syntax);
    }
  }
  kind ??= "rank";
  reverse ??= false;
  if (limit !== -1 && kind === "rank") fail(limitNeedsBy);
  if (withScores && kind === "lex") fail(noScoresByLex);
  const first = arg(args, form.source + 1);
  const second = arg(args, form.source + 2);
  const swapped = reverse && kind !== "rank";
  const interval = swapped ? intervalOf(kind, second, first) : intervalOf(kind, first, second);
  return { interval, byRank: kind === "rank", reverse, withScores, offset, limit };
}

function select(set: SortedSet, query: RangeQuery): Entry[] {
  const [first, end] = query.interval(set);
  if (query.byRank) {
    return query.reverse ? set.slice(set.size - end, set.size - first).reverse() : set.slice(first, end);
  }
  if (query.offset < 0) return [];
  const length = Math.max(0, end - first - query.offset);
  const count = query.limit < 0 ? length : Math.min(length, query.limit);
  if (!query.reverse) return set.slice(first + query.offset, first + query.offset + count);
  return set.slice(end - query.offset - count, end - query.offset).reverse();
}

/** A handler for ZRANGE and its older forms. */
export function rangeCommand(kind: Kind | null, reverse: boolean | null): CommandHandler {
  const form: RangeForm = { source: 1, kind, reverse };
  return (ctx, args) => {
    const query = parseQuery(args, form, false);
    const set = ctx.db.get(arg(args, 1), "zset");
    return set === null ? [] : entriesReply(ctx, select(set, query), query.withScores);
  };
}

export function zrangestore(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const query = parseQuery(args, { source: 2, kind: null, reverse: null }, true);
  const set = ctx.db.get(arg(args, 2), "zset");
  const result = new SortedSet();
  for (const { member, score } of set === null ? [] : select(set, query)) put(ctx, result, member, score);
  return storeResult(ctx, arg(args, 1), result, "zrangestore");
}

/** A handler for ZCOUNT and ZLEXCOUNT. */
export function countCommand(kind: "score" | "lex"): CommandHandler {
  return (ctx, args) => {
    const interval = intervalOf(kind, arg(args, 2), arg(args, 3));
    const set = ctx.db.get(arg(args, 1), "zset");
    if (set === null) return 0;
    const [from, to] = interval(set);
    return to - from;
  };
}

/** A handler for ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX. */
export function removeRangeCommand(kind: Kind): CommandHandler {
  return (ctx, args) => {
    const key = arg(args, 1);
    const interval = intervalOf(kind, arg(args, 2), arg(args, 3));
    const set = ctx.db.get(key, "zset");
    if (set === null) return 0;
    const doomed = set.slice(...interval(set));
    for (const { member } of doomed) set.delete(member);
    if (doomed.length > 0) {
      ctx.changed(key, doomed.length);
      ctx.notify("z", `zremrangeby${kind}`, key);
      removeIfEmpty(ctx, key, set);
    }
    return doomed.length;
  };
}
