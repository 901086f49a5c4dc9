/** One line of the table: what was measured, what it had to be, and whether it was. */
export interface Figure {
  readonly figure: string;
  readonly target: string;
  readonly measured: string;
  readonly held: boolean;
  /** A count decides the exit code; a timing is told with its verdict and depends on the machine. */
  readonly kind: "count" | "timing";
}

/** One scenario on real servers, which gives one line or several. */
export interface Scenario {
  readonly name: string;
  /** @param rounds how often; each scenario knows what a round is */
  run(rounds: number): Promise<Figure[]>;
  /** Rounds of a full run. */
  readonly rounds: number;
  /** Rounds of a short run, which is for the counts; 0 = it has no part in that. */
  readonly short: number;
}

export function countOf(figure: string, target: string, measured: string, held: boolean): Figure {
  return { figure, target, measured, held, kind: "count" };
}

/** A duration in milliseconds, shown as p50, p99 and the longest; judged by the p99. */
export function timingOf(figure: string, limitMs: number, durations: readonly number[], how = "p99"): Figure {
  const sorted = [...durations].sort((x, y) => x - y);
  const at = (quantile: number): number => sorted[Math.ceil(quantile * sorted.length) - 1] ?? Number.NaN;
  const shown = (ms: number): string => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0));
  return {
    figure,
    target: `${how} ≤ ${limitMs} ms`,
    measured: `p50 ${shown(at(0.5))}, p99 ${shown(at(0.99))}, longest ${shown(at(1))} ms of ${sorted.length}`,
    held: at(0.99) <= limitMs,
    kind: "timing",
  };
}

/** Ratios of one run, round by round, told as median, lowest and highest; judged by the median. */
export function ratioOf(figure: string, limit: number, ratios: readonly number[]): Figure {
  const measured = median(ratios);
  const [lowest, highest] = [Math.min(...ratios), Math.max(...ratios)];
  return {
    figure,
    target: `≤ ${limit}`,
    measured: `${measured.toFixed(2)} (${lowest.toFixed(2)}–${highest.toFixed(2)})`,
    held: measured <= limit,
    kind: "timing",
  };
}

/** The upper one where there are two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
