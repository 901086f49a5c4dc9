import { QueueFullError } from "../errors.js";
import type { Operation } from "./operation.js";

/** Reads that wait, each or in units that go together; bounded by `limits.queuedCommands`. */
export class WaitingUnits {
  #units: (readonly Operation[])[] = [];
  /** Commands in them. */
  #count = 0;

  /** @param limit commands that may wait */
  constructor(private readonly limit: number) {}

  /** Commands that wait. */
  get count(): number {
    return this.#count;
  }

  /** False where they are too many: they fail with QueueFullError. */
  add(operations: readonly Operation[]): boolean {
    const { limit } = this;
    if (this.#count + operations.length > limit) {
      for (const one of operations) one.fail(new QueueFullError("limits.queuedCommands", limit, { command: one.name }));
      return false;
    }
    this.#units.push(operations);
    this.#count += operations.length;
    return true;
  }

  /** Takes out all units of which something is still unsettled. */
  take(): readonly (readonly Operation[])[] {
    const units = this.#units;
    this.#units = [];
    this.#count = 0;
    return units.filter((operations) => operations.some(({ settled }) => !settled));
  }

  /** Fails all that waits. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const operations of this.take()) for (const operation of operations) operation.fail(error(operation));
  }
}
