import type { Clock, TimerHandle } from "../../core/clock.js";
import { QueueFullError } from "../errors.js";
import type { Operation } from "./operation.js";

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
  #units: (readonly Operation[])[] = [];
  #count = 0;
  #timer: TimerHandle | null = null;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(private readonly host: UndecidedHost) {}

  /** Reads that wait. */
  get size(): number {
    return this.#count;
  }

  /** Commands of one unit, or a single one. */
  add(operations: readonly Operation[]): void {
    const { clock, limit, waitMs } = this.host;
    if (this.#count + operations.length > limit) {
      for (const one of operations) one.fail(new QueueFullError("limits.queuedCommands", limit, { command: one.name }));
      return;
    }
    this.#units.push(operations);
    this.#count += operations.length;
    this.#arm(Math.max(dueOf(operations, waitMs), clock.now() + 1));
  }

  /** Something was decided, or a node shows less than it did: looks whether they may go now. */
  retry(): void {
    for (const operations of this.#take()) if (!isSettled(operations)) this.host.resend(operations);
  }

  /** Ends all that waits. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const operations of this.#take()) for (const operation of operations) operation.fail(error(operation));
    this.#disarm();
  }

  #take(): (readonly Operation[])[] {
    const units = this.#units;
    this.#units = [];
    this.#count = 0;
    return units;
  }

  #expire(): void {
    this.#disarm();
    const { clock, waitMs } = this.host;
    let next = Number.POSITIVE_INFINITY;
    for (const operations of this.#take()) {
      if (isSettled(operations)) continue;
      const due = dueOf(operations, waitMs);
      if (due <= clock.now()) for (const operation of operations) operation.fail(this.host.timedOut(operation));
      else {
        this.#units.push(operations);
        this.#count += operations.length;
        next = Math.min(next, due);
      }
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

function isSettled(operations: readonly Operation[]): boolean {
  return operations.every(({ settled }) => settled);
}
