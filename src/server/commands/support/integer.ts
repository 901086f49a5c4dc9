import type { Bytes } from "../../../protocol/resp/reply.js";

/** A signed 64-bit integer: a number where that is exact, else a bigint. */
export type Integer = number | bigint;

export const INT64_MAX = 9223372036854775807n;
export const INT64_MIN = -9223372036854775808n;

/**
 * Reads a signed 64-bit integer in its canonical form only, as Redis stores and accepts integers: no sign `+`, no
 * leading zero, no `-0`, no space. `undefined` if the text is anything else or does not fit.
 */
export function parseInteger(text: Bytes): Integer | undefined {
  const length = text.length;
  if (length === 0 || length > 20) return undefined;
  let at = 0;
  const negative = text.charCodeAt(0) === 45;
  if (negative) at = 1;
  const first = text.charCodeAt(at) - 48;
  if (first === 0) return length === 1 ? 0 : undefined;
  if (!(first >= 1 && first <= 9)) return undefined;
  let value = first;
  for (at++; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (length <= 15) return negative ? -value : value;
  return narrow(BigInt(text));
}

/** Like {@link parseInteger}, and only what a JavaScript number holds exactly between `min` and `max`. */
export function parseIntegerWithin(text: Bytes, min: number, max: number): number | undefined {
  const value = parseInteger(text);
  return typeof value === "number" && value >= min && value <= max ? value : undefined;
}

/** The sum, or `undefined` where 64 bits overflow. */
export function addInteger(left: Integer, right: Integer): Integer | undefined {
  if (typeof left === "number" && typeof right === "number") {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return narrow(BigInt(left) + BigInt(right));
}

/** A number where it is exact, else a bigint; `undefined` beyond 64 bits. */
function narrow(value: bigint): Integer | undefined {
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  return value > INT64_MAX || value < INT64_MIN ? undefined : value;
}
