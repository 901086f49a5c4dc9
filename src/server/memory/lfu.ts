import type { Random } from "../../core/random.js";

/** What a new key begins with, so that it is not the first to go. */
const INITIAL = 5;
const MINUTES = 0xffff;

/**
 * How often keys are used, as Redis counts it under an LFU policy: a number of up to 255 that grows by chance, ever
 * more slowly, and sinks by one for each `lfu-decay-time` minutes. It is kept with the minute of the last change in one
 * integer (`minute << 8 | count`), where other policies keep the second of the last access.
 */
export class Lfu {
  constructor(
    private readonly random: Random,
    private readonly settings: { readonly logFactor: number; readonly decayMinutes: number },
    private readonly nowMs: () => number,
  ) {}

  /** The stamp of a new key. */
  get fresh(): number {
    return (this.#minute() << 8) | INITIAL;
  }

  /** The stamp with a given count, as RESTORE FREQ sets it. */
  stamp(count: number): number {
    return (this.#minute() << 8) | count;
  }

  /** The stamp after one more access. */
  accessed(stamp: number): number {
    return this.stamp(this.#grown(this.count(stamp)));
  }

  /** The count as it is now, what time has taken away included. */
  count(stamp: number): number {
    const count = stamp & 255;
    const { decayMinutes } = this.settings;
    if (decayMinutes === 0) return count;
    const then = (stamp >> 8) & MINUTES;
    const now = this.#minute();
    const passed = now >= then ? now - then : MINUTES - then + now;
    return Math.max(0, count - Math.floor(passed / decayMinutes));
  }

  #grown(count: number): number {
    if (count === 255) return count;
    const chance = 1 / (Math.max(0, count - INITIAL) * this.settings.logFactor + 1);
    return this.random.next() < chance ? count + 1 : count;
  }

  #minute(): number {
    return Math.floor(this.nowMs() / 60_000) & MINUTES;
  }
}
