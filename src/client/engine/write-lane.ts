import type { TimerHandle } from "../../core/clock.js";
import { classifyRefusal, type Refusal } from "../../protocol/reply-errors.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { QueueFullError } from "../errors.js";
import { cutOff, cutOffError, isCondemned, isSuspect, leadOf } from "./cut-off.js";
import type { LaneHost } from "./lane-host.js";
import { LaneQueue } from "./lane-queue.js";
import { isRead, issuedAt, refusalOf } from "./lane-rules.js";
import type { Operation } from "./operation.js";
import { isReplyError } from "./reply-kind.js";
import type { Transaction } from "./transaction.js";

/** So many of the commands that have waited for a master leave at once: it answers them while the others are prepared. */
const VANGUARD = 32;

/** A reply to a write that is kept until it is known what it is worth. */
interface Parked {
  readonly operations: readonly Operation[];
  readonly settle: () => void;
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
  /** Sent with nothing beside it, because it may be what connections were closed for; nothing follows before its answer. */
  #alone: Operation | null = null;
  /** What was told last of refusals: those that arrived with it say the same. */
  #told: { readonly connection: NodeConnection; readonly piece: number; readonly kind: Refusal["kind"] } | null = null;
  #parking = false;
  #parked: Parked[] = [];
  #timer: TimerHandle | null = null;
  #timerDue = Number.POSITIVE_INFINITY;
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
    if (
      this.#open &&
      connection !== null &&
      this.#alone === null &&
      this.#queue.length === 0 &&
      connection.inFlightBytes < this.host.limits.inFlightBytesPerNode &&
      !isSuspect(operations[0] as Operation)
    ) {
      for (const operation of operations) this.#send(operation, connection);
      return;
    }
    const refusal = (this.#open ? null : this.host.hopeless()) ?? this.#full(operations);
    for (const operation of operations) {
      if (refusal) this.#abandon(operation, refusal);
      else this.#queue.push(operation);
    }
    if (this.#open) this.#drain();
    this.#arm();
  }

  #full(operations: readonly Operation[]): Error | null {
    const { queuedCommands, queuedBytes } = this.host.limits;
    return this.waiting + operations.length > queuedCommands
      ? new QueueFullError("limits.queuedCommands", queuedCommands, { command: operations[0]?.name })
      : this.#queue.bytes >= queuedBytes
        ? new QueueFullError("limits.queuedBytes", queuedBytes, { command: operations[0]?.name })
        : null;
  }

  /** The connection is that of a verified master: sends what waits, in the order of issue. */
  open(connection: NodeConnection): void {
    this.#connection = connection;
    this.#open = true;
    this.#queue.putBack(this.#again.splice(0));
    this.#drain(VANGUARD);
    if (this.#queue.length > 0) {
      connection.flushNow();
      this.#drain();
    }
    this.#arm();
  }

  /** Sends nothing more until it is opened again. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#arm();
  }

  /** While true, replies to writes are kept: who is master is in doubt, and with it what they are worth. */
  park(parking: boolean): void {
    // Asked again and again by what follows from it: without a change there is nothing to settle and nobody to tell.
    if (parking === this.#parking) return;
    this.#parking = parking;
    if (parking) return;
    for (const { settle } of this.#parked.splice(0)) settle();
    this.#whenIdle();
  }

  /** Gives every kept reply up: the node that gave it is not the master any more. */
  surrender(error: (operation: Operation) => Error): void {
    this.#parking = false;
    this.#giveUp(error);
    this.#whenIdle();
  }

  /** A reply to one of the lane's commands. */
  replied(operation: Operation, reply: unknown): void {
    this.#outstanding--;
    if (operation === this.#alone) this.#alone = null;
    const { transaction } = operation;
    if (transaction !== null) {
      if (transaction.collect(operation, reply, null)) this.#settleTransaction(transaction);
    } else if (isRead(operation)) {
      if (this.#outran(operation)) this.#requeue(operation);
      else if (operation.verified) operation.reply = reply;
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

  /** One of the lane's commands, in no transaction, was provably not applied and goes again. `error`: what it is refused with. */
  refused(operation: Operation, refusal: Refusal, error: () => Error): void {
    this.#outstanding--;
    if (operation === this.#alone) this.#alone = null;
    const connection = operation.connection as NodeConnection;
    operation.refusal = () => this.host.replyError(operation, error());
    this.close();
    this.#requeue(operation);
    this.#tell(operation, refusal, connection);
    this.#continue();
  }

  /** An error reply to one of the lane's commands, or the end of its connection. */
  failed(operation: Operation, error: Error): void {
    this.#outstanding--;
    if (operation === this.#alone) this.#alone = null;
    const connection = operation.connection as NodeConnection;
    if (!isReplyError(error)) this.#lost(operation, connection);
    else if (operation.transaction !== null) {
      const decorated = this.host.replyError(operation, error);
      if (operation.transaction.collect(operation, undefined, decorated))
        this.#settleTransaction(operation.transaction);
    } else this.#errorReply(operation, error);
    this.#continue();
  }

  /** Ends everything that waits, for instance because the client is closed. */
  rejectAll(error: (operation: Operation) => Error): void {
    this.close();
    for (const operation of [...this.#again.splice(0), ...this.#queue.remove(() => true)])
      this.#abandon(operation, error(operation));
    this.#giveUp(error);
    this.#arm();
  }

  #giveUp(error: (operation: Operation) => Error): void {
    for (const { operations } of this.#parked.splice(0))
      for (const operation of operations) operation.fail(error(operation));
  }

  #send(operation: Operation, connection: NodeConnection): void {
    this.#outstanding++;
    connection.send(operation);
  }

  /** Sends what waits, in order; no more than about `most`. */
  #drain(most = Number.POSITIVE_INFINITY): void {
    const connection = this.#connection;
    if (connection === null) return;
    const { inFlightBytesPerNode } = this.host.limits;
    const until = this.#outstanding + most;
    while (
      this.#open &&
      this.#alone === null &&
      this.#outstanding < until &&
      connection.inFlightBytes < inFlightBytesPerNode
    ) {
      const next = this.#queue.peek();
      if (next === undefined || (this.#outstanding > 0 && isSuspect(next))) return;
      const operation = this.#queue.shift() as Operation;
      const rest = operation.transaction ? operation.transaction.operations.length - 1 : 0;
      if (operation.session !== null && !operation.settled) this.host.admit(operation);
      if (operation.settled) {
        // Its own deadline passed, or its signal was aborted, while it waited. A transaction goes whole or not at all.
        const error = operation.settledBy;
        this.#drop(operation, error);
        for (let i = 0; i < rest; i++) this.#drop(this.#queue.shift() as Operation, error);
        continue;
      }
      if (operation.home !== null && operation.home !== connection.node) {
        // Its cursor means nothing to the master that was found meanwhile.
        operation.repeat?.();
        continue;
      }
      const suspect = isSuspect(operation);
      if (suspect && isCondemned(operation)) {
        this.#condemn(operation);
        for (let i = 0; i < rest; i++) this.#condemn(this.#queue.shift() as Operation);
        continue;
      }
      if (suspect) this.#alone = leadOf(operation);
      this.#send(operation, connection);
      // MULTI to EXEC stand side by side in the queue, and nothing may come between them on the wire.
      for (let i = 0; i < rest; i++) this.#send(this.#queue.shift() as Operation, connection);
    }
  }

  /** Its connections were closed for it. What it last went over is not that which is open now. */
  #condemn(operation: Operation): void {
    if (isRead(operation)) this.#abandon(operation, cutOffError(operation));
    else operation.fail(this.host.unknown(operation, operation.connection as NodeConnection));
  }

  #continue(): void {
    if (this.#open && this.#queue.length > 0) this.#drain();
    this.#whenIdle();
  }

  #whenIdle(): void {
    if (this.#open) return;
    this.#arm();
    if (this.idle) this.host.drained();
  }

  /** One that is its result: what may be sent again is taken by {@link refused}. */
  #errorReply(operation: Operation, error: Error): void {
    const decorated = this.host.replyError(operation, error);
    if (isRead(operation)) {
      if (operation.verified) operation.parkedError = decorated;
      else operation.fail(decorated);
      return;
    }
    if (classifyRefusal(error.message, operation.name)?.provablyNotApplied) this.host.abandoned(operation);
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
      for (const operation of operations) this.#requeue(operation);
      this.#tell(exec, refusal, connection);
      return;
    }
    if (transaction.readsOnly && operations.some((read) => this.#outran(read))) {
      transaction.reset();
      for (const operation of operations) this.#requeue(operation);
      return;
    }
    // Reads alone: the fence behind them decides whether they are handed out.
    if (exec.verified) return;
    // An array is what was executed; nil (a WATCHed key was changed) and EXECABORT say that nothing was. Any other
    // error comes of a MULTI that was refused, and then the commands behind it ran one by one.
    const applied = Array.isArray(exec.reply) || (error !== null && !error.message.startsWith("EXECABORT"));
    for (const operation of operations) {
      if (applied) this.#overtook(operation);
      this.host.acknowledged(operation, applied);
    }
    const settle = (): void => transaction.settle();
    const durable = Array.isArray(exec.reply) && exec.view.ack !== null && !transaction.readsOnly;
    this.#keep(exec, durable ? () => this.host.durable(exec, exec.reply, settle) : settle);
  }

  /** Hundreds that are refused at once are one piece of news. */
  #tell(operation: Operation, refusal: Refusal, connection: NodeConnection): void {
    const { pieces: piece } = connection;
    const kind = refusal.inner ?? refusal.kind;
    const told = this.#told;
    if (told?.connection === connection && told.piece === piece && told.kind === kind) return;
    this.#told = { connection, piece, kind };
    this.host.refused(operation, refusal, connection);
  }

  /** The connection ended before the answer. */
  #lost(operation: Operation, connection: NodeConnection): void {
    this.close();
    const { transaction } = operation;
    // Of a transaction some may have been answered; its EXEC is always among those that were not, and the last.
    if (transaction !== null && operation !== transaction.exec) return;
    const operations = transaction?.operations ?? [operation];
    const sent = connection.wasSent(operation);
    if (sent && !isRead(operation)) connection.unansweredWrites = true;
    if (!sent || isRead(operation) || operation.view.retryUnknown) {
      // It waits here in any case until the node was asked what became of it, and only then is it judged.
      cutOff(operation, connection, this.host.losses);
      transaction?.reset();
      for (const one of operations) this.#requeue(one);
      return;
    }
    for (const one of operations) {
      this.#overtook(one);
      one.fail(this.host.unknown(one, connection));
    }
  }

  /** To be sent again, at its place in the order of issue. */
  #requeue(operation: Operation): void {
    // The fence of the flush it was in says nothing of the reply that it will have.
    operation.flush = null;
    if (operation.repeat !== null) operation.repeat();
    else this.#again.push(operation);
  }

  /**
   * What stands in front of this read goes again: a write of its key, which it did not see, or a call of its own causal
   * session, which would see more than this one that follows it.
   */
  #outran(read: Operation): boolean {
    const { order, session } = read;
    return this.#again.some(
      (other) =>
        other.order < order && ((session !== null && other.session === session) || this.host.overlap(other, read)),
    );
  }

  /** A write was applied, or may have been: refused ones in front of it that touch the same key must not be applied after it. */
  #overtook(applied: Operation): void {
    if (this.#again.length === 0) return;
    for (const refused of this.#again.slice()) {
      const { transaction } = refused;
      const refusal = (transaction?.exec ?? refused).refusal;
      if (refused.order > applied.order || refusal === null || isRead(refused) || !this.host.overlap(refused, applied))
        continue;
      for (const one of transaction?.operations ?? [refused]) {
        const at = this.#again.indexOf(one);
        if (at < 0) continue;
        this.#again.splice(at, 1);
        this.#abandon(one, refusal);
      }
    }
  }

  #keep(operation: Operation, settle: () => void): void {
    if (this.#parking) this.#parked.push({ operations: operation.transaction?.operations ?? [operation], settle });
    else settle();
  }

  #drop(operation: Operation, error: Error | null): void {
    this.host.abandoned(operation);
    if (error !== null) operation.fail(error);
  }

  #abandon(operation: Operation, error: Error): void {
    this.host.abandoned(operation);
    operation.fail(error);
  }

  /** One timer for the command that has waited longest; they all wait equally long. */
  #arm(): void {
    let first = issueOf(this.#parked[0]?.operations[0]);
    // While the lane is open, what waits is held back by the bytes in flight, not by the lack of a master.
    if (!this.#open) first = Math.min(first, issueOf(this.#again[0]), issueOf(this.#queue.peek()));
    const due = first + this.host.waitMs;
    if (this.#timer !== null && due >= this.#timerDue && due < Number.POSITIVE_INFINITY) return;
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#timerDue = due;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.host.clock.setTimer(() => this.#expire(), Math.max(1, due - this.host.clock.now()), true);
  }

  #expire(): void {
    this.#timer = null;
    const now = this.host.clock.now();
    const late = (operation: Operation): boolean => now - issuedAt(operation) >= this.host.waitMs;
    const overdue = (operation: Operation): boolean => !this.#open && late(operation);
    const expired = this.#queue.remove(overdue);
    for (let i = this.#again.length - 1; i >= 0; i--) {
      if (overdue(this.#again[i] as Operation)) expired.unshift(...this.#again.splice(i, 1));
    }
    for (const operation of expired)
      this.#abandon(operation, (operation.transaction?.exec ?? operation).refusal ?? this.host.timedOut(operation));
    const undecided = this.#parked.filter(({ operations }) => late(operations[0] as Operation));
    if (undecided.length > 0) {
      this.#parked = this.#parked.filter((one) => !undecided.includes(one));
      for (const { operations } of undecided)
        for (const operation of operations) operation.fail(this.host.undecided(operation));
      this.#whenIdle();
    }
    this.#arm();
  }
}

/** Infinity where nothing waits. */
function issueOf(waiting: Operation | undefined): number {
  return waiting === undefined ? Number.POSITIVE_INFINITY : issuedAt(waiting);
}
