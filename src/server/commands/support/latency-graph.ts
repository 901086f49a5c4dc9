import type { LatencySample, LatencySeries } from "../../dispatch/latency-monitor.js";

const COLUMNS = 80;
/** Lines of a graph, and the marks that fill a line from its lowest third to its highest. */
const ROWS = 4;
const MARKS = ["_", "o", "#"] as const;

/** LATENCY GRAPH: a column for each sample, below it read downwards how long ago it was. `nowS`: seconds since 1970. */
export function latencyGraph(event: string, series: LatencySeries, nowS: number): string {
  const { samples } = series;
  const high = Math.max(...samples.map(({ ms }) => ms));
  const low = Math.min(...samples.map(({ ms }) => ms));
  const lines = [`${event} - high ${high} ms, low ${low} ms (all time high ${series.maxMs} ms)`, "-".repeat(COLUMNS)];
  for (let from = 0; from < samples.length; from += COLUMNS) {
    lines.push(...band(samples.slice(from, from + COLUMNS), low, high, nowS));
  }
  return `${lines.join("\n")}\n`;
}

/** As many samples as fit side by side. */
function band(samples: readonly LatencySample[], low: number, high: number, nowS: number): string[] {
  const steps = ROWS * MARKS.length - 1;
  const heights = samples.map(({ ms }) => (high === low ? 0 : Math.round(((ms - low) / (high - low)) * steps)));
  const ages = samples.map(({ atS }) => age(nowS - atS));
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) lines.push(heights.map((height) => markAt(height, row)).join(""));
  lines.push("");
  const depth = Math.max(...ages.map((text) => text.length));
  for (let i = 0; i < depth; i++) lines.push(ages.map((text) => text[i] ?? " ").join(""));
  return lines.map((line) => line.trimEnd());
}

function markAt(height: number, row: number): string {
  const left = height - row * MARKS.length;
  if (left < 0) return " ";
  return left < MARKS.length ? (MARKS[left] as string) : "|";
}

function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
