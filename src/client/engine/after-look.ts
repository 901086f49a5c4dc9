import type { Clock } from "../../core/clock.js";
import type { CausalSession } from "../consistency/session.js";
import { QueueFullError } from "../errors.js";
import { limit } from "./deadline.js";
import type { Operation } from "./operation.js";

/** What waiting for a look at the nodes needs of the engine. */
export interface AfterLookHost {
  readonly clock: Clock;
  /** `limits.queuedCommands` */
  readonly queuedCommands: number;
  /** How long a call may wait for a master, in milliseconds. */
  readonly waitMs: number;
  /** Asks all nodes about the session's tokens; false: there was no master by `until`, and none was asked. */
  lookFor(session: CausalSession, until: number): Promise<boolean>;
  /** Nothing is worth waiting for. */
  hopeless(): boolean;
}

/** One command or one pipeline. */
interface Call {
  readonly operations: readonly Operation[];
  readonly send: (operations: readonly Operation[]) => void;
}

/**
 * Calls of sessions with a token that nobody here can place yet. Somebody knows of a failover, so the nodes are asked
 * before anything is sent, once there is a master to place the token by. The calls of one session wait in one line:
 * what comes when the look is over, and the calls before it are not out yet, must not overtake them.
 */
export class AfterLook {
  readonly #lines = new Map<CausalSession, Call[]>();
  /** Commands in all lines. */
  #waiting = 0;

  constructor(private readonly host: AfterLookHost) {}

  /** True: it keeps the call, and hands what is left of it to `send` when its turn comes. */
  holds(operations: readonly Operation[], session: CausalSession, send: Call["send"]): boolean {
    const line = this.#lines.get(session);
    if (line === undefined && !session.unplaced) return false;
    const { queuedCommands, clock } = this.host;
    if (this.#waiting + operations.length > queuedCommands) {
      for (const operation of operations)
        operation.fail(new QueueFullError("limits.queuedCommands", queuedCommands, { command: operation.name }));
      return true;
    }
    this.#waiting += operations.length;
    for (const operation of operations) {
      const { timeoutMs, signal } = operation.view;
      // A blocking command is watched on its own connection, which it has not got yet.
      if (operation.onSettled === null && (timeoutMs !== null || signal !== null))
        limit(operation, clock, timeoutMs, signal);
    }
    if (line !== undefined) line.push({ operations, send });
    else {
      const first = [{ operations, send }];
      this.#lines.set(session, first);
      void this.#look(session, first);
    }
    return true;
  }

  async #look(session: CausalSession, line: Call[]): Promise<void> {
    const { clock, waitMs } = this.host;
    for (;;) {
      const [first] = line;
      if (first === undefined) break;
      const asked = await this.host.lookFor(session, issuedAt(first) + waitMs);
      if (asked ? !session.unplaced : this.host.hopeless()) break;
      // Their time is up, and whoever waits for the master tells them so.
      while (!asked && line[0] !== undefined && issuedAt(line[0]) + waitMs <= clock.now()) this.#release(line);
    }
    this.#lines.delete(session);
    while (line.length > 0) this.#release(line);
  }

  #release(line: Call[]): void {
    const { operations, send } = line.shift() as Call;
    this.#waiting -= operations.length;
    const left = operations.filter(({ settled }) => !settled);
    for (const operation of left) {
      if (operation.spec.intent !== "dedicated" || !operation.spec.blocking) continue;
      operation.onSettled?.();
      operation.onSettled = null;
    }
    if (left.length > 0) send(left);
  }
}

function issuedAt({ operations }: Call): number {
  return (operations[0] as Operation).issuedAt;
}
