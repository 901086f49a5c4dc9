import type { Random } from "./random.js";

/** Growing, jittered gaps between tries: `firstMs · 2ⁿ`, at most `maxMs`, minus up to a quarter by chance. */
export class Backoff {
  #tries = 0;

  constructor(
    private readonly limits: { readonly firstMs: number; readonly maxMs: number },
    private readonly random: Random,
  ) {}

  /** The gap before the next try, in milliseconds. */
  next(): number {
    const full = Math.min(this.limits.firstMs * 2 ** Math.min(this.#tries++, 30), this.limits.maxMs);
    return full * (1 - this.random.next() / 4);
  }

  /** Tries since the last success. */
  get tries(): number {
    return this.#tries;
  }

  reset(): void {
    this.#tries = 0;
  }
}
