import type { Operation } from "./operation.js";

/** What waits for the master, in the order of issue, within limits of number and bytes. */
export class LaneQueue {
  #items: Operation[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Bytes of the arguments that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  push(operation: Operation): void {
    this.#items.push(operation);
    this.#bytes += argumentBytes(operation);
  }

  peek(): Operation | undefined {
    return this.#items[this.#head];
  }

  shift(): Operation | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    this.#bytes -= argumentBytes(first);
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Puts operations back where they were issued: those that come again are older than all that wait, or among them. */
  putBack(operations: Operation[]): void {
    if (operations.length === 0) return;
    const waiting = this.#items.slice(this.#head);
    this.#items = [...operations, ...waiting].sort((a, b) => a.order - b.order);
    this.#head = 0;
    for (const operation of operations) this.#bytes += argumentBytes(operation);
  }

  /** Takes out all that satisfy `which`. */
  remove(which: (operation: Operation) => boolean): Operation[] {
    const removed: Operation[] = [];
    const kept: Operation[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const operation = this.#items[i] as Operation;
      if (which(operation)) {
        removed.push(operation);
        this.#bytes -= argumentBytes(operation);
      } else kept.push(operation);
    }
    this.#items = kept;
    this.#head = 0;
    return removed;
  }
}

/** An estimate that is the same before and after: characters stand for bytes. */
function argumentBytes(operation: Operation): number {
  let bytes = operation.name.length;
  for (const argument of operation.command.args) bytes += (argument as string | Buffer).length;
  return bytes;
}
