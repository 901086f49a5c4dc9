import { type Clock, systemClock, type TimerHandle } from "./clock.js";

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until it is told to move. `advance()` runs every timer that falls due, in
 * the order of their times (equal times: in the order they were set). What is due immediately needs no time to pass: it
 * runs when the event loop turns, or in the next `advance()` if that comes first.
 */
export class ManualClock implements Clock {
  #now: number;
  #epochOffset: number;
  #order = 0;
  readonly #timers = new Set<Entry>();
  #turnAsked = false;

  /** @param epochMs wall-clock time at the start, in milliseconds; default 2026-01-01T00:00:00Z */
  constructor(epochMs = 1_767_225_600_000) {
    this.#now = 0;
    this.#epochOffset = epochMs;
  }

  /** Milliseconds since the start. */
  now(): number {
    return this.#now;
  }

  /** Wall-clock milliseconds since 1970. */
  epoch(): number {
    return Math.floor(this.#epochOffset + this.#now);
  }

  /** Calls `run` once when time has moved on by `ms` milliseconds. */
  setTimer(run: () => void, ms: number): TimerHandle {
    const entry: Entry = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#timers.add(entry);
    return { id: entry };
  }

  /** Forgets a timer. */
  clearTimer(timer: TimerHandle | null | undefined): void {
    if (timer) this.#timers.delete(timer.id as Entry);
  }

  /** Calls `run` without time moving on. */
  setImmediate(run: () => void): void {
    this.setTimer(run, 0);
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    systemClock.setImmediate(() => {
      this.#turnAsked = false;
      this.advance(0);
    });
  }

  /** Steps the wall clock without moving monotonic time, as an NTP correction does. */
  stepEpoch(ms: number): void {
    this.#epochOffset += ms;
  }

  /** Moves time forward by `ms` milliseconds, running what falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }

  /** Number of timers that are set; 0 means nothing would happen however far time moves. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Time of the timer that falls due first; null if none is set. */
  get nextDue(): number | null {
    return this.#due(Number.POSITIVE_INFINITY)?.at ?? null;
  }

  #due(end: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#timers) {
      if (entry.at > end) continue;
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) first = entry;
    }
    return first;
  }
}

/** A {@link ManualClock} that begins at `epochMs`, in milliseconds since 1970; default 2026-01-01T00:00:00Z. */
export function manualClock(epochMs?: number): ManualClock {
  return new ManualClock(epochMs);
}
