import type { Bytes } from "../../../protocol/resp/reply.js";
import { scanDouble } from "./double.js";

/** An interval of scores; an exclusive end is left out. */
export interface ScoreRange {
  readonly min: number;
  readonly max: number;
  readonly minExclusive: boolean;
  readonly maxExclusive: boolean;
}

/** One end of an interval of members: before all, after all, or at a member. */
export type LexBound = "-" | "+" | { readonly member: Bytes; readonly exclusive: boolean };

/** An interval of members in byte order. */
export interface LexRange {
  readonly min: LexBound;
  readonly max: LexBound;
}

/** `1.5`, `(1.5`, `-inf` …; `undefined` if either end is no number. */
export function parseScoreRange(min: Bytes, max: Bytes): ScoreRange | undefined {
  const low = scoreBound(min);
  const high = scoreBound(max);
  if (low === undefined || high === undefined) return undefined;
  return { min: low.value, minExclusive: low.exclusive, max: high.value, maxExclusive: high.exclusive };
}

/** Redis hands the text to `strtod` as a C string: space in front passes, an empty text is 0, a zero byte ends it. */
function scoreBound(text: Bytes): { value: number; exclusive: boolean } | undefined {
  const exclusive = text.startsWith("(");
  const [number = ""] = text.slice(exclusive ? 1 : 0).split("\0", 1);
  const { value, length } = scanDouble(number);
  return length !== number.length || Number.isNaN(value) ? undefined : { value, exclusive };
}

/** `-`, `+`, `[member`, `(member`; `undefined` if either end is anything else. */
export function parseLexRange(min: Bytes, max: Bytes): LexRange | undefined {
  const low = lexBound(min);
  const high = lexBound(max);
  return low === undefined || high === undefined ? undefined : { min: low, max: high };
}

function lexBound(text: Bytes): LexBound | undefined {
  if (text === "-" || text === "+") return text;
  if (text.startsWith("[")) return { member: text.slice(1), exclusive: false };
  return text.startsWith("(") ? { member: text.slice(1), exclusive: true } : undefined;
}

/** Whether no score can lie in the range. */
export function isEmptyScoreRange(range: ScoreRange): boolean {
  return range.min > range.max || (range.min === range.max && (range.minExclusive || range.maxExclusive));
}

export function isBelowScoreRange(score: number, range: ScoreRange): boolean {
  return range.minExclusive ? score <= range.min : score < range.min;
}

export function isWithinMaxScore(score: number, range: ScoreRange): boolean {
  return range.maxExclusive ? score < range.max : score <= range.max;
}

/** Whether `member` lies before the interval that begins at `min`. */
export function isBelowLex(member: Bytes, min: LexBound): boolean {
  if (min === "-") return false;
  if (min === "+") return true;
  return min.exclusive ? member <= min.member : member < min.member;
}

/** Whether `member` lies at or before the end `max`. */
export function isWithinMaxLex(member: Bytes, max: LexBound): boolean {
  if (max === "-") return false;
  if (max === "+") return true;
  return max.exclusive ? member < max.member : member <= max.member;
}

/**
 * Start and stop as LRANGE, GETRANGE and ZRANGE count them (negative from the end, stop included), turned into a
 * half-open interval within `[0, length]`; empty intervals come back as `[0, 0]`.
 */
export function indexRange(start: number, stop: number, length: number): readonly [from: number, to: number] {
  const from = Math.max(0, start < 0 ? start + length : start);
  const to = Math.min(length, (stop < 0 ? stop + length : stop) + 1);
  return from >= to ? [0, 0] : [from, to];
}
