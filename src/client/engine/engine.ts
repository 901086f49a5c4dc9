import { EventEmitter } from "eventemitter3";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Fence } from "../../protocol/info.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import { judgeFence } from "../consistency/fence-check.js";
import { KeyLedger } from "../consistency/key-ledger.js";
import { Samples } from "../consistency/samples.js";
import { WriteHistory } from "../consistency/write-history.js";
import {
  ConnectionBoundError,
  decorateReplyError,
  NoEligibleReplicaError,
  NoMasterError,
  UnknownOutcomeError,
} from "../errors.js";
import type { ResolvedOptions, SeedNode } from "../options/resolved.js";
import { CommandTable, keysOf } from "../routing/command-table.js";
import { Selector } from "../routing/selector.js";
import { serves, writableMaster } from "../topology/describe.js";
import type { RefusalKind, TopologyInput } from "../topology/input.js";
import type { NodeDescription, Topology, TopologyChange } from "../types.js";
import { AckWaiter } from "./ack-waiter.js";
import { Connections, NOBODY, type Target } from "./connections.js";
import { describeTopology, type LiveFacts, nodeReasons } from "./describe.js";
import { NodeLink } from "./node-link.js";
import type { Operation, OperationSink } from "./operation.js";
import { Reader } from "./reader.js";
import { Sampler } from "./sampler.js";
import { type Adoption, type Farewell, Handover } from "./succession.js";
import { Surveyor } from "./surveyor.js";
import { WriteLane } from "./write-lane.js";

/** What the engine tells the façades that share it. */
export interface EngineEvents {
  changed: [change: TopologyChange];
  /** Commands flow, or have stopped flowing. */
  readiness: [ready: boolean];
  /** What a person must act on. */
  trouble: [error: Error];
}

/** While acknowledged writes are unresolved, the master is fenced at most once in this time (milliseconds). */
const WRITE_FENCE_MS = 20;
/** How long a former master is given to say how far it came, in milliseconds; a live one takes one round trip. */
const FAREWELL_MS = 100;

/**
 * What all views and duplicates of a client share: connections, topology, marks, and the way of every command
 * from its issue to its reply. Decisions are made by pure parts (`topology/`, `consistency/`, `routing/`); this
 * class carries their answers to the wire and what the wire says back to them.
 */
export class Engine implements OperationSink {
  readonly table = new CommandTable();
  readonly ledger: KeyLedger;
  readonly lane: WriteLane;
  readonly reader: Reader;
  readonly surveyor: Surveyor;
  readonly connections: Connections;
  readonly links = new Map<string, NodeLink>();
  readonly bus = new EventEmitter<EngineEvents>();

  readonly #writes: WriteHistory;
  readonly #samples: Samples;
  readonly #selector: Selector<NodeLink>;
  readonly #sampler: Sampler;
  readonly #acks: AckWaiter;
  #tableKnown = false;
  #sequence = 0;
  #order = 0;
  #fenceTimer: TimerHandle | null = null;
  #retryTimer: TimerHandle | null = null;
  #retryAt = Number.NEGATIVE_INFINITY;
  #refusals = 0;
  #handover: Handover | null = null;
  /** The history that reads are judged by: the adopted one, once the step to it is complete. */
  #history: { node: string; replid: string } | null = null;
  #masterOffset = -1;
  #ready = false;
  #stopped = false;
  /** What commands reject with that were under way when the engine was stopped. */
  #ended: ((operation: Operation) => Error) | null = null;

  constructor(
    readonly options: ResolvedOptions,
    readonly clock: Clock,
    readonly random: Random,
  ) {
    const { limits } = options;
    this.connections = new Connections(options, clock);
    this.#writes = new WriteHistory();
    this.ledger = new KeyLedger({ trackedKeys: limits.trackedKeys, history: this.#writes });
    this.#samples = new Samples(limits.samples);
    this.#selector = new Selector(random);
    this.#sampler = new Sampler(clock, () => this.refreshMarks());
    this.#acks = new AckWaiter(this);
    this.lane = new WriteLane({
      clock,
      limits,
      waitMs: options.failoverTimeoutMs,
      acknowledged: (operation, applied) => this.#acknowledged(operation, applied),
      refused: (operation, refusal, connection) => this.#refused(operation, refusal, connection),
      abandoned: (operation) => this.#abandoned(operation),
      unknown: (operation, connection) => this.#unknown(operation, connection),
      undecided: (operation) => this.#lostOffice(operation),
      timedOut: (operation) => this.noMaster(operation),
      replyError: (operation, error) => this.replyError(operation, error),
      overlap: (a, b) => this.#overlap(a, b),
      durable: (operation, reply, succeed) => this.#acks.wait(operation, reply, succeed),
      drained: () => this.#sync(),
      stale: () => this.surveyor.requestCheck(),
    });
    this.reader = new Reader({
      clock,
      ledger: this.ledger,
      samples: this.#samples,
      selector: this.#selector,
      readHoldMs: options.readHoldMs,
      failoverTimeoutMs: options.failoverTimeoutMs,
      started: () => this.#history !== null && [...this.links.values()].every((link) => link.tried),
      masterOffset: () => this.#masterOffset,
      demandFreshness: (bound) => this.#sampler.demand(bound),
      link: (node) => this.links.get(node),
      describe: () => this.topology.nodes,
      toMaster: (operations) => this.toMaster(operations),
      replyError: (operation, error) => this.replyError(operation, error),
      noReplica: (operation, heldMs) => new NoEligibleReplicaError(heldMs, this.reasons(), { command: operation.name }),
      noMaster: (operation) => this.noMaster(operation),
      doubt: (link, refusal) => this.#doubt(link, refusal),
      refreshMarks: () => this.refreshMarks(),
    });
    this.surveyor = new Surveyor({
      options,
      clock,
      random,
      connections: this.connections,
      known: () => (this.#history === null ? null : { replid: this.#history.replid, offset: this.#masterOffset }),
      added: (node, endpoint) => this.#addLink(node, endpoint),
      removed: (node) => this.#removeLink(node),
      adopted: (adoption) => this.#adopted(adoption),
      changed: (change) => this.#emit(change),
      polled: (input) => this.#polled(input),
      settled: () => this.#sync(),
      trouble: (error) => {
        this.bus.emit("trouble", error);
      },
    });
  }

  /** True while commands flow: a verified master (with `readFrom: "replica"`: an eligible replica). */
  get ready(): boolean {
    return this.#ready;
  }

  get history(): { readonly node: string; readonly replid: string } | null {
    return this.#history;
  }

  /** The adopted master's newest known offset; -1 = unknown. */
  get masterOffset(): number {
    return this.#masterOffset;
  }

  get samples(): Samples {
    return this.#samples;
  }

  /** The nodes and what they are to each other, now. */
  get topology(): Topology {
    return describeTopology(this.surveyor.state, (node) => this.#facts(node));
  }

  /** Begins to look at these nodes. */
  start(seeds: readonly SeedNode[]): void {
    if (!this.#stopped) this.surveyor.start(seeds);
  }

  /** Nothing can come of this client: what waits rejects with `error`, and so does what comes. */
  failForGood(error: Error): void {
    this.surveyor.fatal = error;
    this.#sync();
    this.bus.emit("trouble", error);
  }

  /** A connection generation of one's own to a node, for what can't be shared. */
  async connectApart(target: Target): Promise<NodeConnection> {
    const connection = await this.connections.create(target, NOBODY);
    await connection.open({ node: target.node, commands: false, kill: null });
    return connection;
  }

  /** Ends everything at once. What is under way rejects with `error`. */
  stop(error: (operation: Operation) => Error): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ended = error;
    this.surveyor.stop();
    this.#sampler.stop();
    this.#acks.stop(error);
    this.#handover?.cancel();
    this.clock.clearTimer(this.#fenceTimer);
    this.clock.clearTimer(this.#retryTimer);
    for (const link of this.links.values()) {
      link.serves = false;
      link.stop("the client is closed");
    }
    this.lane.rejectAll(error);
    this.reader.rejectAll(error);
    this.#becomes(false);
  }

  /** Place in the order of issue for the next command. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** Notes what a write will change, when it is issued: from now on reads of those keys know of it. */
  noteIssue(operation: Operation): void {
    const { spec, db, command } = operation;
    if (spec.effects === "keys") {
      operation.ticket = spec.firstKeyOnly
        ? this.ledger.issue(db, command.args[0])
        : this.ledger.issueKeys(db, command.args, keysOf(spec, command.args));
    } else if (spec.effects === "unknown") operation.ticket = this.ledger.issueUnknown();
  }

  /** To the master, in the order of issue. */
  toMaster(operations: readonly Operation[]): void {
    for (const operation of operations) {
      if (operation.spec.intent === "read")
        operation.verified =
          operation.view.consistency === "strong" ||
          (operation.view.consistency === "session" && operation.view.verifyReads);
    }
    this.lane.submit(operations);
  }

  replied(operation: Operation, reply: unknown): void {
    if (operation.inLane) this.lane.replied(operation, reply);
    else this.reader.replied(operation, reply);
  }

  failed(operation: Operation, error: Error): void {
    if (this.#ended !== null) {
      for (const one of operation.transaction?.operations ?? [operation]) one.fail(this.#ended(one));
      return;
    }
    if (operation.inLane) this.lane.failed(operation, error);
    else this.reader.failed(operation, error);
  }

  /** Fences to the master and all replicas: what they have applied is to be known as of now. */
  refreshMarks(): void {
    for (const link of this.links.values()) {
      if (link.serves || link.isMaster) link.connection?.requestFence();
    }
  }

  /** Each node and why it can't be used; for errors. */
  reasons(): { node: string; reason: string }[] {
    return nodeReasons(this.surveyor.state, (node) => this.links.get(node)?.lastFailure ?? "");
  }

  noMaster(operation: Operation): Error {
    return (
      this.surveyor.fatal ??
      new NoMasterError(this.options.failoverTimeoutMs, this.reasons(), { command: operation.name })
    );
  }

  /** A command that was meant for one node only, and that node can't be reached. */
  notConnected(node: string, operation: Operation): Error {
    const reason = this.links.get(node)?.lastFailure || "not connected";
    return new ConnectionBoundError(`${node} can't be reached: ${reason}`, {
      node,
      command: operation.name,
      retriable: true,
    });
  }

  replyError(operation: Operation, error: Error): Error {
    return decorateReplyError(error, { node: operation.connection?.node, command: operation.name });
  }

  // ---- connections -------------------------------------------------------------------------------------------

  isLone(): boolean {
    let inFlight = 0;
    for (const link of this.links.values()) inFlight += link.inFlight;
    return inFlight <= 1;
  }

  wantsFence(connection: NodeConnection): boolean {
    return (
      connection === this.lane.connection &&
      this.ledger.unresolved > 0 &&
      this.clock.now() - connection.fenceSentAt >= WRITE_FENCE_MS
    );
  }

  fenceSending(connection: NodeConnection, flush: Flush): void {
    flush.ticket = ++this.#sequence;
    if (connection === this.lane.connection) flush.ledgerTicket = this.ledger.fenceSent();
  }

  fenced(connection: NodeConnection, fence: Fence | null, flush: Flush): void {
    if (this.#ended !== null) {
      for (const parked of flush.parked as Operation[]) if (!parked.settled) parked.fail(this.#ended(parked));
      return;
    }
    const link = this.links.get(connection.node);
    const history = this.#history;
    if (fence === null || link === undefined || history === null || link.connection !== connection) {
      this.reader.reroute(flush);
      return;
    }
    const isMaster = history.node === link.id;
    const { mark } = link;
    const verdict = judgeFence(fence, {
      role: isMaster ? "master" : "replica",
      replid: history.replid,
      offset: mark.replid === history.replid ? mark.offset : -1,
      backlogFirstByte: mark.replid === history.replid ? mark.backlogFirstByte : -1,
    });
    const seen = isMaster ? Number.POSITIVE_INFINITY : mark.replid === history.replid ? mark.offset : -1;
    const change = mark.learn({
      fence,
      generation: connection.generation,
      runId: connection.identity?.runId ?? "",
      seq: flush.ticket,
      sentAt: flush.sentAt,
    });
    if (change === "restarted" || change === "void") link.inRotation = false;
    if (verdict === "ok") {
      if (isMaster) this.#masterAt(fence.offset, flush);
      else this.#replicaAt(link, fence.offset, flush.sentAt);
      this.#sweep();
      this.reader.release(flush, seen);
      this.reader.retryHeld();
      this.#acks.check();
    } else {
      if (verdict !== "offset") link.serves = false;
      this.surveyor.requestCheck([link.id]);
      this.reader.reroute(flush);
    }
  }

  closed(connection: NodeConnection): void {
    const link = this.links.get(connection.node);
    if (link === undefined) return;
    const wasOpen = link.connection === connection;
    link.ended(connection, connection.unansweredWrites);
    link.mark.void();
    link.serves = false;
    link.inRotation = false;
    if (this.#stopped || !wasOpen) return;
    this.surveyor.connectionLost(link.id);
    this.#sync();
  }

  // ---- writes ------------------------------------------------------------------------------------------------

  #acknowledged(operation: Operation, applied: boolean): void {
    this.#refusals = 0;
    const { ticket } = operation;
    if (ticket === null) return;
    operation.ticket = null;
    if (!applied) {
      this.ledger.notApplied(ticket);
      return;
    }
    this.ledger.acked(ticket);
    if (this.#fenceTimer === null) this.#fenceTimer = this.clock.setTimer(this.#resolveWrites, WRITE_FENCE_MS);
  }

  readonly #resolveWrites = (): void => {
    this.#fenceTimer = null;
    const connection = this.lane.connection;
    if (this.ledger.unresolved === 0 || connection === null || connection.state !== "open") return;
    if (this.clock.now() - connection.fenceSentAt >= WRITE_FENCE_MS) connection.requestFence();
    this.#fenceTimer = this.clock.setTimer(this.#resolveWrites, WRITE_FENCE_MS);
  };

  #abandoned(operation: Operation): void {
    if (operation.ticket !== null) this.ledger.notApplied(operation.ticket);
    operation.ticket = null;
  }

  #unknown(operation: Operation, connection: NodeConnection): Error {
    if (operation.ticket !== null) this.ledger.unknown(operation.ticket);
    operation.ticket = null;
    return new UnknownOutcomeError(`the connection was lost before the reply (${connection.reason || "closed"})`, {
      node: connection.node,
      command: operation.name,
    });
  }

  /** Answered by a node that was the master, of which that is not certain any more. */
  #lostOffice(operation: Operation): Error {
    return new UnknownOutcomeError("it is not certain that its node was still the master when it answered", {
      node: operation.connection?.node,
      command: operation.name,
    });
  }

  #refused(_operation: Operation, refusal: Refusal, connection: NodeConnection): void {
    const kind = refusal.inner ?? refusal.kind;
    // What the server says of itself, not of its place among the others, passes by waiting: ever longer, up to half a second.
    this.#retryAt =
      this.clock.now() + (kind === "readonly" ? 0 : Math.min(500, 5 * 2 ** Math.min(this.#refusals++, 7)));
    if (isTopologyRefusal(kind)) this.surveyor.refused(connection.node, kind);
    else if (refusal.smellsOfFailover) this.surveyor.requestCheck([connection.node]);
  }

  #overlap(a: Operation, b: Operation): boolean {
    if (a.db !== b.db || a.spec.effects === "unknown" || b.spec.effects === "unknown") return true;
    const of = (operation: Operation): string[] =>
      keysOf(operation.spec, operation.command.args).map((position) => String(operation.command.args[position]));
    const keys = new Set(of(a));
    return of(b).some((key) => keys.has(key));
  }

  // ---- topology ----------------------------------------------------------------------------------------------

  #addLink(node: string, endpoint: NodeLink["target"]["endpoint"]): void {
    if (this.links.has(node)) return;
    const link = new NodeLink(
      { node, endpoint },
      this.connections,
      {
        isLone: () => this.isLone(),
        wantsFence: (connection) => this.wantsFence(connection),
        fenceSending: (connection, flush) => this.fenceSending(connection, flush),
        fenced: (connection, fence, flush) => this.fenced(connection, fence, flush),
        closed: (connection) => this.closed(connection),
        wantsCommands: () => !this.#tableKnown,
        opened: (opened, connection) => this.#opened(opened, connection),
        openFailed: (failed) => {
          this.surveyor.requestCheck([failed.id]);
          this.#sync();
        },
      },
      this.clock,
      this.random,
    );
    this.links.set(node, link);
    link.ensure();
  }

  #removeLink(node: string): void {
    const link = this.links.get(node);
    if (link === undefined) return;
    this.links.delete(node);
    link.serves = false;
    link.stop("the node was removed");
  }

  #opened(link: NodeLink, connection: NodeConnection): void {
    const commands = connection.identity?.commands;
    if (commands && !this.#tableKnown) {
      this.#tableKnown = true;
      this.table.override(commands);
    }
    link.mark.void();
    // A first fence: nothing is known of this generation until it comes back.
    connection.requestFence();
    this.#sync();
  }

  #polled(input: Extract<TopologyInput, { type: "poll" | "pollFailed" }>): void {
    const link = this.links.get(input.node);
    if (link === undefined) return;
    if (input.type === "pollFailed") {
      // A node that doesn't answer, over a connection of its own, won't answer here either: nothing waits for it any longer.
      if (input.kind === "timeout") link.drop("the node does not answer");
      return;
    }
    link.ensure();
    const history = this.#history;
    const connection = link.connection;
    if (history === null || connection === null || input.info.replid !== history.replid) return;
    if (history.node === link.id) {
      if (input.info.role === "master" && this.surveyor.state.hold === null) {
        this.#samples.push(input.sentAt, input.info.offset);
        this.#trust(input.sentAt);
      }
      return;
    }
    const { mark } = link;
    // A fence that was sent later has said more already.
    if (mark.valid && input.sentAt < mark.at) return;
    if (!mark.valid) {
      // Better than nothing, and no read relies on a fence that was sent before it.
      mark.learn({
        fence: input.info,
        generation: connection.generation,
        runId: input.runId ?? "",
        seq: this.#sequence + 0.5,
        sentAt: input.sentAt,
      });
      return;
    }
    // Two connections: which of poll and fence the server saw first can't be told by which was answered first, and a
    // fence that is on its way would look like a rollback. The data connection itself shall say.
    connection.requestFence();
  }

  #masterAt(offset: number, flush: Flush): void {
    this.#masterOffset = Math.max(this.#masterOffset, offset);
    if (this.surveyor.state.hold === null) this.#samples.push(flush.sentAt, offset);
    // Whatever of unknown outcome an earlier connection left was killed in the greeting of this one.
    this.ledger.fenceReplied(flush.ledgerTicket, offset, { unknownSettled: true });
    this.#acks.masterAt(offset);
    this.#trust(flush.sentAt);
    for (const link of this.links.values()) {
      if (!link.isMaster && link.serves) link.likelyOffset = this.#likely(link);
    }
  }

  #replicaAt(link: NodeLink, offset: number, sentAt: number): void {
    const behind = this.#samples.stalenessOf(offset, sentAt);
    if (behind !== null) link.lagMs += (behind - link.lagMs) / 8;
    if (!link.inRotation && link.mark.valid && link.mark.offset >= this.ledger.droppedFloor) {
      link.inRotation = true;
      this.#sync();
    }
  }

  /** The adopted master was seen in office by a question sent then. */
  #trust(sentAt: number): void {
    this.lane.trustedUntil = Math.max(
      this.lane.trustedUntil,
      sentAt + this.options.pollIntervalMs + this.options.heartbeatTimeoutMs,
    );
  }

  #likely(link: NodeLink): number {
    const offset = this.#samples.offsetWithin(link.lagMs * 1.5 + 1, this.clock.now());
    return Number.isFinite(offset) ? offset : -1;
  }

  /** Forgets what every replica has applied. */
  #sweep(): void {
    let rotation = Number.POSITIVE_INFINITY;
    let all = Number.POSITIVE_INFINITY;
    for (const link of this.links.values()) {
      if (link.isMaster) continue;
      const offset = link.mark.replid === this.#history?.replid ? link.mark.offset : -1;
      all = Math.min(all, offset);
      if (link.inRotation) rotation = Math.min(rotation, offset);
    }
    if (Number.isFinite(rotation)) this.ledger.sweep(rotation);
    if (Number.isFinite(all)) this.#writes.forget(all);
  }

  #doubt(link: NodeLink, refusal: string): void {
    link.serves = false;
    if (isTopologyRefusal(refusal)) this.surveyor.refused(link.id, refusal);
    else this.surveyor.requestCheck([link.id]);
  }

  /** A new master or a new history: what is known is carried over before anything of it reaches a caller. */
  #adopted(adoption: Adoption): void {
    this.lane.close();
    this.#handover?.cancel();
    const former = this.lane.connection;
    const same = this.#history === null || (this.#history.node === adoption.node && former?.node === adoption.node);
    const handover = new Handover(adoption, this.clock, (farewell) => {
      this.#handover = null;
      this.#enter(adoption, farewell, former);
    });
    this.#handover = handover;
    handover.begin(same ? null : former, FAREWELL_MS);
  }

  #enter(adoption: Adoption, farewell: Farewell | null, former: NodeConnection | null): void {
    const { from, replid, node, link } = adoption;
    if (farewell) {
      this.ledger.fenceReplied(this.ledger.fenceSent(), farewell.lastOffset);
      this.lane.park(false);
    } else if (former !== null && former.node !== node) {
      this.lane.surrender((operation) => this.#lostOffice(operation));
      if (former.state === "open" && former.inFlight > 0) former.destroy("the node is not the master any more");
    }
    const offset = this.surveyor.state.nodes.get(node)?.info?.offset ?? null;
    const report = this.ledger.adopt(replid, link, offset);
    if (link === null) this.#samples.reset();
    else this.#samples.dropFrom(link.at);
    this.#masterOffset = offset ?? -1;
    this.#history = { node, replid };
    if (report !== null && from !== null) {
      this.#emit({
        type: "writesLost",
        replid: from,
        fromOffset: report.fromOffset,
        toOffset: report.toOffset,
        count: report.lost,
        unproven: report.unproven,
        keys: report.keys,
        keysComplete: report.keysComplete,
      });
    }
    for (const one of this.links.values()) one.inRotation = false;
    this.#sync();
    this.refreshMarks();
  }

  /** Brings links, selection, the lane and readiness into line with what the topology says now. */
  #sync(): void {
    if (this.#stopped) return;
    const { state } = this.surveyor;
    const writable = this.#handover === null ? writableMaster(state, this.clock.now()) : null;
    const history = this.#history;
    for (const link of this.links.values()) {
      link.isMaster = history?.node === link.id;
      const open = link.connection?.state === "open";
      if (link.isMaster) link.serves = open && writable === link.id;
      // While there is no master the data gets no fresher anywhere: a replica whose link is down is as good as any.
      else link.serves = open && serves(state, link.id, writable === null);
      if (!link.serves && !link.isMaster) link.inRotation = false;
      else if (!link.isMaster && !link.inRotation && link.mark.valid && link.mark.replid === history?.replid)
        link.inRotation = link.mark.offset >= this.ledger.droppedFloor;
    }
    this.#selector.refresh([...this.links.values()]);
    this.#syncLane(writable);
    const { readFrom } = this.options.view;
    this.#becomes(
      this.lane.isOpen ||
        (readFrom === "replica" &&
          [...this.links.values()].some((link) => !link.isMaster && link.serves && link.inRotation)),
    );
    if (this.reader.held > 0) this.reader.retryHeld();
  }

  #syncLane(writable: string | null): void {
    const { lane } = this;
    const hold = this.surveyor.state.hold;
    const doubted = hold !== null && (hold.kind === "claim" || hold.kind === "split");
    if (lane.isOpen && (writable !== lane.connection?.node || lane.connection.state !== "open")) lane.close();
    if (doubted) lane.park(true);
    else if (writable !== null && writable === lane.connection?.node) lane.park(false);
    if (this.surveyor.fatal !== null) {
      const { fatal } = this.surveyor;
      lane.rejectAll(() => fatal);
    }
    if (lane.isOpen || writable === null || !lane.idle || this.#handover !== null) return;
    const connection = this.links.get(writable)?.connection;
    if (!connection || connection.state !== "open") return;
    const waitMs = this.#retryAt - this.clock.now();
    if (waitMs > 0) {
      this.#retryTimer ??= this.clock.setTimer(
        () => {
          this.#retryTimer = null;
          this.#sync();
        },
        waitMs,
        true,
      );
      return;
    }
    this.#trust(this.surveyor.state.nodes.get(writable)?.goodSentAt ?? Number.NEGATIVE_INFINITY);
    lane.open(connection);
  }

  #becomes(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.bus.emit("readiness", ready);
  }

  #emit(change: TopologyChange): void {
    this.bus.emit("changed", change);
  }

  #facts(node: string): LiveFacts {
    const link = this.links.get(node);
    const mark = link && link.mark.valid && link.mark.replid === this.#history?.replid ? link.mark.offset : null;
    const isMaster = link?.isMaster === true;
    return {
      inFlight: link?.inFlight ?? 0,
      latencyMs: link?.latencyMs ?? null,
      offset: isMaster && this.#masterOffset >= 0 ? this.#masterOffset : mark,
      lagBytes: isMaster ? 0 : mark === null || this.#masterOffset < 0 ? null : Math.max(0, this.#masterOffset - mark),
      stalenessMs: isMaster ? 0 : mark === null ? null : this.#samples.stalenessOf(mark, this.clock.now()),
    };
  }

  describeNode(node: string): NodeDescription | null {
    return this.topology.nodes.find(({ id, aliases }) => id === node || aliases.includes(node)) ?? null;
  }
}

function isTopologyRefusal(kind: string): kind is RefusalKind {
  return kind === "readonly" || kind === "loading" || kind === "masterdown" || kind === "noreplicas" || kind === "busy";
}
