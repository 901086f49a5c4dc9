import { baseline, type PeerName } from "./peers/index.js";
import { type Spread, spread } from "./spread.js";
import type { JobResult } from "./worker.js";
import type { Measurement, Mix, Width } from "./workload.js";

/** One peer in one cell, over all rounds. */
export interface Row {
  readonly peer: PeerName;
  readonly mix: Mix;
  readonly width: Width;
  readonly opsPerSecond: Spread;
  readonly cpuMicrosPerOp: Spread;
  readonly p50Micros: Spread;
  readonly p99Micros: Spread;
  /** Operations per CPU-second over plain ioredis's in the same round: above 1 is cheaper than ioredis. */
  readonly perCpuSecond: Spread;
  /** Operations per second over plain ioredis's in the same round. */
  readonly rate: Spread;
  /** p50 over plain ioredis's in the same round: below 1 is quicker. */
  readonly p50: Spread;
}

/** @param rounds for each round, what each peer measured; ratios are taken within a round only */
export function summarize(rounds: readonly (readonly JobResult[])[]): Row[] {
  const first = rounds[0] ?? [];
  return first.flatMap(({ peer, measurements }) =>
    measurements.map(({ mix, width }): Row => {
      const own = rounds.map((round) => cellOf(round, peer, mix, width));
      const base = rounds.map((round) => cellOf(round, baseline, mix, width));
      const figure = (pick: (m: Measurement) => number): Spread => spread(own.map(pick));
      const ratio = (pick: (own: Measurement, base: Measurement) => number): Spread =>
        spread(own.map((measurement, round) => pick(measurement, base[round] as Measurement)));
      return {
        peer,
        mix,
        width,
        opsPerSecond: figure((m) => m.opsPerSecond),
        cpuMicrosPerOp: figure((m) => m.cpuMicrosPerOp),
        p50Micros: figure((m) => m.p50Micros),
        p99Micros: figure((m) => m.p99Micros),
        perCpuSecond: ratio((mine, theirs) => theirs.cpuMicrosPerOp / mine.cpuMicrosPerOp),
        rate: ratio((mine, theirs) => mine.opsPerSecond / theirs.opsPerSecond),
        p50: ratio((mine, theirs) => mine.p50Micros / theirs.p50Micros),
      };
    }),
  );
}

function cellOf(round: readonly JobResult[], peer: PeerName, mix: Mix, width: Width): Measurement {
  const result = round.find((candidate) => candidate.peer === peer);
  const found = result?.measurements.find((candidate) => candidate.mix === mix && candidate.width === width);
  if (found === undefined) throw new Error(`a round without ${peer}, ${mix}, ${width} in flight`);
  return found;
}

/** The table of a report in Markdown: one block per mix and width, one line per peer. */
export function markdownTable(rows: readonly Row[]): string {
  const head = [
    "| load | in flight | client | ops/s | CPU µs per op | p50 µs | p99 µs | ops per CPU-second ÷ ioredis | p50 ÷ ioredis |",
    "|---|--:|---|--:|--:|--:|--:|--:|--:|",
  ];
  const sorted = [...rows].sort((a, b) => order(a) - order(b) || a.width - b.width);
  const lines = sorted.map((row) =>
    [
      "",
      row.mix,
      row.width,
      row.peer,
      Math.round(row.opsPerSecond.median).toLocaleString("en"),
      row.cpuMicrosPerOp.median.toFixed(2),
      row.p50Micros.median.toFixed(0),
      row.p99Micros.median.toFixed(0),
      withSpread(row.perCpuSecond),
      withSpread(row.p50),
      "",
    ]
      .join(" | ")
      .trim(),
  );
  return [...head, ...lines].join("\n");
}

function order(row: Row): number {
  return ["GET", "SET", "90/10"].indexOf(row.mix);
}

function withSpread({ median, min, max }: Spread): string {
  return `**${median.toFixed(2)}** (${min.toFixed(2)}–${max.toFixed(2)})`;
}
