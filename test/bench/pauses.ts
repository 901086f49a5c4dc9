import { openSync, readSync } from "node:fs";
import { constants, PerformanceObserver } from "node:perf_hooks";

const KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "scavenge",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "mark-compact",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "marking",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak callbacks",
};

/** A stretch of the event loop in which nobody else was served. */
interface Pause {
  readonly startMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/**
 * Milliseconds of CPU time that the JavaScript thread has used. Linux says so per thread, but brings the figure up to date
 * only when somebody asks for that of the process; elsewhere it is that of the process, helper threads included.
 */
function threadClock(): () => number {
  const ofProcess = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  if (process.platform !== "linux") return ofProcess;
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const text = Buffer.alloc(64);
  return () => {
    process.cpuUsage();
    return Number(text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ")[0]) / 1e6;
  };
}

const cpuMs = threadClock();

/**
 * Watches for the longest pauses between two turns of the event loop: the longest by the clock, and the one in which the
 * JavaScript thread used most CPU time. On a machine that does other things too only the second says what the server has
 * done: the first counts the time that others had its core.
 */
export class PauseWatch {
  #last = performance.now();
  #cpu = cpuMs();
  #on = true;
  #longestMs = 0;
  readonly #worst: Pause[] = [];
  readonly #collections: { readonly startMs: number; readonly ms: number; readonly kind: string }[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime, duration, detail } of list.getEntries()) {
      const { kind = -1 } = (detail ?? {}) as { kind?: number };
      this.#collections.push({ startMs: startTime, ms: duration, kind: KINDS[kind] ?? "gc" });
    }
  });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
    setTimeout(this.#turn, 1);
  }

  /** Ends the watch; resolves with what it has seen, and what the garbage collector did in the worst pause. */
  async stop(): Promise<string> {
    this.#on = false;
    // The entries of the last collections come a turn later.
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.#observer.disconnect();
    const [worst] = this.#worst.sort((a, b) => b.cpuMs - a.cpuMs);
    if (worst === undefined) return "no pause seen";
    const share = this.#collections
      .filter(({ startMs }) => startMs >= worst.startMs - 0.5 && startMs < worst.startMs + worst.wallMs)
      .map(({ kind, ms }) => `${kind} ${ms.toFixed(1)}`);
    return `longest pause ${worst.cpuMs.toFixed(1)} ms CPU (${["collector:", ...share].join(" ")}), ${this.#longestMs.toFixed(1)} ms by the clock`;
  }

  readonly #turn = (): void => {
    const now = performance.now();
    const cpu = cpuMs();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    const pause = { startMs: this.#last, wallMs: now - this.#last, cpuMs: cpu - this.#cpu };
    if (this.#worst.length < 8) this.#worst.push(pause);
    else {
      this.#worst.sort((a, b) => b.cpuMs - a.cpuMs);
      if (pause.cpuMs > (this.#worst[7] as Pause).cpuMs) this.#worst[7] = pause;
    }
    this.#last = performance.now();
    this.#cpu = cpuMs();
    if (this.#on) setTimeout(this.#turn, 1);
  };
}
