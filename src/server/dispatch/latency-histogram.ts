/** Buckets to a power of two: a figure is off by a sixteenth at most. */
const PER_POWER = 16;
const LONGEST_MICROS = 2 ** 31 - 1;

/** How long a command took, each time: enough to tell percentiles, in constant memory. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array((31 - 3) * PER_POWER);
  #count = 0;

  /** Notes one run. */
  note(micros: number): void {
    const index = bucketOf(Math.max(1, Math.min(micros, LONGEST_MICROS)) | 0);
    this.#buckets[index] = (this.#buckets[index] as number) + 1;
    this.#count++;
  }

  /** Runs noted. */
  get count(): number {
    return this.#count;
  }

  /** For each power of two (microseconds) below which more runs lie than below the one before: how many. */
  powers(): [micros: number, runs: number][] {
    const found: [number, number][] = [];
    let runs = 0;
    for (let index = 0; index < this.#buckets.length; index++) {
      runs += this.#buckets[index] as number;
      const bound = highestOf(index) + 1;
      if ((bound & (bound - 1)) === 0 && runs > (found.at(-1)?.[1] ?? 0)) found.push([bound, runs]);
    }
    return found;
  }

  /** What so many percent of the runs took at most, in microseconds. */
  percentile(percent: number): number {
    let left = Math.max(1, Math.ceil((this.#count * percent) / 100));
    for (let index = 0; index < this.#buckets.length; index++) {
      left -= this.#buckets[index] as number;
      if (left <= 0) return highestOf(index);
    }
    return 0;
  }
}

/** Below 16 each number has its own bucket, above each power of two has sixteen. */
function bucketOf(value: number): number {
  const power = 31 - Math.clz32(value);
  return power < 4 ? value : (power - 3) * PER_POWER + ((value >>> (power - 4)) & (PER_POWER - 1));
}

function highestOf(index: number): number {
  if (index < PER_POWER) return index;
  const shift = Math.floor(index / PER_POWER) - 1;
  return (PER_POWER + (index % PER_POWER) + 1) * 2 ** shift - 1;
}
