/*
 * Sine, cosine and arcsine rounded right. Those of JavaScript engines may be off by a bit; C libraries are in one of some
 * hundred cases, and a distance that GEOSEARCHSTORE stores should be the same number on a replica that computes it in C.
 * Computed with pairs of doubles, of which the second holds what the first one can't.
 */

/** The last result: `high` is it rounded, `low` the rest. */
let high = 0;
let low = 0;

const SPLITTER = 2 ** 27 + 1;

function setSum(a: number, b: number): void {
  const sum = a + b;
  const part = sum - a;
  low = a - (sum - part) + (b - part);
  high = sum;
}

function setProduct(a: number, b: number): void {
  const product = a * b;
  const ca = SPLITTER * a;
  const cb = SPLITTER * b;
  const ah = ca - (ca - a);
  const bh = cb - (cb - b);
  const al = a - ah;
  const bl = b - bh;
  low = ah * bh - product + ah * bl + al * bh + al * bl;
  high = product;
}

/** (ah + al) · (bh + bl) */
function multiply(ah: number, al: number, bh: number, bl: number): void {
  setProduct(ah, bh);
  const rest = low + (ah * bl + al * bh);
  setSum(high, rest);
}

/** (ah + al) + (bh + bl) */
function add(ah: number, al: number, bh: number, bl: number): void {
  setSum(ah, bh);
  const rest = low + al + bl;
  setSum(high, rest);
}

const HALF_PI_HIGH = 1.5707963267948966;
const HALF_PI_LOW = 6.123233995736766e-17;

/** 1/n! in two parts, for n up to where it no longer matters. */
const INVERSE_FACTORIALS: readonly (readonly [number, number])[] = Array.from({ length: 28 }, (_, n) => {
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= i;
  const inverse = 1 / factorial;
  setProduct(inverse, factorial);
  return [inverse, (1 - high - low) / factorial] as const;
});

/** Sums the odd (sine) or even (cosine) powers of rh + rl; it must be at most a quarter of pi. */
function series(rh: number, rl: number, odd: boolean): void {
  multiply(rh, rl, rh, rl);
  const sh = -high;
  const sl = -low;
  let n = odd ? 27 : 26;
  [high, low] = INVERSE_FACTORIALS[n] as readonly [number, number];
  for (n -= 2; n >= 0; n -= 2) {
    multiply(high, low, sh, sl);
    const [fh, fl] = INVERSE_FACTORIALS[n] as readonly [number, number];
    add(fh, fl, high, low);
  }
  if (odd) multiply(high, low, rh, rl);
}

/** The sine of x plus so many quarter turns. */
function turned(x: number, quarters: number): number {
  const k = Math.round(x / HALF_PI_HIGH);
  add(x, 0, -k * HALF_PI_HIGH, -k * HALF_PI_LOW);
  const quadrant = (((k + quarters) % 4) + 4) % 4;
  series(high, low, quadrant % 2 === 0);
  if (quadrant >= 2) {
    high = -high;
    low = -low;
  }
  return high;
}

/** The sine of an angle of a few turns at most. */
export function sine(x: number): number {
  return x === 0 ? x : turned(x, 0);
}

/** The cosine of an angle of a few turns at most. */
export function cosine(x: number): number {
  return turned(x, 1);
}

/** The arcsine of a number between 0 and 1. */
export function arcsine(x: number): number {
  const guess = Math.asin(x);
  if (!(x > 0 && x < 1)) return guess;
  // One step of Newton's, of which only the difference needs to be exact.
  turned(guess, 0);
  add(x, 0, -high, -low);
  const missing = high;
  return guess + missing / Math.cos(guess);
}
