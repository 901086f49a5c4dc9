import type { Bytes } from "../../protocol/resp/reply.js";

/*
 * How many bytes things take in a listpack. Streams are cut into nodes by the size that these would have in Redis, so
 * that an approximate trim drops the same entries here and there.
 */

/** An integer with its back length. */
export function integerSize(value: number): number {
  if (value >= 0 && value <= 127) return 2;
  if (value >= -4096 && value <= 4095) return 3;
  if (value >= -0x8000 && value <= 0x7fff) return 4;
  if (value >= -0x80_0000 && value <= 0x7f_ffff) return 5;
  return value >= -0x8000_0000 && value <= 0x7fff_ffff ? 6 : 10;
}

/** A string with its back length; one that spells an integer is kept as that. */
export function stringSize(text: Bytes): number {
  const { length } = text;
  if (length > 0 && length <= 20) {
    const value = integerIn(text);
    if (value !== undefined) return integerSize(value);
  }
  const size = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
  return size + backLengthSize(size);
}

/** Bytes that tell an element's size from behind. */
export function backLengthSize(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}

const CANONICAL = /^(?:0|-?[1-9]\d*)$/;

/** The 64-bit integer that the text spells in canonical form (rounded beyond 2^53), or undefined. */
function integerIn(text: Bytes): number | undefined {
  const first = text.charCodeAt(0);
  if (first > 57 || (first < 48 && first !== 45) || !CANONICAL.test(text)) return undefined;
  if (text.length < 19) return Number(text);
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? Number(value) : undefined;
}
