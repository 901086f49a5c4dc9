import type { Clock } from "../../core/clock.js";
import { deferred } from "../../core/deferred.js";

/** Those who can't go on before the first master was found. */
export class FirstMaster {
  readonly #waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** Resolves at `until` (monotonic milliseconds), or with the next {@link over} if that is earlier. */
  async wait(until: number): Promise<void> {
    const over = deferred<void>();
    const timer = this.clock.setTimer(over.resolve, Math.max(0, until - this.clock.now()), true);
    this.#waiting.add(over.resolve);
    await over.promise;
    this.#waiting.delete(over.resolve);
    this.clock.clearTimer(timer);
  }

  /** It was found, or won't be. */
  over(): void {
    for (const resolve of this.#waiting) resolve();
  }
}
