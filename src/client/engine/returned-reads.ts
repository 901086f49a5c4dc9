import type { Operation } from "./operation.js";

/** Reads of one pipeline that came back, and the last refusal among them. */
interface Returned {
  readonly operations: Set<Operation>;
  refusal: Error | null;
}

/**
 * Reads of a causal session's pipeline that came back without a value, all in one turn: their connection ended, the fence
 * behind them was bad, or one in front of them was refused. They go again together, to one node. One by one, a later read
 * of the pipeline could be served by a node that is behind the one that serves an earlier one, and the session would go
 * back in time.
 */
export class ReturnedReads {
  #units = new Map<readonly Operation[], Returned>();

  /** @param resend sends reads of one unit again, in their order */
  constructor(private readonly resend: (operations: readonly Operation[], refusal: Error | null) => void) {}

  /** Takes reads that belong together with others; false if there are none. */
  add(operations: readonly Operation[], refusal: Error | null): boolean {
    const unit = operations[0]?.unit ?? null;
    if (unit === null) return false;
    if (this.#units.size === 0) queueMicrotask(() => this.#resendAll());
    const known = this.#units.get(unit);
    const returned = known ?? { operations: new Set<Operation>(), refusal: null };
    if (known === undefined) this.#units.set(unit, returned);
    for (const operation of operations) returned.operations.add(operation);
    returned.refusal ??= refusal;
    return true;
  }

  /** Whether a read of the same pipeline came back in this turn: what follows it has to go with it. */
  holdsOneOf(unit: readonly Operation[] | null): boolean {
    return unit !== null && this.#units.has(unit);
  }

  #resendAll(): void {
    const units = this.#units;
    this.#units = new Map();
    for (const [unit, { operations, refusal }] of units) {
      const again = unit.filter((operation) => operations.has(operation) && !operation.settled);
      if (again.length > 0) this.resend(again, refusal);
    }
  }
}
