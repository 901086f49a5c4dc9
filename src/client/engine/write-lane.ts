import type { Clock, TimerHandle } from "../../core/clock.js";
import { classifyRefusal, type Refusal } from "../../protocol/reply-errors.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { QueueFullError } from "../errors.js";
import { LaneQueue } from "./lane-queue.js";
import type { Operation } from "./operation.js";
import { isReplyError } from "./reply-kind.js";
import type { Transaction } from "./transaction.js";

/** What the lane asks of whoever owns it. */
export interface LaneHost {
  readonly clock: Clock;
  readonly limits: { readonly queuedCommands: number; readonly queuedBytes: number; readonly inFlightBytesPerNode: number };
  /** How long a command may wait for a master, in milliseconds. */
  readonly waitMs: number;
  /** A write was answered, which is its acknowledgement, errors included. `false` = EXEC said that nothing was applied. */
  acknowledged(operation: Operation, applied: boolean): void;
  /** The server has provably not applied it; it will be sent again. */
  refused(operation: Operation, refusal: Refusal, connection: NodeConnection): void;
  /** It ends without having been applied. */
  abandoned(operation: Operation): void;
  /** It was handed to a socket and not answered. Returns the error for the caller. */
  unknown(operation: Operation, connection: NodeConnection): Error;
  /** It waited too long. Returns the error for the caller. */
  timedOut(operation: Operation): Error;
  /** A definite error reply; returns what the caller gets. */
  replyError(operation: Operation, error: Error): Error;
  /** Do two writes touch the same key? */
  overlap(a: Operation, b: Operation): boolean;
  /** The write asks for replicas: `succeed` is called when they have it. */
  durable(operation: Operation, reply: unknown, succeed: () => void): void;
  /** All that was sent is answered and the lane is closed: it may be opened again. */
  drained(): void;
  /** The master was not heard of for too long to be written to unasked. */
  stale(): void;
}

/**
 * The one way to the master: writes, and reads that must stand behind a write, never out of order. At the first
 * refusal it closes: later commands queue behind the refused one, what was sent is awaited, and the refused are
 * sent again in the order of issue, to whichever node is then known to be the master.
 */
export class WriteLane {
  readonly #queue = new LaneQueue();
  /** Refused or never sent, to go again; each has been sent at least once or was queued on a connection. */
  readonly #again: Operation[] = [];
  #connection: NodeConnection | null = null;
  #open = false;
  #outstanding = 0;
  #parking = false;
  #parked: (() => void)[] = [];
  #parkedOperations: Operation[] = [];
  #timer: TimerHandle | null = null;
  /** Monotonic time up to which the master may be written to without being looked at again. */
  trustedUntil = Number.NEGATIVE_INFINITY;

  constructor(private readonly host: LaneHost) {}

  /** Where commands go, or went last. */
  get connection(): NodeConnection | null {
    return this.#connection;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sent and not answered. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Waiting to be sent, first time or again. */
  get waiting(): number {
    return this.#queue.length + this.#again.length;
  }

  /** True when nothing is under way, so that the lane may be opened to another connection. */
  get idle(): boolean {
    return this.#outstanding === 0 && this.#parked.length === 0;
  }

  /** Commands of one unit, or a single one; they go to one connection with nothing between them. */
  submit(operations: readonly Operation[]): void {
    for (const operation of operations) operation.inLane = true;
    const connection = this.#connection;
    if (this.#open && (operations[0] as Operation).issuedAt > this.trustedUntil) {
      // A pause of this process, or polls that hang: what was the master may have been deposed meanwhile.
      this.close();
      this.host.stale();
    }
    if (this.#open && connection !== null && this.#queue.length === 0 && connection.inFlightBytes < this.host.limits.inFlightBytesPerNode) {
      for (const operation of operations) this.#send(operation, connection);
      return;
    }
    const { queuedCommands, queuedBytes } = this.host.limits;
    const full =
      this.waiting + operations.length > queuedCommands
        ? new QueueFullError("limits.queuedCommands", queuedCommands, { command: operations[0]?.name })
        : this.#queue.bytes >= queuedBytes
          ? new QueueFullError("limits.queuedBytes", queuedBytes, { command: operations[0]?.name })
          : null;
    for (const operation of operations) {
      if (full) this.#abandon(operation, full);
      else this.#queue.push(operation);
    }
    this.#arm();
  }

  /** The connection is that of a verified master: sends what waits, in the order of issue. */
  open(connection: NodeConnection): void {
    this.#connection = connection;
    this.#open = true;
    this.#queue.putBack(this.#again.splice(0));
    this.#drain();
    this.#arm();
  }

  /** Sends nothing more until it is opened again. */
  close(): void {
    this.#open = false;
  }

  /** While true, replies to writes are kept: who is master is in doubt, and with it what they are worth. */
  park(parking: boolean): void {
    // Asked again and again by what follows from it: without a change there is nothing to settle and nobody to tell.
    if (parking === this.#parking) return;
    this.#parking = parking;
    if (parking) return;
    const parked = this.#parked.splice(0);
    this.#parkedOperations = [];
    for (const settle of parked) settle();
    this.#whenIdle();
  }

  /** Gives every kept reply up: the node that gave it is not the master any more. */
  surrender(error: (operation: Operation) => Error): void {
    this.#parking = false;
    this.#parked = [];
    for (const operation of this.#parkedOperations.splice(0)) operation.fail(error(operation));
    this.#whenIdle();
  }

  /** A reply to one of the lane's commands. */
  replied(operation: Operation, reply: unknown): void {
    this.#outstanding--;
    const { transaction } = operation;
    if (transaction !== null) {
      if (transaction.collect(operation, reply, null)) this.#settleTransaction(transaction);
    } else if (operation.spec.intent === "read") {
      if (operation.verified) operation.reply = reply;
      else operation.succeed(reply);
    } else {
      this.#overtook(operation);
      this.host.acknowledged(operation, true);
      this.#keep(operation, () => {
        if (operation.view.ack === null || operation.spec.effects === "none") operation.succeed(reply);
        else this.host.durable(operation, reply, () => operation.succeed(reply));
      });
    }
    this.#continue();
  }

  /** An error reply to one of the lane's commands, or the end of its connection. */
  failed(operation: Operation, error: Error): void {
    this.#outstanding--;
    const connection = operation.connection as NodeConnection;
    if (!isReplyError(error)) this.#lost(operation, connection);
    else if (operation.transaction !== null) {
      const decorated = this.host.replyError(operation, error);
      if (operation.transaction.collect(operation, undefined, decorated)) this.#settleTransaction(operation.transaction);
    } else this.#errorReply(operation, error, connection);
    this.#continue();
  }

  /** Ends everything that waits, for instance because the client is closed. */
  rejectAll(error: (operation: Operation) => Error): void {
    this.close();
    for (const operation of [...this.#again.splice(0), ...this.#queue.remove(() => true)]) this.#abandon(operation, error(operation));
    this.#arm();
  }

  #send(operation: Operation, connection: NodeConnection): void {
    this.#outstanding++;
    connection.send(operation);
  }

  #drain(): void {
    const connection = this.#connection;
    if (connection === null) return;
    while (this.#open && connection.inFlightBytes < this.host.limits.inFlightBytesPerNode) {
      const operation = this.#queue.shift();
      if (operation === undefined) return;
      if (operation.settled && operation.transaction === null) {
        // Its own deadline passed, or its signal was aborted, while it waited.
        this.host.abandoned(operation);
        continue;
      }
      const rest = operation.transaction ? operation.transaction.operations.length - 1 : 0;
      this.#send(operation, connection);
      // MULTI to EXEC stand side by side in the queue, and nothing may come between them on the wire.
      for (let i = 0; i < rest; i++) this.#send(this.#queue.shift() as Operation, connection);
    }
  }

  #continue(): void {
    if (this.#open && this.#queue.length > 0) this.#drain();
    this.#whenIdle();
  }

  #whenIdle(): void {
    if (this.#open || !this.idle) return;
    this.#arm();
    this.host.drained();
  }

  #errorReply(operation: Operation, error: Error, connection: NodeConnection): void {
    const refusal = classifyRefusal(error.message, operation.name);
    const decorated = this.host.replyError(operation, error);
    if (refusal?.retry) {
      operation.refusal = decorated;
      this.close();
      this.#again.push(operation);
      this.host.refused(operation, refusal, connection);
      return;
    }
    if (operation.spec.intent === "read") {
      if (operation.verified) operation.parkedError = decorated;
      else operation.fail(decorated);
      return;
    }
    if (refusal?.provablyNotApplied) this.host.abandoned(operation);
    else {
      this.#overtook(operation);
      this.host.acknowledged(operation, true);
    }
    this.#keep(operation, () => operation.fail(decorated));
  }

  #settleTransaction(transaction: Transaction): void {
    const { exec, operations } = transaction;
    const error = exec.parkedError;
    const connection = exec.connection as NodeConnection;
    const refusal = error ? refusalOf(transaction) : null;
    if (refusal?.retry) {
      exec.refusal = error;
      transaction.reset();
      this.close();
      this.#again.push(...operations);
      this.host.refused(exec, refusal, connection);
      return;
    }
    // An array is what was executed; anything else (nil after a changed WATCHed key, EXECABORT) executed nothing.
    const applied = Array.isArray(exec.reply);
    for (const operation of operations) {
      if (applied) this.#overtook(operation);
      this.host.acknowledged(operation, applied);
    }
    this.#keep(exec, () => transaction.settle());
  }

  /** The connection ended before the answer. */
  #lost(operation: Operation, connection: NodeConnection): void {
    this.close();
    const sent = connection.wasSent(operation);
    const { transaction } = operation;
    if (transaction !== null) {
      if (operation.settled) return;
      if (!sent || operation.view.retryUnknown) {
        this.#again.push(operation);
        if (operation === transaction.exec) transaction.reset();
      } else operation.fail(this.host.unknown(operation, connection));
      return;
    }
    if (!sent || operation.spec.intent === "read" || operation.view.retryUnknown) {
      this.#again.push(operation);
      return;
    }
    operation.fail(this.host.unknown(operation, connection));
  }

  /** A write was applied: refused ones in front of it that touch the same key must not be applied after it. */
  #overtook(applied: Operation): void {
    if (this.#again.length === 0) return;
    for (let i = this.#again.length - 1; i >= 0; i--) {
      const refused = this.#again[i] as Operation;
      if (refused.order > applied.order || refused.transaction !== null || !refused.refusal || !this.host.overlap(refused, applied)) continue;
      this.#again.splice(i, 1);
      this.#abandon(refused, refused.refusal);
    }
  }

  #keep(operation: Operation, settle: () => void): void {
    if (!this.#parking || operation.spec.intent === "read") {
      settle();
      return;
    }
    this.#parked.push(settle);
    if (operation.transaction) this.#parkedOperations.push(...operation.transaction.operations);
    else this.#parkedOperations.push(operation);
  }

  #abandon(operation: Operation, error: Error): void {
    this.host.abandoned(operation);
    operation.fail(error);
  }

  /** One timer for the command that has waited longest; they all wait equally long. */
  #arm(): void {
    const first = this.#again[0] ?? this.#queue.peek();
    if (first === undefined) {
      this.host.clock.clearTimer(this.#timer);
      this.#timer = null;
      return;
    }
    if (this.#timer !== null) return;
    const due = first.issuedAt + this.host.waitMs - this.host.clock.now();
    this.#timer = this.host.clock.setTimer(() => this.#expire(), Math.max(1, due), true);
  }

  #expire(): void {
    this.#timer = null;
    const now = this.host.clock.now();
    // While the lane is open, what waits is held back by the bytes in flight, not by the lack of a master.
    const overdue = (operation: Operation): boolean => !this.#open && now - operation.issuedAt >= this.host.waitMs;
    const expired = this.#queue.remove(overdue);
    for (let i = this.#again.length - 1; i >= 0; i--) {
      if (overdue(this.#again[i] as Operation)) expired.unshift(...this.#again.splice(i, 1));
    }
    for (const operation of expired) this.#abandon(operation, operation.refusal ?? this.host.timedOut(operation));
    this.#arm();
  }
}

/** Why a transaction was discarded, if it was for a refusal: EXEC's own text, or that of a command at queueing. */
function refusalOf(transaction: Transaction): Refusal | null {
  const error = transaction.exec.parkedError;
  if (error === null || !error.message.startsWith("EXECABORT")) return null;
  const own = classifyRefusal(error.message, "exec");
  if (own?.retry) return own;
  for (const operation of transaction.operations) {
    const queueing = operation === transaction.exec ? null : operation.parkedError;
    const refusal = queueing && classifyRefusal(queueing.message, operation.name);
    if (refusal?.retry) return refusal;
  }
  return null;
}
