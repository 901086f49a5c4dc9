import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import { errors, fail } from "../../dispatch/errors.js";
import { parseDouble } from "./double.js";
import { INT64_MIN, type Integer, parseInteger } from "./integer.js";
import { parseLongDouble } from "./long-double.js";

/** A 64-bit integer, or the command fails with `error`. */
export function integerArg(text: Bytes, error: ErrorReply = errors.notInteger): Integer {
  return parseInteger(text) ?? fail(error);
}

/**
 * A 64-bit integer as a number: exact where it matters (positions, counts), rounded beyond 2^53, where it only means
 * "very many". Fails with `error` for any other text.
 */
export function longArg(text: Bytes, error: ErrorReply = errors.notInteger): number {
  return Number(parseInteger(text) ?? fail(error));
}

/** As {@link longArg}, and not negative; both failures give `error`. */
export function countArg(text: Bytes, error: ErrorReply = errors.notPositive): number {
  const value = longArg(text, error);
  return value < 0 ? fail(error) : value;
}

const randomCountOutOfRange = new ErrorReply(
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/** The count of HRANDFIELD and its like: negative = with repetitions. Counts that come in pairs stay below 2^62. */
export function randomCountArg(text: Bytes, inPairs: boolean): number {
  const value = integerArg(text);
  if (value === INT64_MIN) fail(randomCountOutOfRange);
  const count = Number(value);
  return inPairs && Math.abs(count) >= 2 ** 62 ? fail(errors.outOfRange) : count;
}

/** As {@link longArg}, and at least 1; both failures give `error`. */
export function positiveArg(text: Bytes, error: ErrorReply): number {
  const value = longArg(text, error);
  return value < 1 ? fail(error) : value;
}

/** A double that is no NaN, or the command fails with `error`. */
export function doubleArg(text: Bytes, error: ErrorReply = errors.notFloat): number {
  return parseDouble(text) ?? fail(error);
}

/** The timeout of a blocking command, given in seconds with a fraction, in whole milliseconds; 0 = for ever. */
export function timeoutArg(text: Bytes): number {
  const seconds = parseLongDouble(text) ?? fail(errors.timeoutNotFloat);
  // Redis turns what does not fit 64 bits into the lowest number there is: hence "negative" for the largest texts.
  if (typeof seconds === "string") return fail(errors.timeoutNegative);
  const ms = Math.ceil(Number(seconds.mantissa) * 2 ** seconds.exponent * 1000);
  if (ms < 0 || ms >= 2 ** 63) fail(errors.timeoutNegative);
  return seconds.mantissa > 0n ? Math.max(ms, 1) : 0;
}

/** Whether an argument is this keyword (given in lower case), in whatever case the client wrote it. */
export function isWord(arg: Bytes | undefined, word: string): boolean {
  return arg !== undefined && arg.length === word.length && arg.toLowerCase() === word;
}

/** The argument at `index`; the command table has made sure of its presence, or the caller has. */
export function arg(args: readonly Bytes[], index: number): Bytes {
  return args[index] ?? fail(errors.syntax);
}
