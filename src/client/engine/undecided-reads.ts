import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Operation } from "./operation.js";
import { WaitingUnits } from "./waiting-units.js";

/** What waiting for a decision asks of whoever owns it. */
export interface UndecidedHost {
  readonly clock: Clock;
  /** `limits.queuedCommands`: reads that may wait. */
  readonly limit: number;
  /** How long a read may wait, from its issue, in milliseconds. */
  readonly waitMs: number;
  /** Sends a unit again, or adds it again. */
  resend(operations: readonly Operation[]): void;
  /** It waited too long. Returns the error for the caller. */
  timedOut(operation: Operation): Error;
}

/**
 * Reads that only a node could serve whose data not every claimant to the office of master has: what they would return
 * may be lost when it is decided who is master, so they wait for that.
 */
export class UndecidedReads {
  readonly #waiting: WaitingUnits;
  #timer: TimerHandle | null = null;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(private readonly host: UndecidedHost) {
    this.#waiting = new WaitingUnits(host.limit);
  }

  /** Reads that wait. */
  get size(): number {
    return this.#waiting.count;
  }

  /** Commands of one unit, or a single one. */
  add(operations: readonly Operation[]): void {
    const { clock, waitMs } = this.host;
    if (this.#waiting.add(operations)) this.#arm(Math.max(dueOf(operations, waitMs), clock.now() + 1));
  }

  /** Something was decided, or a node shows less than it did: looks whether they may go now. */
  retry(): void {
    for (const operations of this.#waiting.take()) this.host.resend(operations);
  }

  /** Ends all that waits. */
  rejectAll(error: (operation: Operation) => Error): void {
    this.#waiting.rejectAll(error);
    this.#disarm();
  }

  #expire(): void {
    this.#disarm();
    const { clock, waitMs } = this.host;
    let next = Number.POSITIVE_INFINITY;
    for (const operations of this.#waiting.take()) {
      const due = dueOf(operations, waitMs);
      if (due <= clock.now()) for (const operation of operations) operation.fail(this.host.timedOut(operation));
      else if (this.#waiting.add(operations)) next = Math.min(next, due);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }

  #arm(at: number): void {
    if (at >= this.#dueAt) return;
    const { clock } = this.host;
    clock.clearTimer(this.#timer);
    this.#dueAt = at;
    this.#timer = clock.setTimer(() => this.#expire(), Math.max(1, at - clock.now()), true);
  }

  #disarm(): void {
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}

function dueOf(operations: readonly Operation[], waitMs: number): number {
  return (operations[operations.length - 1] as Operation).issuedAt + waitMs;
}
