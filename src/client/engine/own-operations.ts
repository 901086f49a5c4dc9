import { ClientClosedError } from "../errors.js";
import type { Operation } from "./operation.js";

/**
 * The commands of one client that are not settled, newest first: connections and lane are shared with its duplicates
 * and can't tell whose is whose. A list through the operations themselves: it costs a command a few assignments.
 */
export class OwnOperations {
  #newest: Operation | null = null;

  add(operation: Operation): void {
    const before = this.#newest;
    operation.older = before;
    if (before !== null) before.newer = operation;
    this.#newest = operation;
  }

  remove(operation: Operation): void {
    const { older, newer } = operation;
    if (newer !== null) newer.older = older;
    else if (this.#newest === operation) this.#newest = older;
    if (older !== null) older.newer = newer;
    operation.older = null;
    operation.newer = null;
  }

  /** Rejects all, oldest first, as the client's end does. */
  close(): void {
    const all: Operation[] = [];
    for (let one = this.#newest; one !== null; one = one.older) all.push(one);
    for (const operation of all.reverse())
      operation.fail(
        new ClientClosedError({
          command: operation.name,
          sent: sentOf(operation),
        }),
      );
  }
}

/** Whether a server may have seen it: what lies on an open connection goes out with its flush, whoever gave it up. */
export function sentOf(operation: Operation): "unknown" | "no" {
  const { connection } = operation;
  return connection !== null && (connection.state !== "closed" || connection.wasSent(operation)) ? "unknown" : "no";
}
