import { classifyRefusal } from "../../protocol/reply-errors.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import { ANY, MASTER, type Need, NONE } from "../consistency/need.js";
import { keysOf } from "../routing/command-spec.js";
import { cutOff, isSuspect, Suspects } from "./cut-off.js";
import { orderByFunction, othersByFunction } from "./function-order.js";
import { Hedger } from "./hedger.js";
import { HeldReads } from "./held-reads.js";
import type { NodeLink } from "./node-link.js";
import type { Operation } from "./operation.js";
import type { ReaderHost } from "./reader-host.js";
import { isReplyError } from "./reply-kind.js";
import { ReturnedReads } from "./returned-reads.js";
import type { Transaction } from "./transaction.js";
import { UndecidedReads } from "./undecided-reads.js";

/** While reads with `maxLagBytes` are made, the master is asked four times in so many milliseconds how far it is. */
const LAG_KNOWN_MS = 100;

/**
 * Sends a read to a node that surely has what it must see, keeps its value until the fence behind it was judged, and
 * sends it elsewhere when the node, its connection or its history failed it.
 */
export class Reader {
  readonly #held: HeldReads;
  /** Reads that went to a replica on a guess, in vain: one round trip is lost, and no second one is risked. */
  readonly #guessedWrong = new WeakSet<Operation>();
  readonly #returned = new ReturnedReads((operations, refusal) => this.#resend(operations, refusal));
  readonly #suspects: Suspects;
  readonly #undecided: UndecidedReads;
  readonly hedger: Hedger;

  constructor(private readonly host: ReaderHost) {
    this.#held = new HeldReads(host, (operations) => this.submit(operations));
    const again = (operation: Operation): void => this.#again(operation);
    this.#suspects = new Suspects(host.losses, (operations) => this.submit(operations), again);
    this.#undecided = new UndecidedReads({
      clock: host.clock,
      limit: host.queuedCommands,
      waitMs: host.failoverTimeoutMs,
      resend: (operations) => this.#resend(operations, null),
      timedOut: (operation) => host.noMaster(operation),
    });
    this.hedger = new Hedger({
      clock: host.clock,
      hedgePercent: host.hedgePercent,
      replied: (copy, reply) => this.replied(copy, reply),
      failed: (copy, error) => this.failed(copy, error),
      sendSecond: (copy, read) => this.sendSecond(copy, read),
    });
  }

  /** Reads that wait for an eligible replica. */
  get held(): number {
    return this.#held.size;
  }

  /** Reads that wait until it is decided who is master. */
  get undecided(): number {
    return this.#undecided.size;
  }

  /** One read: what {@link submit} does, on the shortest way. */
  read(operation: Operation): void {
    const { view } = operation;
    const form = view.readFrom;
    if (
      typeof form !== "string" ||
      view.consistency === "strong" ||
      view.maxStalenessMs !== null ||
      view.maxLagBytes !== null ||
      this.#sharedBelow(operation) < Number.POSITIVE_INFINITY
    ) {
      this.submit([operation]);
      return;
    }
    const session = view.consistency === "session";
    const need = session ? this.#needOf(operation) : ANY;
    operation.need = need;
    operation.verified = operation.fenced;
    const { selector } = this.host;
    const link = selector.pick(form, need, operation.issuedAt, view.preference);
    if (link !== null && !link.isMaster && selector.outcome === "node") {
      operation.inLane = false;
      operation.guessed = false;
      (link.connection as NodeConnection).send(operation);
      if (view.hedgeAfterMs !== null) this.hedger.watch(operation, view.hedgeAfterMs);
    } else this.submit([operation]);
  }

  /** One read, or the commands of a unit that only reads; they go to one node, in order. */
  submit(operations: readonly Operation[]): void {
    const first = operations[0] as Operation;
    const { view } = first;
    const form = view.consistency === "strong" ? "master" : view.readFrom;
    const below = this.#sharedBelow(first);
    const verified = first.fenced || below < Number.POSITIVE_INFINITY;
    let need = ANY;
    if (view.consistency === "session")
      for (const operation of operations) need = Math.max(need, this.#needOf(operation));
    if (view.maxStalenessMs !== null || view.maxLagBytes !== null) need = this.#tolerance(first, need);
    for (const operation of operations) {
      operation.need = need;
      operation.verified = verified;
    }
    let link: NodeLink | null;
    try {
      link = this.#pick(first, form, need, below);
    } catch (error) {
      // The application's own function threw; it may be called from anywhere, and concerns this read only.
      for (const operation of operations) operation.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (link === null) {
      if (below < Number.POSITIVE_INFINITY && form !== "master" && need !== MASTER) this.#undecided.add(operations);
      else if (this.host.selector.outcome === "hold") this.#held.add(operations);
      // The lane waits for a master, and gives up in time.
      else this.host.toMaster(operations);
      return;
    }
    const guess = this.host.selector.outcome === "fence";
    if (guess && this.#guessedWrong.has(first)) {
      if (form === "replica") this.#held.add(operations);
      else this.host.toMaster(operations);
      return;
    }
    // What the master serves goes in line with the writes: behind those that were issued before it.
    if (link.isMaster) this.host.toMaster(operations);
    else {
      if (view.maxStalenessMs !== null) this.#limitAge(operations, guess ? need : Math.max(need, link.mark.offset));
      this.#send(operations, link, guess);
      if (view.hedgeAfterMs !== null && operations.length === 1) this.hedger.watch(first, view.hedgeAfterMs);
    }
  }

  /** What this read must see, as things stand; tolerances left out. */
  needFor(operation: Operation): Need {
    return operation.view.consistency === "session" ? this.#needOf(operation) : ANY;
  }

  /** The node that would serve this read now; null = the master, or nobody yet. Nothing is sent. */
  choose(operation: Operation): NodeLink | null {
    const { view } = operation;
    const form = view.consistency === "strong" ? "master" : view.readFrom;
    let need = this.needFor(operation);
    if (view.maxStalenessMs !== null || view.maxLagBytes !== null) need = this.#tolerance(operation, need);
    const link = this.#pick(operation, form, need, this.#sharedBelow(operation));
    return this.host.selector.outcome === "node" ? link : null;
  }

  /** To a given node, whatever selection says: the scan home. */
  sendTo(operation: Operation, link: NodeLink): void {
    const below = this.#sharedBelow(operation);
    operation.verified = operation.fenced || below < Number.POSITIVE_INFINITY;
    if (link.mark.offset >= below && !link.isMaster) this.#undecided.add([operation]);
    else if (link.isMaster) this.host.toMaster([operation]);
    else this.#send([operation], link, false);
  }

  replied(operation: Operation, reply: unknown): void {
    const circuit = operation.connection?.circuit;
    if (circuit?.troubled) circuit.answered();
    if (operation.verified) {
      operation.reply = reply;
      return;
    }
    const { transaction } = operation;
    if (transaction === null) {
      if (tooLate(operation)) this.#again(operation);
      else operation.succeed(reply);
    } else if (transaction.collect(operation, reply, null)) this.#settleTransaction(transaction);
  }

  failed(operation: Operation, error: Error): void {
    const connection = operation.connection as NodeConnection;
    const link = this.host.link(connection.node);
    if (!isReplyError(error)) {
      if (link?.connection === connection) link.serves = false;
      const enough = cutOff(operation, connection, this.host.losses);
      operation.flush = null; // The fence behind it ended with it, and would send it again.
      // Written or not: a read may be read again, unless it is what its connections are closed for.
      if (enough) this.#suspects.judge(operation);
      else this.#again(operation);
      return;
    }
    const refusal = classifyRefusal(error.message, operation.name);
    if (refusal?.retry && link) this.host.doubt(link, refusal.kind);
    // That a node loads or has no master its polls tell as well.
    if (refusal?.retry && refusal.kind !== "loading" && refusal.kind !== "masterdown")
      connection.circuit?.failed(refusal.kind.toUpperCase());
    const decorated = this.host.replyError(operation, error);
    operation.refusal = refusal?.retry ? decorated : null;
    if (operation.verified) {
      operation.parkedError = decorated;
      return;
    }
    const { transaction } = operation;
    if (transaction !== null) {
      if (transaction.collect(operation, undefined, decorated)) this.#settleTransaction(transaction);
    } else if (refusal?.retry) this.#again(operation);
    else operation.fail(decorated);
  }

  /**
   * The fence behind the reads of this flush was judged good: their values may be handed out, unless the node had been
   * rolled back before it ran them. `seen` is what they surely saw, as the fence before this one on the same
   * connection showed it: the one behind is no lower bound. `behind` is what that one showed, the most they can have
   * seen.
   */
  release(flush: Flush, seen: number, behind: number): void {
    for (const parked of flush.parked as Operation[]) {
      const { transaction } = parked;
      // One that was sent elsewhere meanwhile has another fence behind it; a transaction ends by its EXEC.
      if (parked.settled || parked.flush !== flush || (transaction !== null && parked !== transaction.exec)) continue;
      if (this.#inVain(parked, seen, behind)) this.#again(parked);
      else if (!this.#told(parked, seen, behind)) continue;
      else if (transaction !== null) this.#settleTransaction(transaction);
      else if (parked.parkedError !== null) parked.fail(parked.parkedError);
      else parked.succeed(parked.reply);
    }
  }

  /** Whether what it saw may not be handed out, though the fence behind it was good. */
  #inVain(read: Operation, seen: number, behind: number): boolean {
    return (
      read.refusal !== null ||
      read.frontFailed ||
      read.readOrder?.isAhead(read) === true ||
      (!read.guessed && read.need > seen) ||
      tooLate(read) ||
      this.#inDoubt(read, behind)
    );
  }

  /** The session of a read rises with it; false if it must first be told of a loss, which ends the read. */
  #told(read: Operation, seen: number, behind: number): boolean {
    const { session, transaction } = read;
    if (session === null || read.view.consistency === "eventual") return true;
    const refusal = this.host.refusal(session, read);
    session.read(behind, seen === Number.POSITIVE_INFINITY);
    if (refusal === null) return true;
    for (const one of transaction?.operations ?? [read]) one.fail(refusal);
    return false;
  }

  /** The fence behind the reads of this flush was not good: what they saw is worth nothing. */
  reroute(flush: Flush): void {
    for (const parked of flush.parked as Operation[]) if (parked.flush === flush) this.#again(parked);
  }

  /** Marks moved: looks whether what is held may go now. */
  retryHeld(): void {
    this.#held.retry();
  }

  /** Looks whether what waits for a decision may go now. */
  retryUndecided(): void {
    if (this.#undecided.size > 0) this.#undecided.retry();
  }

  /** Ends everything that is held. */
  rejectAll(error: (operation: Operation) => Error): void {
    this.#held.rejectAll(error);
    this.#returned.rejectAll(error);
    this.#suspects.rejectAll(error);
    this.#undecided.rejectAll(error);
    this.hedger.stop();
  }

  #needOf(operation: Operation): Need {
    const { spec, db, command, session } = operation;
    if (spec.effects === "none" && spec.intent === "master") return ANY;
    const { ledger } = this.host;
    let need: Need;
    if (spec.firstKeyOnly) need = ledger.need(db, command.args[0]);
    else if (spec.keysKnown !== "all") need = ledger.ceiling;
    else need = ledger.needOf(db, command.args, keysOf(spec, command.args));
    return session === null ? need : Math.max(need, session.need());
  }

  #tolerance(operation: Operation, need: Need): Need {
    const { maxStalenessMs, maxLagBytes } = operation.view;
    let tolerated = Math.max(need, NONE);
    if (maxStalenessMs !== null) {
      this.host.demandFreshness(maxStalenessMs);
      tolerated = Math.max(tolerated, this.host.samples.offsetWithin(maxStalenessMs, this.host.clock.now()));
    }
    if (maxLagBytes !== null) {
      this.host.demandFreshness(LAG_KNOWN_MS);
      const offset = this.host.masterOffset();
      tolerated = Math.max(tolerated, offset < 0 ? MASTER : offset - maxLagBytes);
    }
    return tolerated;
  }

  /** Chosen by what a node with this offset had when the read was issued; how late may it be sent by that? */
  #limitAge(operations: readonly Operation[], offset: number): void {
    const { clock, samples } = this.host;
    const first = operations[0] as Operation;
    const now = clock.now();
    const age = samples.stalenessOf(offset, now);
    if (age === null) return;
    for (const operation of operations) operation.freshUntil = now + (first.view.maxStalenessMs as number) - age;
  }

  #pick(operation: Operation, form: Operation["view"]["readFrom"], need: Need, below: number): NodeLink | null {
    const { selector, clock } = this.host;
    if (typeof form !== "string") return selector.pickFrom(orderByFunction(this.host, operation, form), need, below);
    return selector.pick(form, need, clock.now(), operation.view.preference, below);
  }

  /** While it is undecided who is master, a `session` read must not have seen this offset or more; else Infinity. */
  #sharedBelow({ view }: Operation): number {
    return view.consistency === "session" ? this.host.sharedBelow() : Number.POSITIVE_INFINITY;
  }

  /** May what it saw be lost by what is being decided? `behind`: the most it can have seen. */
  #inDoubt({ view }: Operation, behind: number): boolean {
    if (view.consistency === "eventual") return false;
    const below = this.host.sharedBelow();
    // A strong read is one of the master's, and there is none of which that is certain.
    return view.consistency === "strong" ? below < Number.POSITIVE_INFINITY : behind >= below;
  }

  /** Sends a copy of a read that waits to another replica which has what it must see by now. */
  sendSecond(copy: Operation, read: Operation): boolean {
    const { view } = read;
    const { selector, clock } = this.host;
    const first = read.connection?.node;
    const below = this.#sharedBelow(read);
    let need = this.needFor(read);
    if (view.maxStalenessMs !== null || view.maxLagBytes !== null) need = this.#tolerance(read, need);
    need = Math.max(need, read.need);
    let link: NodeLink | null;
    if (typeof view.readFrom === "string") link = selector.pickSecond(first, need, clock.now(), view.preference, below);
    else link = selector.pickFrom(othersByFunction(this.host, read, view.readFrom, first), need, below);
    if (link === null) return false;
    copy.need = need;
    copy.verified = copy.fenced || below < Number.POSITIVE_INFINITY;
    if (view.maxStalenessMs !== null) this.#limitAge([copy], Math.max(need, link.mark.offset));
    (link.connection as NodeConnection).send(copy);
    return true;
  }

  #send(operations: readonly Operation[], link: NodeLink, fenceInFront: boolean): void {
    const connection = link.connection as NodeConnection;
    if (fenceInFront) {
      const judged = operations.slice();
      connection.fenceInFront((fence) => {
        const enough =
          fence !== null && fence.offset >= (judged[0] as Operation).need && fence.replid === link.mark.replid;
        for (const operation of judged) operation.frontFailed = !enough;
        if (!enough) {
          link.likelyOffset = fence === null ? -1 : fence.offset;
          this.#guessedWrong.add(judged[0] as Operation);
        }
      });
      for (const operation of operations) operation.verified = true;
    }
    for (const operation of operations) {
      operation.guessed = fenceInFront;
      operation.inLane = false;
      connection.send(operation);
    }
  }

  /** All of it is answered. A refusal of any of its commands has discarded the whole: it is read elsewhere. */
  #settleTransaction(transaction: Transaction): void {
    const { exec, operations } = transaction;
    if (tooLate(exec) || operations.some(({ refusal, frontFailed }) => refusal !== null || frontFailed))
      this.#again(exec);
    else transaction.settle();
  }

  /** Sends it again, wherever it may go now; the whole transaction if it is part of one. */
  #again(operation: Operation): void {
    // A copy is never sent again: the read that it was made of is still there.
    operation.settled ||= operation.spare;
    const { transaction, refusal } = operation;
    if (operation.settled || (transaction !== null && operation !== transaction.exec)) return;
    const operations = transaction?.operations ?? [operation];
    transaction?.reset();
    for (const one of operations) one.forgetReply();
    if (!this.#returned.add(operations, refusal)) this.#resend(operations, refusal);
  }

  #resend(operations: readonly Operation[], refusal: Error | null): void {
    const last = operations[operations.length - 1] as Operation;
    if (this.host.clock.now() - last.issuedAt >= this.host.failoverTimeoutMs) {
      for (const one of operations) one.fail(refusal ?? this.host.noMaster(one));
    } else if (last.repeat !== null) last.repeat();
    else if (isSuspect(last)) this.#suspects.add(operations);
    else this.submit(operations);
  }
}

/** The turn in which it was issued took so long that what it was judged by has grown too old for it. */
function tooLate({ flush, freshUntil }: Operation): boolean {
  return flush !== null && flush.sentAt > freshUntil;
}
