import { EventEmitter } from "eventemitter3";
import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Fence } from "../../protocol/info.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import type { KeyLedger } from "../consistency/key-ledger.js";
import type { Samples } from "../consistency/samples.js";
import type { CausalSession } from "../consistency/session.js";
import type { Environment } from "../environment.js";
import {
  ConnectionBoundError,
  decorateReplyError,
  NoEligibleReplicaError,
  NoMasterError,
  UnknownOutcomeError,
} from "../errors.js";
import { labelsOf } from "../options/resolve.js";
import type { ResolvedOptions, SeedNode } from "../options/resolved.js";
import { CommandTable } from "../routing/command-table.js";
import { Selector } from "../routing/selector.js";
import { presentMaster, serves, unrivalledUntil, writableMaster } from "../topology/describe.js";
import type { RefusalKind, TopologyInput } from "../topology/input.js";
import type { NodeDescription, Topology, TopologyChange } from "../types.js";
import { AckWaiter } from "./ack-waiter.js";
import { Connections, NOBODY, type Target } from "./connections.js";
import { circuitChange, describeTopology, nodeReasons } from "./describe.js";
import { FreshLook } from "./fresh-look.js";
import { Knowledge } from "./knowledge.js";
import { LaneKeeper } from "./lane-keeper.js";
import { Losses } from "./losses.js";
import { NodeLink } from "./node-link.js";
import type { Operation, OperationSink } from "./operation.js";
import { Reader } from "./reader.js";
import { Sampler } from "./sampler.js";
import { Sessions } from "./sessions.js";
import { type Adoption, commonBelow, type Farewell, Handover, LastWord } from "./succession.js";
import { Surveyor } from "./surveyor.js";
import { overlap, WriteAcks } from "./write-acks.js";
import { WriteLane } from "./write-lane.js";

/** What the engine tells the façades that share it. */
export interface EngineEvents {
  changed: [change: TopologyChange];
  /** Commands flow, or have stopped flowing. */
  readiness: [ready: boolean];
  /** What a person must act on. */
  trouble: [error: Error];
}

/** How long a former master is given to say how far it came, in milliseconds; a live one takes one round trip. */
const FAREWELL_MS = 100;

/**
 * What all views and duplicates of a client share: connections, topology, marks, and the way of every command
 * from its issue to its reply. Decisions are made by pure parts (`topology/`, `consistency/`, `routing/`); this
 * class carries their answers to the wire and what the wire says back to them.
 */
export class Engine implements OperationSink {
  readonly table = new CommandTable();
  readonly lane: WriteLane;
  readonly reader: Reader;
  readonly surveyor: Surveyor;
  readonly connections: Connections;
  readonly links = new Map<string, NodeLink>();
  readonly bus = new EventEmitter<EngineEvents>();

  readonly sessions: Sessions;

  readonly #look: FreshLook;
  readonly #losses: Losses;
  readonly #knowledge: Knowledge;
  readonly #writes: WriteAcks;
  readonly #keeper: LaneKeeper;
  readonly #selector: Selector<NodeLink>;
  readonly #sampler: Sampler;
  /** Writes that wait for replicas. */
  readonly acks: AckWaiter;
  #tableKnown = false;
  /** There was a master, and every node had been connected to or could not be. */
  #begun = false;
  #order = 0;
  #handover: Handover | null = null;
  readonly #lastWord = new LastWord();
  #ready = false;
  #stopped = false;
  /** What commands reject with that were under way when the engine was stopped. */
  #ended: ((operation: Operation) => Error) | null = null;

  constructor(
    readonly options: ResolvedOptions,
    readonly clock: Clock,
    readonly random: Random,
    connect: Environment["connect"] = null,
  ) {
    const { limits } = options;
    this.connections = new Connections(options, clock, connect);
    this.#knowledge = new Knowledge(limits, this.links, clock, (replid) => {
      const { state } = this.surveyor;
      // In the middle of the step to another history a token of that one would look like a rival's that has lost.
      return presentMaster(state) !== null && state.adopted?.replid === replid;
    });
    this.#writes = new WriteAcks(this.ledger, clock, () => this.lane.connection);
    this.#selector = new Selector(random);
    this.#sampler = new Sampler(clock, () => this.refreshMarks());
    this.acks = new AckWaiter(this);
    this.sessions = new Sessions({
      clock,
      histories: this.#knowledge,
      limit: limits.sessions,
      tokenTtlMs: options.tokenTtlMs,
      waitMs: options.failoverTimeoutMs,
      lookFor: (session) => this.lookFor(session),
      askMaster: (at) => {
        const { connection } = this.lane;
        if (!this.lane.isOpen || connection === null) return;
        connection.requestFence();
        connection.fenceInFront((fence) => {
          if (fence?.role === "master" && fence.replid === this.history?.replid) at(fence.offset);
        });
      },
      noMaster: () => new NoMasterError(options.failoverTimeoutMs, this.reasons()),
      hopeless: () => this.surveyor.fatal,
    });
    this.#look = new FreshLook(
      { clock, nodes: () => this.links.keys(), requestCheck: () => this.surveyor.requestCheck() },
      options.heartbeatTimeoutMs,
    );
    const losses = new Losses({
      clock,
      isEndpoint: (node) => this.links.get(node)?.isEndpoint === true,
      requestCheck: (node) => this.surveyor.requestCheck([node]),
    });
    this.#losses = losses;
    this.lane = new WriteLane({
      clock,
      losses,
      limits,
      waitMs: options.failoverTimeoutMs,
      acknowledged: (operation, applied) => {
        this.#keeper.answered();
        this.#writes.acknowledged(operation, applied);
      },
      refused: (_operation, refusal, connection) => this.#refused(refusal, connection),
      abandoned: (operation) => this.#writes.abandoned(operation),
      unknown: (operation, connection) => this.#writes.unknown(operation, connection),
      undecided: (operation) => this.#lostOffice(operation),
      admit: (operation) => {
        const refusal = this.sessions.refusal(operation.session, operation);
        if (refusal !== null) operation.fail(refusal);
      },
      hopeless: () => this.surveyor.fatal,
      timedOut: (operation) => this.noMaster(operation),
      replyError: (operation, error) => this.replyError(operation, error),
      overlap,
      durable: (operation, reply, succeed) => this.acks.wait(operation, reply, succeed),
      drained: () => this.#sync(),
      stale: () => this.#keeper.silence(),
    });
    this.#keeper = new LaneKeeper(
      this.lane,
      options,
      clock,
      () => this.#sync(),
      () => this.#look.take(),
    );
    this.reader = new Reader({
      clock,
      losses,
      ledger: this.ledger,
      samples: this.samples,
      selector: this.#selector,
      readHoldMs: options.readHoldMs,
      failoverTimeoutMs: options.failoverTimeoutMs,
      queuedCommands: limits.queuedCommands,
      hedgePercent: options.hedgePercent,
      started: () => this.#begun,
      masterOffset: () => this.masterOffset,
      sharedBelow: () => this.sharedBelow,
      demandFreshness: (bound) => this.#sampler.demand(bound),
      link: (node) => this.links.get(node),
      describe: () => this.topology.nodes,
      toMaster: (operations) => this.toMaster(operations),
      replyError: (operation, error) => this.replyError(operation, error),
      noReplica: (operation, heldMs) => new NoEligibleReplicaError(heldMs, this.reasons(), { command: operation.name }),
      noMaster: (operation) => this.noMaster(operation),
      refusal: (session, operation) => this.sessions.refusal(session, operation),
      doubt: (link, refusal) => this.#doubt(link, refusal),
      refreshMarks: () => this.refreshMarks(),
    });
    this.surveyor = new Surveyor({
      options,
      clock,
      random,
      connections: this.connections,
      known: () => (this.history === null ? null : { replid: this.history.replid, offset: this.masterOffset }),
      added: (target) => this.#addLink(target),
      removed: (node) => this.#removeLink(node),
      adopted: (adoption) => this.#adopted(adoption),
      changed: (change) => this.#emit(change),
      polled: (input) => this.#polled(input),
      dataConnection: (node) => {
        const link = this.links.get(node);
        return link?.isEndpoint && link.connection?.state === "open" ? link.connection : null;
      },
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

  /** What this client has written, key by key. */
  get ledger(): KeyLedger {
    return this.#knowledge.ledger;
  }

  /** The history that reads are judged by; null before a master was found. */
  get history(): { readonly node: string; readonly replid: string } | null {
    return this.#knowledge.history;
  }

  /** The adopted master's newest known offset; -1 = unknown. */
  get masterOffset(): number {
    return this.#knowledge.masterOffset;
  }

  /** Below it lies what `session` reads may return: see {@link commonBelow}. */
  get sharedBelow(): number {
    return commonBelow(this.surveyor.state.hold, this.#handover?.adoption ?? null);
  }

  get samples(): Samples {
    return this.#knowledge.samples;
  }

  /** The nodes and what they are to each other, now. */
  get topology(): Topology {
    return describeTopology(this.surveyor.state, (node) => this.#knowledge.facts(this.links.get(node)));
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
    this.acks.stop(error);
    this.#handover?.cancel();
    this.#look.end();
    this.#writes.stop();
    this.#keeper.stop();
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
    this.#writes.issue(operation);
  }

  /** A session has seen the master's data over a connection that no fence speaks of. */
  noteObserved(session: CausalSession): void {
    this.#writes.observed(session);
  }

  /** Hands out the reply of a write over another connection than the lane's, once as many replicas have it as asked. */
  durable(operation: Operation, reply: unknown): void {
    this.acks.waitElsewhere(operation, reply, () => operation.succeed(reply), this.lane.connection);
  }

  /** Resolves when all nodes were asked anew, because a token tells of a history that is not known here. */
  async lookFor(session: CausalSession): Promise<void> {
    const { merged } = session;
    await this.#look.take();
    session.looked(merged);
  }

  /** To the master, in the order of issue. */
  toMaster(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const { spec, transaction } = operation;
      if (spec.intent === "read" || (transaction?.exec === operation && transaction.readsOnly))
        operation.verified = operation.fenced;
    }
    this.lane.submit(operations);
  }

  replied(operation: Operation, reply: unknown): void {
    if (operation.inLane) this.lane.replied(operation, reply);
    else this.reader.replied(operation, reply);
  }

  refused(operation: Operation, refusal: Refusal, error: () => Error): void {
    // Once everything has ended it ends as all else does.
    if (this.#ended !== null) this.failed(operation, error());
    else this.lane.refused(operation, refusal, error);
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
    return this.#writes.wantsFence(connection);
  }

  fenceSending(connection: NodeConnection, flush: Flush): void {
    this.#knowledge.fenceSending(flush, connection === this.lane.connection);
  }

  fenced(connection: NodeConnection, fence: Fence | null, flush: Flush): void {
    if (this.#ended !== null) {
      for (const parked of flush.parked as Operation[]) if (!parked.settled) parked.fail(this.#ended(parked));
      return;
    }
    const link = this.links.get(connection.node);
    const current = link?.connection === connection;
    const proof = fence && link && current ? this.#knowledge.judge(link, connection, fence, flush) : null;
    if (!fence || !link || !proof) {
      this.reader.reroute(flush);
      return;
    }
    if (proof.verdict !== "ok") {
      if (proof.verdict !== "offset") link.serves = false;
      this.surveyor.requestCheck([link.id]);
      this.reader.reroute(flush);
      return;
    }
    if (this.history?.node === link.id) this.#masterAt(fence.offset, flush);
    else if (this.#knowledge.replicaAt(link, fence.offset, flush.sentAt)) this.#sync();
    this.reader.release(flush, proof.seen, fence.offset);
    this.#knowledge.sweep();
    this.reader.retryHeld();
    this.acks.check();
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

  /** Answered by a node that was the master, of which that is not certain any more. */
  #lostOffice(operation: Operation): Error {
    return new UnknownOutcomeError("it is not certain that its node was still the master when it answered", {
      node: operation.connection?.node,
      command: operation.name,
    });
  }

  #refused(refusal: Refusal, connection: NodeConnection): void {
    const kind = refusal.inner ?? refusal.kind;
    this.#keeper.refused(kind);
    if (kind === "readonly") this.#lastWord.ask(connection);
    if (isTopologyRefusal(kind)) this.surveyor.refused(connection.node, kind, refusal.redirect);
    else if (refusal.smellsOfFailover) this.surveyor.requestCheck([connection.node]);
  }

  #masterAt(offset: number, flush: Flush): void {
    this.#knowledge.masterAt(offset, flush, this.surveyor.state.hold === null);
    this.acks.masterAt(offset);
    this.#keeper.trust(flush.sentAt);
  }

  // ---- topology ----------------------------------------------------------------------------------------------

  #addLink(target: Target): void {
    const { node, name } = target;
    if (this.links.has(node)) return;
    const link = new NodeLink(
      target,
      this.connections,
      {
        isLone: () => this.isLone(),
        wantsFence: (connection) => this.wantsFence(connection),
        fenceSending: (connection, flush) => this.fenceSending(connection, flush),
        fenced: (connection, fence, flush) => this.fenced(connection, fence, flush),
        closed: (connection) => this.closed(connection),
        wantsCommands: () => !this.#tableKnown,
        opened: (opened, connection) => this.#opened(opened, connection),
        circuitChanged: (changed, from) => this.#emit(circuitChange(changed, from)),
        openFailed: (failed) => {
          this.surveyor.requestCheck([failed.id]);
          this.#sync();
        },
      },
      this.clock,
      this.random,
      labelsOf(this.options, name ?? node),
      this.options.circuit,
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
    this.#losses.removed(node);
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
    this.#losses.polled(input);
    this.#look.polled(input.node, input.type === "poll" ? input.sentAt : input.at);
    const link = this.links.get(input.node);
    if (link === undefined) return;
    if (input.type === "pollFailed") {
      // A node that doesn't answer, over a connection of its own, won't answer here either: nothing waits for it any longer.
      if (input.kind === "timeout") link.drop("the node does not answer");
      return;
    }
    link.ensure();
    this.#knowledge.descends(input.info);
    const { history } = this;
    const { connection } = link;
    if (connection !== null && !link.meets(input.runId)) {
      // What was asked is another server than that which serves us at this address.
      if (input.generation > connection.generation) link.drop("its address leads to another server by now");
      this.surveyor.requestCheck([link.id]);
      return;
    }
    if (history === null || connection === null || input.info.replid !== history.replid) return;
    if (history.node !== link.id) this.#knowledge.replicaPolled(link, connection, input);
    else if (input.info.role === "master" && this.surveyor.state.hold === null) {
      this.#knowledge.masterPolled(input);
      this.#keeper.trust(input.sentAt);
    }
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
    const same = this.history === null || (this.history.node === adoption.node && former?.node === adoption.node);
    const handover = new Handover(adoption, this.clock, (farewell) => {
      this.#enter(adoption, farewell, former);
    });
    this.#handover = handover;
    handover.begin(same ? null : former, FAREWELL_MS, this.#lastWord.of(former));
  }

  #enter(adoption: Adoption, farewell: Farewell | null, former: NodeConnection | null): void {
    const { from, node } = adoption;
    if (farewell) this.lane.park(false);
    else if (former !== null && former.node !== node) {
      this.lane.surrender((operation) => this.#lostOffice(operation));
      if (former.state === "open" && former.inFlight > 0) former.destroy("the node is not the master any more");
    }
    const { info = null, replicaSeen = null } = this.surveyor.state.nodes.get(node) ?? {};
    // What the former one said once this one may have been promoted says nothing of what this one took on.
    if (this.history?.node !== node) this.samples.dropAfter(replicaSeen?.sentAt ?? Number.NEGATIVE_INFINITY);
    const report = this.#knowledge.enter(adoption, farewell, info?.offset ?? null);
    if (info !== null) this.#knowledge.descends(info);
    // Only now may the lane open: giving up what was parked has made it idle, and what waits in it belongs to the
    // history that was just entered.
    this.#handover = null;
    if (report !== null && from !== null) {
      const { lost, ...rest } = report;
      this.#emit({ type: "writesLost", replid: from, count: lost, ...rest });
    }
    this.#sync();
    this.refreshMarks();
  }

  /** Brings links, selection, the lane and readiness into line with what the topology says now. */
  #sync(): void {
    if (this.#stopped) return;
    const { state } = this.surveyor;
    if (state.hold !== null) this.samples.dropAfter(unrivalledUntil(state));
    const writable = this.#handover === null ? writableMaster(state, this.clock.now()) : null;
    const { history } = this;
    for (const link of this.links.values()) {
      const isMaster = history?.node === link.id;
      if (isMaster && !link.isMaster) link.forgive();
      link.isMaster = isMaster;
      const open = link.connection?.state === "open" && link.meets(state.nodes.get(link.id)?.runId ?? null);
      if (link.isMaster) link.serves = open && writable === link.id;
      // While there is no master the data gets no fresher anywhere: a replica whose link is down is as good as any.
      else link.serves = open && serves(state, link.id, writable === null);
      if (!link.isMaster) link.inRotation = link.serves && (link.inRotation || this.#knowledge.mayEnter(link));
    }
    // Once: a node that is found later and hangs has nothing to do with what waits.
    this.#begun ||= history !== null && [...this.links.values()].every((link) => link.tried);
    this.#selector.refresh([...this.links.values()]);
    const office = writable === null ? undefined : this.links.get(writable);
    const connection = office?.serves ? office.connection : null;
    this.#keeper.keep(state, writable, connection, this.surveyor.fatal);
    const { readFrom } = this.options.view;
    this.#becomes(
      this.lane.isOpen ||
        (readFrom === "replica" &&
          [...this.links.values()].some((link) => !link.isMaster && link.serves && link.inRotation)),
    );
    if (this.reader.held > 0) this.reader.retryHeld();
    this.reader.retryUndecided();
  }

  #becomes(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.bus.emit("readiness", ready);
  }

  #emit(change: TopologyChange): void {
    this.bus.emit("changed", change);
  }

  describeNode(node: string): NodeDescription | null {
    return this.topology.nodes.find(({ id, aliases }) => id === node || aliases.includes(node)) ?? null;
  }
}

function isTopologyRefusal(kind: string): kind is RefusalKind {
  return kind === "readonly" || kind === "loading" || kind === "masterdown" || kind === "noreplicas" || kind === "busy";
}
