/** A timer that was set on a {@link Clock}; opaque to its holder. */
export interface TimerHandle {
  readonly id: unknown;
}

/**
 * The only source of time. Everything outside `core/` is handed one, so that tests and the
 * simulation can move time by hand.
 */
export interface Clock {
  /** Monotonic milliseconds, with a fraction. Compare only with values of the same clock. */
  now(): number;
  /** Wall-clock milliseconds since 1970 (an integer), for what Redis stores as absolute time. */
  epoch(): number;
  /** Calls `run` once after `ms` milliseconds. The timer never keeps the process alive unless `keepAlive`. */
  setTimer(run: () => void, ms: number, keepAlive?: boolean): TimerHandle;
  /** Forgets a timer; one that has already run, or none, is no error. */
  clearTimer(timer: TimerHandle | null | undefined): void;
  /** Calls `run` after the I/O of this turn of the event loop. */
  setImmediate(run: () => void): void;
}

/** What Node.js can wait in one go (24.8 days); it takes anything longer for 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** Time as the machine has it. Waits of any length are kept. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  setTimer(run, ms, keepAlive = false) {
    const timer: { id: unknown } = { id: null };
    const arm = (left: number): void => {
      const id = left > LONGEST_MS ? setTimeout(() => arm(left - LONGEST_MS), LONGEST_MS) : setTimeout(run, left);
      if (!keepAlive) id.unref();
      timer.id = id;
    };
    arm(ms);
    return timer;
  },
  clearTimer(timer) {
    if (timer) clearTimeout(timer.id as NodeJS.Timeout);
  },
  setImmediate(run) {
    setImmediate(run);
  },
};
