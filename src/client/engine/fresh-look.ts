import type { Clock, TimerHandle } from "../../core/clock.js";
import { type Deferred, deferred } from "../../core/deferred.js";

/** What it takes to look at all nodes. */
export interface LookHost {
  readonly clock: Clock;
  nodes(): Iterable<string>;
  requestCheck(): void;
}

/** Waits until every node has been looked at by a poll that began after the question, or has failed to answer one. */
export class FreshLook {
  #missing = new Set<string>();
  #since = 0;
  #looking: Deferred<void> | null = null;
  #timer: TimerHandle | null = null;

  constructor(
    private readonly host: LookHost,
    /** Milliseconds after which it is over, whoever has not answered. */
    private readonly limitMs: number,
  ) {}

  /** Resolves when it is done; those who ask meanwhile share one look. */
  take(): Promise<void> {
    if (this.#looking !== null) return this.#looking.promise;
    const { clock } = this.host;
    this.#looking = deferred<void>();
    this.#since = clock.now();
    this.#missing = new Set(this.host.nodes());
    this.#timer = clock.setTimer(() => this.end(), this.limitMs, true);
    const { promise } = this.#looking;
    if (this.#missing.size === 0) this.end();
    else this.host.requestCheck();
    return promise;
  }

  /** A poll of `node`, sent at `sentAt`, has come to an end. */
  polled(node: string, sentAt: number): void {
    if (this.#looking === null || sentAt < this.#since) return;
    this.#missing.delete(node);
    if (this.#missing.size === 0) this.end();
  }

  /** Whoever waits goes on. */
  end(): void {
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#looking?.resolve();
    this.#looking = null;
  }
}
