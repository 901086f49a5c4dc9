import type { Bytes } from "../../../protocol/resp/reply.js";
import { startsWithSpace } from "./double.js";

/**
 * The 80-bit floating point number of x86, which Redis uses for INCRBYFLOAT and HINCRBYFLOAT: `mantissa · 2^exponent`
 * with at most 64 bits of mantissa, or an infinity. Doubles would not do: 10.5 + 0.1 must print as 10.6.
 */
export type LongDouble = { readonly mantissa: bigint; readonly exponent: number } | "inf" | "-inf";

const DECIMAL =
  /^([+-]?)(?:(inf(?:inity)?)|0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?|(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?)$/i;
const MAX_TEXT = 5 * 1024 - 1;
const MAX_EXPONENT = 16384;
const MIN_EXPONENT = -16446;
/** Beyond this many decimal places of exponent the result is out of range whatever the digits (texts are limited). */
const EXPONENT_CAP = 20_000;

/** The number that the whole text spells, or `undefined`: space, rest, NaN, or a value out of range. */
export function parseLongDouble(text: Bytes): LongDouble | undefined {
  if (text.length === 0 || text.length > MAX_TEXT || startsWithSpace(text)) return undefined;
  const found = DECIMAL.exec(text);
  if (found === null) return undefined;
  const [, sign, infinity, hexWhole, hexFraction = "", binary = "0", whole = "", fraction = "", decimal = "0"] = found;
  const negative = sign === "-";
  if (infinity !== undefined) return negative ? "-inf" : "inf";
  if (hexWhole !== undefined) {
    if (hexWhole + hexFraction === "") return undefined;
    const digits = BigInt(`0x0${hexWhole}${hexFraction}`);
    return inRange(digits, 1n, Number(binary) - 4 * hexFraction.length, negative);
  }
  if (whole + fraction === "") return undefined;
  const digits = BigInt(whole + fraction);
  if (Math.abs(Number(decimal)) > EXPONENT_CAP) return digits === 0n ? { mantissa: 0n, exponent: 0 } : undefined;
  const power = Number(decimal) - fraction.length;
  return power >= 0
    ? inRange(digits * 10n ** BigInt(power), 1n, 0, negative)
    : inRange(digits, 10n ** BigInt(-power), 0, negative);
}

/** The sum, rounded to 64 bits of mantissa; `undefined` if it is NaN or infinite. */
export function addLongDouble(left: LongDouble, right: LongDouble): LongDouble | undefined {
  if (typeof left === "string" || typeof right === "string") return undefined;
  const exponent = Math.min(left.exponent, right.exponent);
  const sum =
    (left.mantissa << BigInt(left.exponent - exponent)) + (right.mantissa << BigInt(right.exponent - exponent));
  if (sum === 0n) return { mantissa: 0n, exponent: 0 };
  return inRange(sum < 0n ? -sum : sum, 1n, exponent, sum < 0n);
}

/** `%.17Lf` without trailing zeros: the form in which Redis stores the result. */
export function longDoubleText(value: LongDouble): Bytes {
  if (typeof value === "string") return value;
  const negative = value.mantissa < 0n;
  const size = negative ? -value.mantissa : value.mantissa;
  if (value.exponent >= 0) return (negative ? "-" : "") + (size << BigInt(value.exponent)).toString();
  const scaled = divideToEven(size * 10n ** 17n, 1n << BigInt(-value.exponent));
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(18, "0");
  const fraction = digits.slice(-17).replace(/0+$/, "");
  return `${negative ? "-" : ""}${digits.slice(0, -17)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** `numerator / denominator · 2^exponent` rounded to 64 bits; `undefined` if it overflows or becomes zero. */
function inRange(numerator: bigint, denominator: bigint, exponent: number, negative: boolean): LongDouble | undefined {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  if (Math.abs(exponent) > 10 * EXPONENT_CAP) return undefined;
  let shift = bits(numerator) - bits(denominator) - 64;
  let mantissa = shifted(numerator, denominator, shift);
  if (bits(mantissa) > 64) mantissa = shifted(numerator, denominator, ++shift);
  if (bits(mantissa) > 64) mantissa = shifted(numerator, denominator, ++shift);
  const top = shift + exponent + bits(mantissa);
  if (top > MAX_EXPONENT || top < MIN_EXPONENT) return undefined;
  return { mantissa: negative ? -mantissa : mantissa, exponent: shift + exponent };
}

function shifted(numerator: bigint, denominator: bigint, shift: number): bigint {
  return shift >= 0
    ? divideToEven(numerator, denominator << BigInt(shift))
    : divideToEven(numerator << BigInt(-shift), denominator);
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

function bits(value: bigint): number {
  const digits = value.toString(16);
  return value === 0n ? 0 : digits.length * 4 - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28;
}
