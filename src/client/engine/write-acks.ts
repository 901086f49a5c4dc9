import type { Clock, TimerHandle } from "../../core/clock.js";
import type { NodeConnection } from "../connection/node-connection.js";
import type { KeyLedger } from "../consistency/key-ledger.js";
import type { CausalSession } from "../consistency/session.js";
import { UnknownOutcomeError } from "../errors.js";
import { keysOf } from "../routing/command-table.js";
import type { Operation } from "./operation.js";

/** While acknowledged writes are unresolved, the master is fenced at most once in this time (milliseconds). */
const WRITE_FENCE_MS = 20;

/**
 * Tells the key ledger what became of each write, and sees to it that acknowledged ones are soon resolved to an
 * offset: by a fence that goes to the master anyway, or by one of their own after {@link WRITE_FENCE_MS}.
 */
export class WriteAcks {
  #timer: TimerHandle | null = null;

  constructor(
    private readonly ledger: KeyLedger,
    private readonly clock: Clock,
    /** The connection that carries the writes, if there is one. */
    private readonly connection: () => NodeConnection | null,
  ) {}

  /** Notes what a write will change, when it is issued: from now on reads of those keys know of it. */
  issue(operation: Operation): void {
    const { spec, db, command, session } = operation;
    if (spec.effects === "keys") {
      operation.ticket = spec.firstKeyOnly
        ? this.ledger.issue(db, command.args[0], session)
        : this.ledger.issueKeys(db, command.args, keysOf(spec, command.args), session);
    } else if (spec.effects === "unknown") operation.ticket = this.ledger.issueUnknown(session);
  }

  /** A session has seen what no fence of its connection covers: the next one of the lane shall. */
  observed(session: CausalSession): void {
    this.ledger.observed(session);
    this.#timer ??= this.clock.setTimer(this.#resolve, WRITE_FENCE_MS);
  }

  /** It was answered, which is its acknowledgement. `applied` false: the answer says that nothing was applied. */
  acknowledged(operation: Operation, applied: boolean): void {
    const { ticket } = operation;
    if (ticket === null) return;
    operation.ticket = null;
    if (!applied) {
      this.ledger.notApplied(ticket);
      return;
    }
    this.ledger.acked(ticket);
    this.#timer ??= this.clock.setTimer(this.#resolve, WRITE_FENCE_MS);
  }

  /** It ends without having been applied. */
  abandoned(operation: Operation): void {
    if (operation.ticket !== null) this.ledger.notApplied(operation.ticket);
    operation.ticket = null;
  }

  /** It was handed to a socket and not answered. Returns the error for the caller. */
  unknown(operation: Operation, connection: NodeConnection): Error {
    if (operation.ticket !== null) this.ledger.unknown(operation.ticket);
    operation.ticket = null;
    return new UnknownOutcomeError(`the connection was lost before the reply (${connection.reason || "closed"})`, {
      node: connection.node,
      command: operation.name,
    });
  }

  /** Is it time for a fence on this connection, though no read in the flush asks for one? */
  wantsFence(connection: NodeConnection): boolean {
    return (
      connection === this.connection() &&
      this.ledger.unresolved > 0 &&
      this.clock.now() - connection.fenceSentAt >= WRITE_FENCE_MS
    );
  }

  stop(): void {
    this.clock.clearTimer(this.#timer);
  }

  readonly #resolve = (): void => {
    this.#timer = null;
    const connection = this.connection();
    if (this.ledger.unresolved === 0 || connection === null || connection.state !== "open") return;
    if (this.clock.now() - connection.fenceSentAt >= WRITE_FENCE_MS) connection.requestFence();
    this.#timer = this.clock.setTimer(this.#resolve, WRITE_FENCE_MS);
  };
}

/** Do two writes touch the same key, as far as that can be told? */
export function overlap(a: Operation, b: Operation): boolean {
  if (a.spec.effects === "unknown" || b.spec.effects === "unknown") return true;
  if (a.db !== b.db) return false;
  const of = (operation: Operation): string[] =>
    keysOf(operation.spec, operation.command.args).map((position) => String(operation.command.args[position]));
  const keys = new Set(of(a));
  return of(b).some((key) => keys.has(key));
}
