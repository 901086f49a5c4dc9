import type { Clock, TimerHandle } from "../../core/clock.js";
import { type Deferred, deferred } from "../../core/deferred.js";

/** What it takes to look at all nodes. */
export interface LookHost {
  readonly clock: Clock;
  nodes(): Iterable<string>;
  requestCheck(): void;
}

/** A look that ends this much later than its limit (a part of it) was over while the process stood still. */
const LATE = 0.5;

/** Waits until every node has been looked at by a poll that began after the question, or has failed to answer one. */
export class FreshLook {
  #missing = new Set<string>();
  #since = 0;
  #looking: Deferred<void> | null = null;
  /** Those who asked while a look went on: what it has seen may be older than their question. */
  #next: Deferred<void> | null = null;
  #timer: TimerHandle | null = null;

  constructor(
    private readonly host: LookHost,
    /** Milliseconds after which it is over, whoever has not answered. */
    private readonly limitMs: number,
  ) {}

  /** Resolves when it is done; those who ask while one goes on share the one that begins at its end. */
  take(): Promise<void> {
    if (this.#looking !== null && this.#since < this.host.clock.now()) {
      this.#next ??= deferred<void>();
      return this.#next.promise;
    }
    if (this.#looking !== null) return this.#looking.promise;
    const asked = deferred<void>();
    this.#begin(asked);
    return asked.promise;
  }

  /** A poll of `node`, sent at `sentAt`, has come to an end. */
  polled(node: string, sentAt: number): void {
    if (this.#looking === null || sentAt < this.#since) return;
    this.#missing.delete(node);
    if (this.#missing.size === 0) this.#over();
  }

  /** Whoever waits goes on. */
  end(): void {
    const next = this.#next;
    this.#next = null;
    this.#finish();
    next?.resolve();
  }

  #begin(asked: Deferred<void>): void {
    const { clock } = this.host;
    clock.clearTimer(this.#timer);
    this.#looking = asked;
    this.#since = clock.now();
    this.#missing = new Set(this.host.nodes());
    this.#timer = clock.setTimer(() => this.#over(), this.limitMs, true);
    if (this.#missing.size === 0) this.#over();
    else this.host.requestCheck();
  }

  #over(): void {
    const looking = this.#looking;
    if (looking === null) return;
    // The process stood still: who seems silent was not listened to, and who answered did so long ago.
    if (this.host.clock.now() - this.#since > this.limitMs * (1 + LATE)) {
      this.#begin(looking);
      return;
    }
    const next = this.#next;
    this.#next = null;
    this.#finish();
    if (next !== null) this.#begin(next);
  }

  #finish(): void {
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#looking?.resolve();
    this.#looking = null;
  }
}
