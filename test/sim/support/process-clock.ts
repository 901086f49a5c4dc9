import type { Clock, TimerHandle } from "../../../src/core/clock.js";
import type { ManualClock } from "../../../src/core/manual-clock.js";

/**
 * The clock of one process in a world: the world's own time, but nothing runs while the process stands still, as in a
 * long garbage collection. What fell due meanwhile runs when it goes on, in the order of its times.
 */
export class ProcessClock implements Clock {
  /** World time at which it goes on; 0 = it runs. */
  pausedUntil = 0;

  constructor(private readonly world: ManualClock) {}

  /** Stands still for so many milliseconds from now. */
  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.world.now() + ms);
  }

  now(): number {
    return this.world.now();
  }

  epoch(): number {
    return this.world.epoch();
  }

  setTimer(run: () => void, ms: number): TimerHandle {
    const handle: { id: unknown } = { id: null };
    const due = (): void => {
      const waitMs = this.pausedUntil - this.world.now();
      if (waitMs > 0) handle.id = this.world.setTimer(due, waitMs);
      else run();
    };
    handle.id = this.world.setTimer(due, ms);
    return handle;
  }

  clearTimer(timer: TimerHandle | null | undefined): void {
    if (timer) this.world.clearTimer(timer.id as TimerHandle);
  }

  setImmediate(run: () => void): void {
    if (this.pausedUntil > this.world.now()) this.setTimer(run, 0);
    else this.world.setImmediate(run);
  }
}
