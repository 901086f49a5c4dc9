import { REGISTERS } from "./counter.js";

/*
 * The estimate of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284),
 * which Redis uses too: the same sums in the same order, so that the same number comes out.
 */

/** Bits of the hash that are counted. */
const Q = 50;
const ALPHA_INFINITY = 0.72134752044448170368;

/** About how many different elements these registers have seen. */
export function estimate(registers: Uint8Array): number {
  const counts = new Uint32Array(64);
  for (const value of registers) (counts[value] as number)++;
  let z = REGISTERS * tau((REGISTERS - (counts[Q + 1] as number)) / REGISTERS);
  for (let value = Q; value >= 1; value--) z = (z + (counts[value] as number)) * 0.5;
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS);
  return Math.round((ALPHA_INFINITY * REGISTERS * REGISTERS) / z);
}

function sigma(of: number): number {
  if (of === 1) return Number.POSITIVE_INFINITY;
  let x = of;
  let y = 1;
  let z = x;
  for (let before = Number.NaN; before !== z; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(of: number): number {
  if (of === 0 || of === 1) return 0;
  let x = of;
  let y = 1;
  let z = 1 - x;
  for (let before = Number.NaN; before !== z; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
