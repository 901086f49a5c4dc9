import { Command } from "ioredis";
import { Operation, type OperationSink } from "../../../../../src/client/engine/operation.js";
import type { ResolvedView } from "../../../../../src/client/options/resolved.js";
import { DEFAULT_VIEW } from "../../../../../src/client/options/view.js";
import { CommandTable } from "../../../../../src/client/routing/command-table.js";
import type { Clock } from "../../../../../src/core/clock.js";

const table = new CommandTable();

/** How a command ended: `undefined` while it hasn't. Errors as their message. */
export interface Outcome {
  readonly operation: Operation;
  value: unknown;
}

/** Makes operations as the dispatcher does, and notes how each ends. */
export class Issuer {
  #order = 0;
  readonly outcomes: Outcome[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly sink: OperationSink,
  ) {}

  /** @param line a command as one types it */
  make(line: string, view: Partial<ResolvedView> = {}, db = 0): Operation {
    const [name = "", ...args] = line.split(" ");
    const command = new Command(name, args, { replyEncoding: "utf8" });
    const full = { ...DEFAULT_VIEW, ...view } as ResolvedView;
    const operation = new Operation(
      command,
      table.of(name, command.args),
      full,
      db,
      this.clock.now(),
      this.sink,
      () => {},
    );
    operation.order = ++this.#order;
    const outcome: Outcome = { operation, value: undefined };
    this.outcomes.push(outcome);
    command.promise.then(
      (value) => (outcome.value = value),
      (error: Error) => (outcome.value = error),
    );
    return operation;
  }

  /** What became of all so far, in the order of issue: replies, "!" with an error's code or message, "…" while open. */
  async ends(): Promise<unknown[]> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return this.outcomes.map(({ operation, value }) => {
      if (value instanceof Error)
        return `!${(value as { code?: string }).code?.replace("IOREPLICA_", "") ?? value.message}`;
      return value === undefined && !operation.settled ? "…" : value;
    });
  }
}
