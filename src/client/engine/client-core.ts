import type { Clock, TimerHandle } from "../../core/clock.js";
import { type Deferred, deferred } from "../../core/deferred.js";
import type { Random } from "../../core/random.js";
import type { Target } from "../connection/address.js";
import { DedicatedConnections } from "../connection/dedicated/dedicated-connections.js";
import type { DedicatedHost } from "../connection/dedicated/host.js";
import type { MessageSink } from "../connection/dedicated/subscriber.js";
import type { Environment } from "../environment.js";
import { ClientClosedError, NoMasterError, UnknownNodeError } from "../errors.js";
import type { ResolvedOptions } from "../options/resolved.js";
import type { TopologyChange, TopologyEvent } from "../types.js";
import { DevServers } from "./dev-servers.js";
import { Dispatcher } from "./dispatcher.js";
import { Engine } from "./engine.js";

/** The words of ioredis for the state of a client. */
export type ClientStatus = "wait" | "connecting" | "reconnecting" | "connect" | "ready" | "close" | "end";

/** The façade, as the core sees it. */
export interface Facade extends MessageSink {
  status: string;
}

/** What duplicates share: the engine, the dev servers, and the count of who uses them. */
export interface Shared {
  engine: Engine;
  readonly dev: DevServers | null;
  users: number;
}

/**
 * One client's life: from `wait` over `connecting` to `ready`, back and forth with `reconnecting`, to `end`. It
 * owns what is not shared with duplicates: the dedicated connections, the count of commands under way, the status.
 */
export class ClientCore {
  readonly dispatcher: Dispatcher;
  dedicated: DedicatedConnections;
  readonly clock: Clock;
  readonly random: Random;
  #shared: Shared;
  #using = false;
  readonly #toNodes = new Map<string, DedicatedConnections>();
  #closing: Promise<"OK"> | null = null;
  #ended = false;
  #waiters: Deferred<void>[] = [];

  constructor(
    readonly options: ResolvedOptions,
    private readonly facade: Facade,
    readonly environment: Environment,
    origin: ClientCore | null,
  ) {
    this.clock = environment.clock;
    this.random = environment.random;
    this.#shared = origin?.shared ?? newShared(options, environment);
    const core = this;
    this.dispatcher = new Dispatcher({
      get engine() {
        return core.engine;
      },
      get dedicated() {
        return core.dedicated;
      },
      get closed() {
        return core.#closing !== null || core.#ended;
      },
      get ended() {
        return core.#ended;
      },
      dedicatedTo: (node) => this.dedicatedTo(node),
      quit: () => this.quit(),
    });
    this.dedicated = this.#newDedicated();
  }

  get engine(): Engine {
    return this.#shared.engine;
  }

  get shared(): Shared {
    return this.#shared;
  }

  get dev(): DevServers | null {
    return this.#shared.dev;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Opens connections, unless that was done. Returns at once. */
  begin(): void {
    if (this.#using || this.#ended) return;
    this.#using = true;
    this.engine.bus
      .on("changed", this.changed, this)
      .on("readiness", this.readiness, this)
      .on("trouble", this.trouble, this);
    this.#become("connecting");
    if (this.#shared.users++ === 0) this.#startEngine();
    else if (this.engine.ready) this.readiness(true);
  }

  /**
   * Resolves when commands flow. Rejects with a list of the nodes and why none can be used, after
   * `failoverTimeoutMs`. An ended client is revived.
   */
  async connect(): Promise<void> {
    if (this.#closing !== null) await this.#closing;
    if (this.#ended) this.#revive();
    this.begin();
    if (this.facade.status === "ready") return;
    const waiter = deferred<void>();
    this.#waiters.push(waiter);
    const { failoverTimeoutMs } = this.options;
    const timer: TimerHandle = this.clock.setTimer(
      () =>
        waiter.reject(this.engine.surveyor.fatal ?? new NoMasterError(failoverTimeoutMs, this.engine.errors.reasons())),
      failoverTimeoutMs,
      true,
    );
    try {
      if (this.engine.surveyor.fatal !== null) throw this.engine.surveyor.fatal;
      await waiter.promise;
    } finally {
      this.clock.clearTimer(timer);
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
    }
  }

  /** Refuses new commands, lets those under way finish, then ends. Twice is the same promise. */
  quit(): Promise<"OK"> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  /** Ends at once: what is under way rejects. */
  disconnect(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.dedicated.close();
    for (const dedicated of this.#toNodes.values()) dedicated.close();
    this.#toNodes.clear();
    this.dispatcher.close();
    const { engine } = this;
    engine.bus
      .off("changed", this.changed, this)
      .off("readiness", this.readiness, this)
      .off("trouble", this.trouble, this);
    if (this.#using && --this.#shared.users === 0) {
      engine.stop(
        (operation) =>
          new ClientClosedError({
            command: operation.name,
            sent: operation.connection?.wasSent(operation) ? "unknown" : "no",
          }),
      );
      void this.#shared.dev?.stop();
    } else if (!this.#using && this.#shared.users === 0) engine.stop(() => new ClientClosedError());
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new ClientClosedError());
    this.#become("close");
    this.#become("end");
  }

  changed(change: TopologyChange): void {
    if (change.type === "masterChanged") {
      this.dispatcher.masterChanged();
      this.dedicated.masterChanged(change.to);
    } else if (change.type === "nodeHealth" && change.to === "down") {
      this.dedicated.nodeLost(change.node, change.reason);
      this.#toNodes.get(change.node)?.nodeLost(change.node, change.reason);
    } else if (change.type === "nodeRemoved") this.#leave(change.node);
    const event: TopologyEvent = Object.freeze({ at: this.clock.epoch(), topology: this.engine.topology, ...change });
    this.#emit("topology", event);
  }

  readiness(ready: boolean): void {
    if (this.#ended) return;
    if (!ready) {
      this.#become("reconnecting");
      return;
    }
    this.#become("connect");
    this.#become("ready");
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  trouble(error: Error): void {
    if (this.engine.surveyor.fatal !== null)
      for (const waiter of this.#waiters.splice(0)) waiter.reject(this.engine.surveyor.fatal);
    if (this.facade.listenerCount("error") > 0) this.#emit("error", error);
  }

  async #drain(): Promise<"OK"> {
    if (this.#ended) return "OK";
    await this.dispatcher.drained();
    await this.dedicated.drained();
    this.disconnect();
    if (this.#shared.users === 0) await this.#shared.dev?.stop();
    return "OK";
  }

  #startEngine(): void {
    const { engine } = this;
    const { dev } = this.#shared;
    if (dev === null) {
      engine.start(this.options.seeds);
      return;
    }
    dev.start().then(
      (seeds) => engine.start(seeds),
      (error: Error) => engine.failForGood(error),
    );
  }

  #revive(): void {
    this.#shared = newShared(this.options, this.environment);
    this.dedicated = this.#newDedicated();
    this.#using = false;
    this.#ended = false;
    this.#closing = null;
  }

  /** Connections of one's own to one node, whatever its role. None is opened before it is needed. */
  dedicatedTo(node: string): DedicatedConnections {
    let dedicated = this.#toNodes.get(node);
    if (dedicated === undefined) {
      dedicated = this.#newDedicated(node);
      this.#toNodes.set(node, dedicated);
    }
    return dedicated;
  }

  /** @param node the only one that they lead to; without it they follow the master */
  #newDedicated(node: string | null = null): DedicatedConnections {
    const host: DedicatedHost = {
      clock: this.clock,
      random: this.random,
      options: this.options,
      fixed: node !== null,
      master: (command) => (node === null ? this.#master(command) : this.#target(node, command)),
      currentMaster: () => node ?? (this.engine.lane.isOpen ? (this.engine.history?.node ?? null) : null),
      connect: (target) => this.engine.connectApart(target),
      openOptions: (target) => this.engine.connections.openOptions(target),
      requestCheck: (node) => this.engine.surveyor.requestCheck([node]),
    };
    return new DedicatedConnections(host, this.facade);
  }

  /** Ends all connections of one's own to a node that was removed. */
  #leave(node: string): void {
    const dedicated = this.#toNodes.get(node);
    if (dedicated === undefined) return;
    dedicated.nodeRemoved(node, this.#unknown(node));
    if (!dedicated.held) this.#toNodes.delete(node);
  }

  /** A node by name; it is not waited for. */
  async #target(node: string, command: string): Promise<Target> {
    const link = this.engine.links.get(node);
    if (this.#ended) throw new ClientClosedError({ command });
    if (link === undefined) throw this.#unknown(node);
    return link.target;
  }

  #unknown(node: string): UnknownNodeError {
    const known = this.engine.topology.nodes.map(({ id }) => id);
    return new UnknownNodeError(node, known);
  }

  /** The master that may be written to; waits for one. */
  async #master(command: string): Promise<Target> {
    this.begin();
    const { engine, clock } = this;
    const until = clock.now() + this.options.failoverTimeoutMs;
    for (;;) {
      if (this.#ended) throw new ClientClosedError({ command });
      const node = engine.lane.isOpen ? engine.history?.node : undefined;
      const link = node === undefined ? undefined : engine.links.get(node);
      if (link) return link.target;
      const leftMs = until - clock.now();
      if (leftMs <= 0 || engine.surveyor.fatal) throw engine.errors.noMaster(command);
      await this.#laneOpens(leftMs);
    }
  }

  /** Resolves when the lane may have opened, at the latest after `ms`. */
  async #laneOpens(ms: number): Promise<void> {
    const { engine, clock } = this;
    const opened = deferred<void>();
    const look = (): void => opened.resolve();
    engine.bus.on("readiness", look).on("trouble", look);
    const timer = clock.setTimer(() => opened.resolve(), Math.min(ms, 50), true);
    await opened.promise;
    clock.clearTimer(timer);
    engine.bus.off("readiness", look).off("trouble", look);
  }

  #become(status: ClientStatus): void {
    this.facade.status = status;
    process.nextTick(() => this.#emit(status));
  }

  /** A throwing listener harms nobody: not the other listeners' order, and not what is being carried out. */
  #emit(event: string, ...args: unknown[]): void {
    try {
      this.facade.emit(event, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

function newShared(options: ResolvedOptions, { clock, random, connect }: Environment): Shared {
  const dev = options.source.kind === "dev" ? new DevServers(options.source) : null;
  return { engine: new Engine(options, clock, random, connect), dev, users: 0 };
}
