import type { Refusal } from "../../protocol/reply-errors.js";
import type { IssuedCommand } from "../connection/lean-command.js";
import { CarriedCommand } from "../connection/node-connection.js";
import type { SocketBatch } from "../connection/socket-batch.js";
import type { ReplyContext } from "../connection/wire-command.js";
import type { WriteHandle } from "../consistency/key-ledger.js";
import { ANY, type Need } from "../consistency/need.js";
import type { CausalSession } from "../consistency/session.js";
import type { ResolvedView } from "../options/resolved.js";
import type { CommandSpec } from "../routing/command-table.js";
import type { Loss } from "./losses.js";
import type { ReadOrder } from "./read-order.js";
import type { Transaction } from "./transaction.js";

/** What comes after a generation was given up, in the same bytes: whose reply it is, is not known any more. */
const OUT_OF_STEP = "the connection was given up before the reply";

const NO_LOSSES: readonly Loss[] = [];

/** Told by an operation what came back on the wire. */
export interface OperationSink {
  /** The server answered. */
  replied(operation: Operation, reply: unknown): void;
  /** The server refused, or the connection ended before it answered. */
  failed(operation: Operation, error: Error): void;
  /** Of one in the lane: the server has provably not applied it, and it may be sent again. `error` makes one of it. */
  refused?(operation: Operation, refusal: Refusal, error: () => Error): void;
}

/**
 * One command of the application on its way: from the moment it is issued until its promise is settled,
 * through however many connections that takes.
 */
export class Operation extends CarriedCommand {
  readonly name: string;
  /** Place in the order of issue on this client; a refused write goes back to this place. */
  order = 0;
  /** True once it goes through the write lane, as writes and reads of unresolved keys do. */
  inLane = false;
  /** What the key ledger knows it by, while its write is neither applied nor refused. */
  ticket: WriteHandle | null = null;
  /** The causal session that it belongs to. */
  session: CausalSession | null = null;
  /** What a read must have seen of the adopted history. */
  need: Need = ANY;
  /** The reply of a read that waits for the fence behind it. */
  reply: unknown = undefined;
  /** The error reply of a read that waits for the fence behind it. */
  parkedError: Error | null = null;
  /** It was sent behind a fence of its own, which says what it surely saw. */
  guessed = false;
  /** The fence in front of it showed that the node had not applied enough. */
  frontFailed = false;
  /** Sent later than this (monotonic time), what its node is known to have is too old for it; Infinity = never. */
  freshUntil = Number.POSITIVE_INFINITY;
  /** Monotonic time from which a read is held back for an eligible replica; -1 = it isn't. */
  heldSince = -1;
  /** Connections that the server closed while it waited for its answer; not those that are known to have ended with others. */
  losses: readonly Loss[] = NO_LOSSES;
  /** The MULTI … EXEC that it belongs to. */
  transaction: Transaction | null = null;
  /** Of a read in a pipeline of a causal session: the order in which the reads of that pipeline are handed out. */
  readOrder: ReadOrder | null = null;
  /** A copy of a read that another node was asked for first: it is sent once, and what comes of it is the read's. */
  spare = false;
  settled = false;
  /** The error that it was settled with; null while it isn't, or with a reply. */
  settledBy: Error | null = null;
  /** Sends it again by its own rule instead of by that of all reads, as the commands that carry a cursor do. */
  repeat: (() => void) | null = null;
  /** The only node to which it may go; null = any that may serve it. */
  home: string | null = null;
  /** Its neighbours among the unsettled commands of its client. */
  older: Operation | null = null;
  newer: Operation | null = null;
  /** Undoes what watches over its deadline or signal. */
  onSettled: (() => void) | null = null;
  #refusal: Error | (() => Error) | null = null;

  constructor(
    readonly command: IssuedCommand,
    readonly spec: CommandSpec,
    readonly view: ResolvedView,
    readonly db: number,
    /** Monotonic milliseconds. */
    readonly issuedAt: number,
    private readonly sink: OperationSink,
    /** Called once, when the caller has reply or error. */
    private readonly done: (operation: Operation) => void,
  ) {
    super();
    this.name = command.name;
    this.wantsText = command.wantsText === true;
  }

  /** Is its value handed out only once the fence behind it was judged? */
  get fenced(): boolean {
    const { consistency, verifyReads, maxStalenessMs, maxLagBytes } = this.view;
    // A causal session rises to that fence after each read: without one it would not know what it has seen.
    if (consistency === "strong" || (consistency === "session" && this.session !== null)) return true;
    // A bound says that the node *is* not further behind, and a node can roll back in between, on an open connection.
    return verifyReads && (consistency === "session" || maxStalenessMs !== null || maxLagBytes !== null);
  }

  /** The last refusal of the server, which is what it fails with if time runs out. It may be made when it is asked for. */
  get refusal(): Error | null {
    if (typeof this.#refusal === "function") this.#refusal = this.#refusal();
    return this.#refusal;
  }

  set refusal(refusal: Error | (() => Error) | null) {
    this.#refusal = refusal;
  }

  setReplyContext(context: ReplyContext): void {
    this.command.setReplyContext(context);
  }

  writeTo(batch: SocketBatch, socket: object): void {
    const { command } = this;
    this.size = command.writeTo === undefined ? batch.append(command.toWritable(socket)) : command.writeTo(batch);
  }

  resolve(reply: unknown): void {
    this.connection?.answered(this);
    if (this.connection?.state === "closed") this.sink.failed(this, new Error(OUT_OF_STEP));
    else this.sink.replied(this, reply);
  }

  reject(error: Error): void {
    this.connection?.answered(this);
    this.sink.failed(this, this.connection?.state === "closed" ? new Error(OUT_OF_STEP) : error);
  }

  /** Hundreds of writes that a planned failover had frozen are refused in one chunk, and none of their callers sees it. */
  override refuse(text: string, error: (text: string) => Error): boolean {
    const { connection, sink } = this;
    if (!this.inLane || this.transaction !== null || !sink.refused || connection?.state !== "open") return false;
    const refusal = connection.refusals.classify(text, this.name, connection.identity?.wholeScripts);
    if (!refusal?.retry) return false;
    connection.answered(this);
    sink.refused(this, refusal, () => error(text));
    return true;
  }

  /** Nothing that came back for it counts: it is to be sent again. */
  forgetReply(): void {
    this.flush = null;
    this.reply = undefined;
    this.parkedError = null;
    this.refusal = null;
    this.frontFailed = false;
    this.freshUntil = Number.POSITIVE_INFINITY;
  }

  /** Gives the caller the reply. */
  succeed(reply: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.onSettled?.();
    this.command.resolve(reply);
    this.done(this);
  }

  /** Gives the caller the error. */
  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.settledBy = error;
    this.onSettled?.();
    this.command.reject(error);
    this.done(this);
  }
}
