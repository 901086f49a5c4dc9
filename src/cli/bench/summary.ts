import type { Measured } from "./load.js";

/** The client to which the others are compared. */
export const BASELINE = "ioredis";

/** One turn of one client. */
export interface Turn {
  readonly round: number;
  readonly peer: string;
  readonly inFlight: number;
  readonly measured: Measured;
}

/** The median of the rounds, with the lowest and the highest. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One line of the report. */
export interface Line {
  readonly inFlight: number;
  readonly peer: string;
  readonly opsPerSecond: number;
  readonly cpuMicrosPerOp: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Operations per CPU-second over the baseline's of the same round; null without a baseline. */
  readonly speed: Spread | null;
  /** p50 over the baseline's of the same round. */
  readonly latency: Spread | null;
  readonly wrong: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** A quantile of sorted values. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

export function spread(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const middle = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[middle - 1], sorted[middle]];
  if (min === undefined || max === undefined || above === undefined) return null;
  return { median: sorted.length % 2 === 1 || below === undefined ? above : (below + above) / 2, min, max };
}

/** Ratios are taken within a round, so that a slow minute of the machine hits both sides. */
export function summarize(turns: readonly Turn[]): Line[] {
  const kinds = new Map(turns.map(({ inFlight, peer }) => [`${inFlight} ${peer}`, { inFlight, peer }]));
  return [...kinds.values()].map(({ inFlight, peer }) => {
    const own = turns.filter((turn) => turn.inFlight === inFlight && turn.peer === peer);
    const perRound = (of: (measured: Measured) => number): number[] => own.map(({ measured }) => of(measured));
    const against = (of: (measured: Measured) => number): Spread | null =>
      spread(
        own.flatMap(({ round, measured }) => {
          const baseline = turns.find(
            (turn) => turn.round === round && turn.inFlight === inFlight && turn.peer === BASELINE,
          );
          return baseline === undefined ? [] : [of(measured) / of(baseline.measured)];
        }),
      );
    const median = (of: (measured: Measured) => number): number => spread(perRound(of))?.median ?? Number.NaN;
    const errors: Record<string, number> = {};
    for (const { measured } of own)
      for (const [name, count] of Object.entries(measured.errors)) errors[name] = (errors[name] ?? 0) + count;
    return {
      inFlight,
      peer,
      opsPerSecond: median(({ ops, seconds }) => ops / seconds),
      cpuMicrosPerOp: median(({ cpuMicros, ops }) => cpuMicros / ops),
      p50Ms: median(({ latenciesMs }) => quantile(latenciesMs, 0.5)),
      p99Ms: median(({ latenciesMs }) => quantile(latenciesMs, 0.99)),
      speed: against(({ ops, cpuMicros }) => ops / cpuMicros),
      latency: against(({ latenciesMs }) => quantile(latenciesMs, 0.5)),
      wrong: own.reduce((sum, { measured }) => sum + measured.wrong, 0),
      errors,
    };
  });
}
