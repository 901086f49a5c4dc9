import type { Clock, TimerHandle } from "../../core/clock.js";

/** The shortest time between two samples, in milliseconds. */
const FASTEST_MS = 10;
/** How long after the last read with a bound sampling goes on, in multiples of the bound, and at least this. */
const AFTERGLOW = 4;
const SHORTEST_AFTERGLOW_MS = 1000;

/**
 * Asks master and replicas how far they are, often enough for the smallest bound on staleness that reads have
 * asked for lately, and not at all while none does.
 */
export class Sampler {
  #boundMs = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly sample: () => void,
  ) {}

  /** A read with this bound is being decided. */
  demand(maxStalenessMs: number): void {
    const now = this.clock.now();
    if (now > this.#until || maxStalenessMs <= this.#boundMs) {
      this.#boundMs = maxStalenessMs;
      this.#until = now + Math.max(maxStalenessMs * AFTERGLOW, SHORTEST_AFTERGLOW_MS);
    }
    if (this.#timer === null) this.#tick();
  }

  stop(): void {
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#until = Number.NEGATIVE_INFINITY;
  }

  readonly #tick = (): void => {
    this.#timer = null;
    if (this.clock.now() > this.#until) {
      this.#boundMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.sample();
    this.#timer = this.clock.setTimer(this.#tick, Math.max(this.#boundMs / 4, FASTEST_MS));
  };
}
