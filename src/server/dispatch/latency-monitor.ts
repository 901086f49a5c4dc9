import type { Bytes } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";

/**
 * What may take long, by redis-server's names: commands (`fast-command`: one that should never be slow; `command-unblocking`:
 * serving a client that was blocked), the removal of keys, and whatever the process waits for the disk.
 */
export type LatencyEvent =
  | "command"
  | "fast-command"
  | "command-unblocking"
  | "expire-cycle"
  | "eviction-cycle"
  | "eviction-del"
  | "aof-write"
  | "aof-write-alone"
  | "aof-write-active-child"
  | "aof-write-pending-fsync"
  | "aof-fsync-always"
  | "aof-rename"
  | "rdb-unlink-temp-file";

/** The longest delay of one second. */
export interface LatencySample {
  /** Seconds since 1970. */
  readonly atS: number;
  readonly ms: number;
}

/** The samples of one event. */
export interface LatencySeries {
  /** Oldest first, at most 160, one a second. */
  readonly samples: { atS: number; ms: number }[];
  /** The longest delay since the last reset. */
  maxMs: number;
}

const MAX_SAMPLES = 160;

/** LATENCY: what took at least latency-monitor-threshold milliseconds, and when. */
export class LatencyMonitor {
  /** In microseconds; infinite while latency-monitor-threshold is 0, which is: off. */
  thresholdMicros = Number.POSITIVE_INFINITY;
  readonly #series = new Map<LatencyEvent, LatencySeries>();

  constructor(private readonly server: ServerCore) {
    const configure = (): void => {
      const thresholdMs = server.config.number("latency-monitor-threshold");
      this.thresholdMicros = thresholdMs === 0 ? Number.POSITIVE_INFINITY : thresholdMs * 1000;
    };
    configure();
    server.config.onChange(configure);
  }

  /** The events of which there are samples. */
  get events(): ReadonlyMap<Bytes, LatencySeries> {
    return this.#series;
  }

  /** Keeps what took from `startMs` (of the clock) until now, under each of these names, if it is at or above the threshold. */
  since(startMs: number, ...events: LatencyEvent[]): void {
    if (this.thresholdMicros === Number.POSITIVE_INFINITY) return;
    const micros = (this.server.clock.now() - startMs) * 1000;
    if (micros < this.thresholdMicros) return;
    for (const event of events) this.note(event, micros);
  }

  /** Keeps a sample that is at or above the threshold: who calls has looked. */
  note(event: LatencyEvent, micros: number): void {
    const ms = Math.floor(micros / 1000);
    const atS = Math.floor(this.server.clock.epoch() / 1000);
    let series = this.#series.get(event);
    if (series === undefined) this.#series.set(event, (series = { samples: [], maxMs: 0 }));
    series.maxMs = Math.max(series.maxMs, ms);
    const { samples } = series;
    const last = samples.at(-1);
    if (last?.atS === atS) last.ms = Math.max(last.ms, ms);
    else if (samples.push({ atS, ms }) > MAX_SAMPLES) samples.shift();
  }

  /** Forgets the samples of an event (its name in any letter case), or of all; returns of how many events. */
  reset(name?: Bytes): number {
    const found = [...this.#series.keys()].filter((event) => name === undefined || event === name.toLowerCase());
    for (const event of found) this.#series.delete(event);
    return found.length;
  }
}
