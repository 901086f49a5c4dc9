import { EventEmitter } from "eventemitter3";
import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Fence } from "../../protocol/info.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { Target } from "../connection/address.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import type { KeyLedger } from "../consistency/key-ledger.js";
import type { Samples } from "../consistency/samples.js";
import type { CausalSession } from "../consistency/session.js";
import type { Environment } from "../environment.js";
import { NoMasterError } from "../errors.js";
import type { ResolvedOptions, SeedNode } from "../options/resolved.js";
import { CommandTable } from "../routing/command-table.js";
import { Selector } from "../routing/selector.js";
import { presentMaster } from "../topology/describe.js";
import type { NodeDescription, Topology, TopologyChange } from "../types.js";
import { AckWaiter } from "./ack-waiter.js";
import { AfterLook } from "./after-look.js";
import { CallErrors, replyError } from "./call-errors.js";
import { Connections, NOBODY } from "./connections.js";
import { describeTopology } from "./describe.js";
import { FirstMaster } from "./first-master.js";
import { FreshLook } from "./fresh-look.js";
import { Knowledge } from "./knowledge.js";
import { LaneKeeper } from "./lane-keeper.js";
import { Links } from "./links.js";
import { Losses } from "./losses.js";
import { lostOffice, MasterStep } from "./master-step.js";
import type { NodeLink } from "./node-link.js";
import { Observations } from "./observations.js";
import type { Operation, OperationSink } from "./operation.js";
import { Reader } from "./reader.js";
import { RollCall } from "./roll-call.js";
import { Sampler } from "./sampler.js";
import { Sessions } from "./sessions.js";
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
  readonly errors: CallErrors;
  readonly bus = new EventEmitter<EngineEvents>();

  readonly sessions: Sessions;
  readonly afterLook: AfterLook;

  readonly #firstMaster: FirstMaster;
  readonly #look: FreshLook;
  readonly #links: Links;
  readonly #rollCall: RollCall;
  readonly #knowledge: Knowledge;
  readonly #writes: WriteAcks;
  readonly #keeper: LaneKeeper;
  readonly #selector: Selector<NodeLink>;
  readonly #observations: Observations;
  readonly #sampler: Sampler;
  /** Writes that wait for replicas. */
  readonly acks: AckWaiter;
  #order = 0;
  readonly #step: MasterStep;
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
    this.#links = new Links({
      options,
      clock,
      random,
      connections: this.connections,
      table: this.table,
      wantsFence: (connection) => this.#writes.wantsFence(connection),
      fenceSending: (connection, flush) => this.#knowledge.fenceSending(flush, connection === this.lane.connection),
      fenced: (connection, fence, flush) => this.#fenced(connection, fence, flush),
      opened: () => this.#sync(),
      openFailed: (node) => {
        this.surveyor.requestCheck([node]);
        this.#sync();
      },
      lost: (node) => {
        if (this.#stopped) return;
        this.surveyor.connectionLost(node);
        this.#sync();
      },
      emit: (change) => this.#emit(change),
    });
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
      lookFor: (session, until) => this.#lookFor(session, until),
      askMaster: (at) => {
        const { connection } = this.lane;
        if (!this.lane.isOpen || connection === null) return;
        connection.requestFence();
        connection.fenceInFront((fence) => {
          if (fence?.role === "master" && fence.replid === this.history?.replid) at(fence.offset);
        });
      },
      noMaster: () => new NoMasterError(options.failoverTimeoutMs, this.errors.reasons()),
      hopeless: () => this.surveyor.fatal,
    });
    this.#firstMaster = new FirstMaster(clock);
    this.afterLook = new AfterLook({
      clock,
      queuedCommands: limits.queuedCommands,
      waitMs: options.failoverTimeoutMs,
      lookFor: (session, until) => this.#lookFor(session, until),
      hopeless: () => this.#stopped || this.surveyor.fatal !== null,
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
    this.lane = new WriteLane({
      clock,
      losses,
      limits,
      waitMs: options.failoverTimeoutMs,
      acknowledged: (operation, applied) => {
        this.#keeper.answered();
        this.#writes.acknowledged(operation, applied);
      },
      refused: (_operation, refusal, connection) => this.#observations.refused(refusal, connection),
      abandoned: (operation) => this.#writes.abandoned(operation),
      unknown: (operation, connection) => this.#writes.unknown(operation, connection),
      undecided: lostOffice,
      admit: (operation) => {
        const refusal = this.sessions.refusal(operation.session, operation);
        if (refusal !== null) operation.fail(refusal);
      },
      hopeless: () => this.surveyor.fatal,
      timedOut: ({ name }) => this.errors.noMaster(name),
      replyError,
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
    this.#step = new MasterStep({
      clock,
      knowledge: this.#knowledge,
      lane: this.lane,
      topology: () => this.surveyor.state,
      emit: (change) => this.#emit(change),
      entered: () => {
        this.#sync();
        this.refreshMarks();
      },
    });
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
      started: () => this.#rollCall.begun,
      masterOffset: () => this.masterOffset,
      sharedBelow: () => this.sharedBelow,
      demandFreshness: (bound) => this.#sampler.demand(bound),
      link: (node) => this.links.get(node),
      describe: () => this.topology.nodes,
      toMaster: (operations) => this.toMaster(operations),
      replyError,
      noReplica: (operation, heldMs) => this.errors.noReplica(operation, heldMs),
      noMaster: ({ name }) => this.errors.noMaster(name),
      refusal: (session, operation) => this.sessions.refusal(session, operation),
      doubt: (link, refusal) => this.#observations.doubt(link, refusal),
      refreshMarks: () => this.refreshMarks(),
    });
    this.surveyor = new Surveyor({
      options,
      clock,
      random,
      connections: this.connections,
      known: () => (this.history === null ? null : { replid: this.history.replid, offset: this.masterOffset }),
      added: (target) => this.#links.add(target),
      removed: (node) => {
        this.#links.remove(node);
        losses.removed(node);
      },
      adopted: (adoption) => this.#step.begin(adoption),
      changed: (change) => this.#emit(change),
      polled: (input) => this.#observations.polled(input),
      dataConnection: (node) => {
        const link = this.links.get(node);
        return link?.isEndpoint && link.connection?.state === "open" ? link.connection : null;
      },
      settled: () => this.#sync(),
      trouble: (error) => {
        this.bus.emit("trouble", error);
      },
    });
    this.#observations = new Observations({
      links: this.#links,
      knowledge: this.#knowledge,
      reader: this.reader,
      keeper: this.#keeper,
      acks: this.acks,
      look: this.#look,
      losses,
      step: this.#step,
      surveyor: this.surveyor,
      settled: () => this.#sync(),
    });
    this.errors = new CallErrors({
      failoverTimeoutMs: options.failoverTimeoutMs,
      links: this.links,
      surveyor: this.surveyor,
    });
    this.#rollCall = new RollCall({
      options,
      clock,
      surveyor: this.surveyor,
      knowledge: this.#knowledge,
      links: this.#links,
      step: this.#step,
      selector: this.#selector,
      keeper: this.#keeper,
      lane: this.lane,
      reader: this.reader,
      readiness: (ready) => {
        this.bus.emit("readiness", ready);
      },
    });
  }

  /** True while commands flow: a verified master (with `readFrom: "replica"`: an eligible replica). */
  get ready(): boolean {
    return this.#rollCall.ready;
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

  /** Below it lies what `session` reads may return. */
  get sharedBelow(): number {
    return this.#step.sharedBelow;
  }

  /** The data connections to the nodes, by id. */
  get links(): ReadonlyMap<string, NodeLink> {
    return this.#links.all;
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
    this.#step.cancel();
    this.#look.end();
    this.#firstMaster.over();
    this.#writes.stop();
    this.#keeper.stop();
    this.#links.stop();
    this.lane.rejectAll(error);
    this.reader.rejectAll(error);
    this.#rollCall.stop();
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

  /**
   * Resolves when all nodes were asked anew, because a token tells of a history that is not known here; before there
   * is a master it would be compared with nothing. False: there was none by `until`.
   */
  async #lookFor(session: CausalSession, until: number): Promise<boolean> {
    const over = (): boolean => this.history !== null || this.#stopped || this.surveyor.fatal !== null;
    if (!over()) await this.#firstMaster.wait(until);
    if (this.history === null || this.#stopped) return false;
    if (!session.unplaced) return true;
    const { merged } = session;
    await this.#look.take();
    session.looked(merged);
    return true;
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
    this.#links.refreshMarks();
  }

  #fenced(connection: NodeConnection, fence: Fence | null, flush: Flush): void {
    if (this.#ended === null) this.#observations.fenced(connection, fence, flush);
    else for (const parked of flush.parked as Operation[]) if (!parked.settled) parked.fail(this.#ended(parked));
  }

  #sync(): void {
    if (this.#stopped) return;
    if (this.history !== null || this.surveyor.fatal !== null) this.#firstMaster.over();
    this.#rollCall.take();
  }

  #emit(change: TopologyChange): void {
    this.bus.emit("changed", change);
  }

  describeNode(node: string): NodeDescription | null {
    return this.topology.nodes.find(({ id, aliases }) => id === node || aliases.includes(node)) ?? null;
  }
}
