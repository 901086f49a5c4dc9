import { isRead } from "./lane-rules.js";
import type { Operation } from "./operation.js";

/**
 * The reads of one pipeline of a causal session, which are handed out in their order: what a later one saw may be more
 * than what an earlier one will see that is still to be read again. Commands of a pipeline may leave in two pieces, each
 * with a fence of its own, and the first may be in vain while the second is not.
 */
export class ReadOrder {
  /** All in front of it are settled. */
  #first = 0;
  #watched: Operation | null = null;

  private constructor(readonly reads: readonly Operation[]) {}

  /** Puts the reads among these commands of one pipeline in order. */
  static of(operations: readonly Operation[]): void {
    const reads: Operation[] = [];
    let readsOnly = false;
    operations.forEach((operation, at) => {
      const { transaction } = operation;
      if (at === 0 || transaction !== operations[at - 1]?.transaction) readsOnly = transaction?.readsOnly ?? false;
      if (transaction === null ? isRead(operation) : readsOnly) reads.push(operation);
    });
    if (reads.length < 2) return;
    const order = new ReadOrder(reads);
    for (const read of reads) read.readOrder = order;
  }

  /** The first that has not ended; null: all have. */
  get first(): Operation | null {
    while (this.reads[this.#first]?.settled === true) this.#first++;
    return this.reads[this.#first] ?? null;
  }

  /** Whether one in front of this read, and not of the same transaction, has not ended. */
  isAhead(read: Operation): boolean {
    const { first } = this;
    return first !== null && first !== read && (read.transaction === null || first.transaction !== read.transaction);
  }

  /** Calls back once when {@link first} ends; asked again for the same one it does nothing. */
  whenFirstEnds(call: () => void): void {
    const { first } = this;
    if (first === null || first === this.#watched) return;
    this.#watched = first;
    const former = first.onSettled;
    first.onSettled = () => {
      former?.();
      call();
    };
  }
}
