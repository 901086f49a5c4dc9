/**
 * Answers in O(log n) which row is the greatest among those that lie in a span of time: a segment tree over rows in the
 * order of their times.
 */
export class RangeMax {
  readonly #rows: readonly number[];
  readonly #times: Float64Array;
  readonly #tree: Float64Array;

  /** @param weights by row, as `times`; `-1` doesn't count */
  constructor(
    rows: readonly number[],
    times: Float64Array,
    private readonly weights: Float64Array,
  ) {
    this.#rows = [...rows].sort((a, b) => (times[a] as number) - (times[b] as number));
    const n = rows.length;
    this.#times = Float64Array.from(this.#rows, (row) => times[row] as number);
    this.#tree = new Float64Array(2 * n);
    for (let i = 0; i < n; i++) this.#tree[n + i] = weights[this.#rows[i] as number] as number;
    for (let i = n - 1; i > 0; i--)
      this.#tree[i] = Math.max(this.#tree[2 * i] as number, this.#tree[2 * i + 1] as number);
  }

  /** The greatest weight with a time in (after, until]; -1 = none counts there. */
  max(after: number, until: number): number {
    const n = this.#rows.length;
    let best = -1;
    let from = n + firstAfter(this.#times, after);
    let to = n + firstAfter(this.#times, until);
    for (; from < to; from >>= 1, to >>= 1) {
      if (from & 1) best = Math.max(best, this.#tree[from++] as number);
      if (to & 1) best = Math.max(best, this.#tree[--to] as number);
    }
    return best;
  }

  /** A row of that weight: a walk over all of them, for whoever has to name it. */
  named(weight: number): number {
    return this.#rows.find((row) => this.weights[row] === weight) as number;
  }
}

/** The first place whose time is above `time`; the length when there is none. */
export function firstAfter(times: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first place whose time is not below `time`; the length when there is none. */
export function firstFrom(times: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rows by a number, in their order. */
export function groupRows(rows: Iterable<number>, of: (row: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const row of rows) {
    const name = of(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
