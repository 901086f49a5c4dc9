import type { Operation } from "./operation.js";
import type { ReadOrder } from "./read-order.js";

/** Reads of one pipeline that came back, and the last refusal among them. */
interface Returned {
  readonly operations: Set<Operation>;
  refusal: Error | null;
  /** They are looked at when this turn is over. */
  due: boolean;
}

/**
 * Reads of a causal session's pipeline that came back without a value: their connection ended, the fence behind them was
 * bad, or one in front of them is still to be read again. They go again together, to one node, and not before those in
 * front of them have ended. One by one, a later read of the pipeline could be served by a node that is behind the one that
 * serves an earlier one, and the session would go back in time.
 */
export class ReturnedReads {
  readonly #orders = new Map<ReadOrder, Returned>();

  /** @param resend sends reads of one pipeline again, in their order */
  constructor(private readonly resend: (operations: readonly Operation[], refusal: Error | null) => void) {}

  /** Takes reads that belong together with others; false if there are none. */
  add(operations: readonly Operation[], refusal: Error | null): boolean {
    const order = operations[0]?.readOrder ?? null;
    if (order === null) return false;
    const returned = this.#orders.get(order) ?? { operations: new Set<Operation>(), refusal: null, due: false };
    this.#orders.set(order, returned);
    for (const operation of operations) returned.operations.add(operation);
    returned.refusal ??= refusal;
    this.#look(order);
    return true;
  }

  /** Ends all that waits. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const { operations } of this.#orders.values())
      for (const operation of operations) operation.fail(error(operation));
    this.#orders.clear();
  }

  /** At the end of this turn, when all has come back that comes back with it. */
  #look(order: ReadOrder): void {
    const returned = this.#orders.get(order);
    if (returned === undefined || returned.due) return;
    returned.due = true;
    queueMicrotask(() => {
      returned.due = false;
      this.#resend(order, returned);
    });
  }

  #resend(order: ReadOrder, { operations, refusal }: Returned): void {
    const { first } = order;
    if (first !== null && !operations.has(first)) {
      order.whenFirstEnds(() => this.#look(order));
      return;
    }
    this.#orders.delete(order);
    const again = order.reads.filter((operation) => operations.has(operation) && !operation.settled);
    if (again.length > 0) this.resend(again, refusal);
  }
}
