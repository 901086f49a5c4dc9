import type { TimerHandle } from "../../core/clock.js";
import type { Operation } from "./operation.js";
import type { ReaderHost } from "./reader-host.js";
import { WaitingUnits } from "./waiting-units.js";

/** How often held reads are looked at, in milliseconds; each look asks the replicas anew. */
const HOLD_STEP_MS = 2;

/** Reads for replicas alone, none of which has what they must see yet: looked at again and again for `readHoldMs`. */
export class HeldReads {
  readonly #held: WaitingUnits;
  #timer: TimerHandle | null = null;

  /** @param submit sends a unit, or adds it again */
  constructor(
    private readonly host: ReaderHost,
    private readonly submit: (operations: readonly Operation[]) => void,
  ) {
    this.#held = new WaitingUnits(host.queuedCommands);
  }

  /** Reads that wait. */
  get size(): number {
    return this.#held.count;
  }

  add(operations: readonly Operation[]): void {
    const { clock, readHoldMs, failoverTimeoutMs } = this.host;
    const now = clock.now();
    const first = operations[0] as Operation;
    if (first.heldSince < 0 && this.host.started()) first.heldSince = now;
    const heldMs = first.heldSince < 0 ? 0 : now - first.heldSince;
    if (first.heldSince < 0 && now - first.issuedAt >= failoverTimeoutMs) {
      for (const operation of operations) operation.fail(this.host.noMaster(operation));
    } else if (heldMs >= readHoldMs) {
      for (const operation of operations) operation.fail(this.host.noReplica(operation, Math.round(heldMs)));
    } else this.#held.add(operations);
    if (this.size > 0) this.#timer ??= clock.setTimer(() => this.#step(), HOLD_STEP_MS, true);
  }

  /** Marks moved: looks whether what is held may go now. */
  retry(): void {
    if (this.size === 0) return;
    for (const operations of this.#held.take()) this.submit(operations);
  }

  /** Ends everything that is held. */
  rejectAll(error: (operation: Operation) => Error): void {
    this.#held.rejectAll(error);
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #step(): void {
    this.#timer = null;
    this.host.refreshMarks();
    this.retry();
  }
}
