import { commandTable } from "../../protocol/command-table/table.js";

/** Commands that a server has run since it started, at one moment. */
export interface Counts {
  /** Monotonic milliseconds of the client. */
  readonly at: number;
  readonly reads: number;
  /** On a replica: what it has applied of its master's. */
  readonly writes: number;
}

/** Commands per second between two moments. */
export interface Rates {
  readonly reads: number;
  readonly writes: number;
}

/** Adds up `INFO commandstats` by what commands do; those that neither read nor write data are left out. */
export function countsIn(commandstats: ReadonlyMap<string, string>, at: number): Counts {
  let reads = 0;
  let writes = 0;
  for (const [field, value] of commandstats) {
    if (!field.startsWith("cmdstat_")) continue;
    const flags = commandTable.get(field.slice(8).split("|")[0] ?? "")?.flags ?? [];
    const calls = Number(/(?:^|,)?calls=(\d+)/.exec(value)?.[1] ?? 0);
    if (flags.includes("readonly")) reads += calls;
    else if (flags.includes("write")) writes += calls;
  }
  return { at, reads, writes };
}

/** null while there is only one look, or when the server has begun to count anew. */
export function ratesBetween(former: Counts | undefined, latter: Counts): Rates | null {
  if (former === undefined) return null;
  const seconds = (latter.at - former.at) / 1000;
  const [reads, writes] = [latter.reads - former.reads, latter.writes - former.writes];
  if (seconds <= 0 || reads < 0 || writes < 0) return null;
  return { reads: Math.round(reads / seconds), writes: Math.round(writes / seconds) };
}
