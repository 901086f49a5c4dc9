import type { Bytes } from "../../../protocol/resp/reply.js";
import { parseInteger } from "./integer.js";

/** What C's `strtod` makes of a text: the value, how many characters it took, and whether it left the range. */
export interface ScannedDouble {
  readonly value: number;
  readonly length: number;
  /** A finite text that became infinity, or a text other than zero that became zero (C's ERANGE). */
  readonly outOfRange: boolean;
}

const NUMBER =
  /^[ \t\n\v\f\r]*([+-]?)(?:(inf(?:inity)?)|(nan(?:\([A-Za-z0-9_]*\))?)|0x((?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?)|((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))/i;

/** Reads the longest number at the start of `text`, leading space allowed, as C's `strtod` does. */
export function scanDouble(text: Bytes): ScannedDouble {
  const found = NUMBER.exec(text);
  if (found === null) return { value: 0, length: 0, outOfRange: false };
  const [all, sign, infinity, nan, hex, decimal] = found;
  const factor = sign === "-" ? -1 : 1;
  if (infinity !== undefined) return { value: factor * Infinity, length: all.length, outOfRange: false };
  if (nan !== undefined) return { value: Number.NaN, length: all.length, outOfRange: false };
  const value = hex === undefined ? Number(decimal) : hexDouble(hex);
  const mantissa = hex === undefined ? (decimal ?? "").split(/e/i)[0] : hex.split(/p/i)[0];
  const zero = /^[0.]*$/.test(mantissa ?? "");
  return { value: factor * value, length: all.length, outOfRange: value === Infinity || (value === 0 && !zero) };
}

/** The double that the whole text spells, or `undefined`: no space in front, nothing behind, no NaN, in range. */
export function parseDouble(text: Bytes): number | undefined {
  // Most scores are small whole numbers.
  const whole = text.length <= 15 ? parseInteger(text) : undefined;
  if (whole !== undefined) return Number(whole);
  if (text.length === 0 || startsWithSpace(text)) return undefined;
  const { value, length, outOfRange } = scanDouble(text);
  return length !== text.length || outOfRange || Number.isNaN(value) ? undefined : value;
}

/** Whether C's `isspace` holds for the first character. */
export function startsWithSpace(text: Bytes): boolean {
  const code = text.charCodeAt(0);
  return code === 32 || (code >= 9 && code <= 13);
}

/** `digits[.digits][p exponent]`, all but the exponent hexadecimal. */
function hexDouble(text: string): number {
  const [digits = "", power = "0"] = text.split(/p/i);
  const [whole = "", fraction = ""] = digits.split(".");
  const scaled = Number(BigInt(`0x0${whole}${fraction}`));
  return scaled === 0 ? 0 : scaled * 2 ** (Number(power) - 4 * fraction.length);
}
