import { randomBytes } from "node:crypto";

/** The only source of chance; handed in, so that a seed replays a run. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  int(bound: number): number;
  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string;
}

/** `length` lower-case hexadecimal digits that nobody can guess, whatever the seed: for secrets such as passwords. */
export function secretHex(length: number): string {
  return randomBytes(Math.ceil(length / 2))
    .toString("hex")
    .slice(0, length);
}

function fromSource(next: () => number): Random {
  return {
    next,
    int: (bound) => Math.floor(next() * bound),
    hex(length) {
      let digits = "";
      while (digits.length < length)
        digits += Math.floor(next() * 0x10000)
          .toString(16)
          .padStart(4, "0");
      return digits.slice(0, length);
    },
  };
}

/** Chance as the machine has it. Not for secrets. */
export const systemRandom: Random = fromSource(() => Math.random());

/** A generator whose whole sequence follows from `seed` (sfc32). */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162 ^ Math.floor(seed / 0x100000000);
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 0x100000000;
  };
  for (let i = 0; i < 12; i++) next();
  return fromSource(next);
}
