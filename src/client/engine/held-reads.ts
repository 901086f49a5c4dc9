import type { TimerHandle } from "../../core/clock.js";
import { QueueFullError } from "../errors.js";
import type { Operation } from "./operation.js";
import type { ReaderHost } from "./reader-host.js";

/** How often held reads are looked at, in milliseconds; each look asks the replicas anew. */
const HOLD_STEP_MS = 2;

/** Reads for replicas alone, none of which has what they must see yet: looked at again and again for `readHoldMs`. */
export class HeldReads {
  /** Units that wait; all commands of one go together. */
  #held: (readonly Operation[])[] = [];
  /** Commands in them. */
  #count = 0;
  #timer: TimerHandle | null = null;

  /** @param submit sends a unit, or adds it again */
  constructor(
    private readonly host: ReaderHost,
    private readonly submit: (operations: readonly Operation[]) => void,
  ) {}

  /** Units that wait. */
  get size(): number {
    return this.#held.length;
  }

  add(operations: readonly Operation[]): void {
    const { clock, readHoldMs, failoverTimeoutMs, queuedCommands } = this.host;
    const now = clock.now();
    const first = operations[0] as Operation;
    if (first.heldSince < 0 && this.host.started()) first.heldSince = now;
    const heldMs = first.heldSince < 0 ? 0 : now - first.heldSince;
    if (first.heldSince < 0 && now - first.issuedAt >= failoverTimeoutMs) {
      for (const operation of operations) operation.fail(this.host.noMaster(operation));
    } else if (heldMs >= readHoldMs) {
      for (const operation of operations) operation.fail(this.host.noReplica(operation, Math.round(heldMs)));
    } else if (this.#count + operations.length > queuedCommands) {
      for (const operation of operations)
        operation.fail(new QueueFullError("limits.queuedCommands", queuedCommands, { command: operation.name }));
    } else {
      this.#held.push(operations);
      this.#count += operations.length;
    }
    if (this.#held.length > 0) this.#timer ??= clock.setTimer(() => this.#step(), HOLD_STEP_MS, true);
  }

  /** Marks moved: looks whether what is held may go now. */
  retry(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#count = 0;
    for (const operations of held) {
      if (!(operations[0] as Operation).settled) this.submit(operations);
    }
  }

  /** Ends everything that is held. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const operations of this.#held.splice(0)) for (const operation of operations) operation.fail(error(operation));
    this.#count = 0;
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #step(): void {
    this.#timer = null;
    this.host.refreshMarks();
    this.retry();
  }
}
