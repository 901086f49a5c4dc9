import { setTimeout as sleep } from "node:timers/promises";

/** What is measured: a client, seen from the application. */
export interface Peer {
  readonly name: string;
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
}

/** What is done to it. */
export interface Load {
  /** Percent. */
  readonly reads: number;
  /** Commands awaited at any moment. */
  readonly inFlight: number;
  readonly keys: readonly string[];
  readonly value: string;
}

/** What came of it. */
export interface Measured {
  readonly ops: number;
  readonly seconds: number;
  /** User and system time of this process. */
  readonly cpuMicros: number;
  /** Sorted; of every command, or of each 16th when many are in flight, since taking the time costs time. */
  readonly latenciesMs: Float64Array;
  /** Reads that brought another value than was written, or none. */
  readonly wrong: number;
  /** By code or first word: how often. */
  readonly errors: Readonly<Record<string, number>>;
}

/** After an error a caller rests, so that a deployment in trouble is not asked in a loop. */
const REST_MS = 10;

/** Keeps so many commands in flight for a while; every caller awaits its command before the next. */
export async function drive(peer: Peer, load: Load, forMs: number, stop: AbortSignal): Promise<Measured> {
  const timedEvery = load.inFlight < 100 ? 1 : 16;
  const latencies: number[] = [];
  const errors: Record<string, number> = {};
  let ops = 0;
  let wrong = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + forMs;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over && !stop.aborted) {
      const timed = ops++ % timedEvery === 0;
      const start = timed ? performance.now() : 0;
      const key = load.keys[Math.floor(Math.random() * load.keys.length)] as string;
      try {
        if (Math.random() * 100 < load.reads) {
          if ((await peer.get(key)) !== load.value) wrong++;
        } else await peer.set(key, load.value);
      } catch (error) {
        const name = nameOf(error);
        errors[name] = (errors[name] ?? 0) + 1;
        await sleep(REST_MS);
        if (performance.now() >= until) over = true;
      }
      if (!timed) continue;
      const end = performance.now();
      latencies.push(end - start);
      if (end >= until) over = true;
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, caller));
  const { user, system } = process.cpuUsage(cpu);
  return {
    ops,
    seconds: (performance.now() - began) / 1000,
    cpuMicros: user + system,
    latenciesMs: Float64Array.from(latencies).sort(),
    wrong,
    errors,
  };
}

/** Its code, else the first word of a server's reply; never the whole text. */
function nameOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") return code;
  return /^[A-Z]+/.exec(String(message))?.[0] ?? "error";
}
