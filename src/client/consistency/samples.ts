/** Samples of the master's offset, and the staleness that follows from them. */
export class Samples {
  readonly #sentAt: Float64Array;
  readonly #offset: Float64Array;
  #count = 0;

  readonly #capacity: number;

  /** @param capacity samples kept (option `limits.samples`); fewer than 8 count as 8 */
  constructor(capacity: number) {
    this.#capacity = Math.max(8, capacity);
    this.#sentAt = new Float64Array(this.#capacity);
    this.#offset = new Float64Array(this.#capacity);
  }

  get size(): number {
    return this.#count;
  }

  /** The newest sample's time; -Infinity without one. */
  get newestAt(): number {
    return this.#count === 0 ? Number.NEGATIVE_INFINITY : (this.#sentAt[this.#count - 1] as number);
  }

  /**
   * Adds what the adopted, uncontested master answered to a question sent at `sentAt` (monotonic milliseconds).
   * Late answers to older questions are ignored; an offset that went back clears the ring first.
   */
  push(sentAt: number, offset: number): void {
    const last = this.#count - 1;
    if (last >= 0) {
      if (sentAt < (this.#sentAt[last] as number)) return;
      const newest = this.#offset[last] as number;
      if (offset < newest) this.reset();
      else if (offset === newest) {
        // Nothing was written in between: whoever has applied this much was as fresh later too.
        this.#sentAt[last] = sentAt;
        return;
      } else if (sentAt === this.#sentAt[last]) return; // says less than the one before
    }
    if (this.#count === this.#capacity) this.#thin();
    this.#sentAt[this.#count] = sentAt;
    this.#offset[this.#count] = offset;
    this.#count++;
  }

  /** How old the data of a node may be that has applied `offset`, in milliseconds (an upper bound); null = unknown. */
  stalenessOf(offset: number, now: number): number | null {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offset[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : Math.max(0, now - (this.#sentAt[low - 1] as number));
  }

  /**
   * The smallest offset whose holder is at most `maxStalenessMs` stale at `now`; Infinity when nobody can be known
   * to be. `applied >= offsetWithin(B, now)` is `stalenessOf(applied, now) <= B`, without a search per node.
   */
  offsetWithin(maxStalenessMs: number, now: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Math.max(0, now - (this.#sentAt[middle] as number)) > maxStalenessMs) low = middle + 1;
      else high = middle;
    }
    return low === this.#count ? Number.POSITIVE_INFINITY : (this.#offset[low] as number);
  }

  /** Forgets everything: the master or its history is in doubt. */
  reset(): void {
    this.#count = 0;
  }

  /** Forgets what was asked after `sentAt`: since then a rival may have been master. */
  dropAfter(sentAt: number): void {
    while (this.#count > 0 && (this.#sentAt[this.#count - 1] as number) > sentAt) this.#count--;
  }

  /** After a failover: keeps what the new history shares with the old one, the samples below `forkOffset` (second_repl_offset). */
  dropFrom(forkOffset: number): void {
    while (this.#count > 0 && (this.#offset[this.#count - 1] as number) >= forkOffset) this.#count--;
  }

  /**
   * Keeps gaps between samples in proportion to their age, so that the ring reaches back far whatever the rate of
   * fences. Its error grows with age, and always to the safe side: a missing sample makes data look older.
   */
  #thin(): void {
    for (let share = 16 / this.#capacity; this.#count > (this.#capacity * 3) / 4; share *= 2) this.#keepGaps(share);
  }

  #keepGaps(share: number): void {
    const last = this.#count - 1;
    const newest = this.newestAt;
    let write = this.#capacity - 1;
    let kept = newest;
    for (let i = last; i >= 0; i--) {
      const at = this.#sentAt[i] as number;
      if (i !== last && i !== 0 && kept - at < (newest - kept) * share) continue;
      kept = at;
      this.#sentAt[write] = at;
      this.#offset[write] = this.#offset[i] as number;
      write--;
    }
    this.#sentAt.copyWithin(0, write + 1);
    this.#offset.copyWithin(0, write + 1);
    this.#count = this.#capacity - 1 - write;
  }
}
