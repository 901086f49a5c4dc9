import type { Bytes } from "../../../protocol/resp/reply.js";

/*
 * MurmurHash2 in its 64-bit form, as Redis hashes the elements of a HyperLogLog. A 64-bit number is two 32-bit halves,
 * since BigInt would cost an allocation per step.
 */

const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const SEED = 0xadc83b19;

let high = 0;
let low = 0;

/** Multiplies the number in `high` and `low` by the constant of the hash. */
function multiply(): void {
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = M_LOW & 0xffff;
  const b1 = M_LOW >>> 16;
  const middle = a0 * b1 + a1 * b0;
  const bottom = a0 * b0 + (middle % 0x10000) * 0x10000;
  const carried = a1 * b1 + Math.floor(middle / 0x10000) + (bottom >= 0x1_0000_0000 ? 1 : 0);
  high = (Math.imul(high, M_LOW) + Math.imul(low, M_HIGH) + carried) >>> 0;
  low = bottom >>> 0;
}

function word(text: Bytes, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/**
 * The register of an element and the length of the run that it has seen: the lowest 14 bits of the hash say which, the
 * others are counted from the right up to the first 1, which counts too.
 */
export function place(element: Bytes): { readonly register: number; readonly run: number } {
  const { length } = element;
  high = 0;
  low = length;
  multiply();
  let hashHigh = high;
  let hashLow = (low ^ SEED) >>> 0;
  const whole = length - (length & 7);
  for (let at = 0; at < whole; at += 8) {
    low = word(element, at) >>> 0;
    high = word(element, at + 4) >>> 0;
    multiply();
    low = (low ^ (high >>> 15)) >>> 0;
    multiply();
    high = (high ^ hashHigh) >>> 0;
    low = (low ^ hashLow) >>> 0;
    multiply();
    hashHigh = high;
    hashLow = low;
  }
  if (length > whole) {
    for (let at = whole; at < length; at++) {
      const shift = (at - whole) * 8;
      if (shift < 32) hashLow ^= element.charCodeAt(at) << shift;
      else hashHigh ^= element.charCodeAt(at) << (shift - 32);
    }
    high = hashHigh >>> 0;
    low = hashLow >>> 0;
    multiply();
    hashHigh = high;
    hashLow = low;
  }
  low = (hashLow ^ (hashHigh >>> 15)) >>> 0;
  high = hashHigh;
  multiply();
  low = (low ^ (high >>> 15)) >>> 0;
  const rest = low >>> 14;
  const zeros = rest !== 0 ? trailingZeros(rest) : high !== 0 ? 18 + trailingZeros(high) : 50;
  return { register: low & 0x3fff, run: zeros + 1 };
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}
