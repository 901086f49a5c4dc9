import type { Operation } from "./operation.js";

/**
 * MULTI … EXEC out of one pipeline. Its replies are kept until EXEC's is there, because only that says whether
 * any of it was applied: a refusal at queueing answers with EXECABORT, and then the whole is sent again. MULTI …
 * DISCARD is one too: what was refused in it must not be sent again by itself, for then it would be applied.
 */
export class Transaction {
  readonly operations: Operation[] = [];
  #answered = 0;

  add(operation: Operation): void {
    operation.transaction = this;
    this.operations.push(operation);
  }

  /** Keeps a reply. True once all are there. */
  collect(operation: Operation, reply: unknown, error: Error | null): boolean {
    operation.reply = reply;
    operation.parkedError = error;
    return ++this.#answered === this.operations.length;
  }

  /** The EXEC of it, or its DISCARD. */
  get exec(): Operation {
    return this.operations[this.operations.length - 1] as Operation;
  }

  /** Nothing in it writes: what it read is worth as much as any read. */
  get readsOnly(): boolean {
    return this.operations.every(({ spec }) => spec.effects === "none");
  }

  /** Gives every caller what was kept for it. */
  settle(): void {
    for (const operation of this.operations) {
      if (operation.parkedError) operation.fail(operation.parkedError);
      else operation.succeed(operation.reply);
    }
  }

  /** Makes it ready to be sent again. */
  reset(): void {
    this.#answered = 0;
    for (const operation of this.operations) {
      operation.reply = undefined;
      operation.parkedError = null;
    }
  }
}

/** Marks out the runs from MULTI to EXEC or DISCARD of a pipeline; a MULTI without either is left as plain commands. */
export function findTransactions(operations: readonly Operation[]): void {
  let open = -1;
  for (let i = 0; i < operations.length; i++) {
    const name = (operations[i] as Operation).name.toLowerCase();
    if (name === "multi") open = i;
    else if ((name === "exec" || name === "discard") && open >= 0) {
      const transaction = new Transaction();
      for (let k = open; k <= i; k++) transaction.add(operations[k] as Operation);
      open = -1;
    }
  }
}
