import type { Peer } from "./peers/peer.js";

export const mixes = ["GET", "SET", "90/10"] as const;
export type Mix = (typeof mixes)[number];

/** Commands in flight at any moment. */
export const widths = [1, 10, 100, 1000] as const;
export type Width = (typeof widths)[number];

export const keyCount = 20_000;
export const valueBytes = 100;

/** Share of reads, in percent. */
const readShare: Record<Mix, number> = { GET: 100, SET: 0, "90/10": 90 };

/** One cell of the report, measured once. */
export interface Measurement {
  readonly mix: Mix;
  readonly width: Width;
  readonly ops: number;
  readonly opsPerSecond: number;
  /** User and system time of the whole client process, native threads included. */
  readonly cpuMicrosPerOp: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export const keyAt = (index: number): string => `bench:${index}`;
export const valueFor = (index: number): string => `${index}:`.padEnd(valueBytes, "x");

/**
 * Keeps `width` commands in flight for a while: as many callers, each of which awaits its command and issues the next.
 * Throws if a read doesn't bring a value of the right length: speed without the data counts for nothing.
 */
export async function measure(
  peer: Peer,
  cell: { mix: Mix; width: Width },
  times: { warmMs: number; measureMs: number },
): Promise<Measurement> {
  await drive(peer, cell, times.warmMs);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const { ops, latencies } = await drive(peer, cell, times.measureMs);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort();
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  return {
    ...cell,
    ops,
    opsPerSecond: ops / seconds,
    cpuMicrosPerOp: (user + system) / ops,
    p50Micros: at(0.5) * 1000,
    p99Micros: at(0.99) * 1000,
  };
}

/** Lets the compiler see every path before anything is measured. */
export async function warmUp(peer: Peer): Promise<void> {
  for (const width of widths) await drive(peer, { mix: "90/10", width }, 250);
}

async function drive(
  peer: Peer,
  { mix, width }: { mix: Mix; width: Width },
  forMs: number,
): Promise<{ ops: number; latencies: Float64Array }> {
  const reads = readShare[mix];
  // Taking the time costs as much as a tenth of a command; with many in flight every 16th tells enough.
  const timedEvery = width < 100 ? 1 : 16;
  const latencies: number[] = [];
  const until = performance.now() + forMs;
  let ops = 0;
  let seed = 0x9e3779b9 ^ width;
  let over = false;
  const random = (): number => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
  const caller = async (): Promise<void> => {
    while (!over) {
      const timed = ops++ % timedEvery === 0;
      const start = timed ? performance.now() : 0;
      const index = random() % keyCount;
      if (random() % 100 < reads) {
        const value = await peer.get(keyAt(index));
        if (typeof value !== "string" || value.length !== valueBytes) {
          throw new Error(`${keyAt(index)} read as ${typeof value} instead of ${valueBytes} bytes`);
        }
      } else {
        await peer.set(keyAt(index), valueFor(index));
      }
      if (timed) {
        const end = performance.now();
        latencies.push(end - start);
        if (end >= until) over = true;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, caller));
  return { ops, latencies: Float64Array.from(latencies) };
}
