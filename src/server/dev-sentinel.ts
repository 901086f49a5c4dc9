import { type Clock, systemClock, type TimerHandle } from "../core/clock.js";
import { type Random, seededRandom, systemRandom } from "../core/random.js";
import type { CommandSpec } from "../protocol/command-table/types.js";
import { aclCommands } from "./commands/acl.js";
import { clientCommands } from "./commands/clients.js";
import { connectionCommands } from "./commands/connection.js";
import { pubsubCommands } from "./commands/pubsub.js";
import { Config } from "./config/config.js";
import type { Address } from "./dev-options.js";
import type { DevTopology } from "./dev-topology.js";
import { systemTransport, type Transport } from "./net/transport.js";
import { sentinelCommands } from "./sentinel/commands.js";
import { Monitor } from "./sentinel/monitor.js";
import type { MonitorContext } from "./sentinel/monitor-context.js";
import { ServerCore } from "./server-core.js";

/** How a {@link DevSentinel} starts. */
export interface DevSentinelOptions {
  /** Name of the master, as clients ask for it. Default `mymaster`. */
  readonly name?: string;
  /** Whose master to watch. Give this or `master`; without both it watches nothing until SENTINEL MONITOR. */
  readonly topology?: DevTopology;
  /** The master to watch: a dev server or a real one. */
  readonly master?: Address;
  /** How many Sentinels must agree that the master is down. Default 1. */
  readonly quorum?: number;
  /** Milliseconds without a good answer after which a server is down. Default 500. */
  readonly downAfterMs?: number;
  /** Milliseconds after which a failover that got stuck is given up. Default 10 000. */
  readonly failoverTimeoutMs?: number;
  /** Password of the servers it watches. Default: none. */
  readonly masterPassword?: string;
  /** User for `masterPassword`; default: the default user. */
  readonly masterUsername?: string;
  /** Password that clients and other Sentinels must give (`requirepass`). Default: none. */
  readonly password?: string;
  /** TCP port; 0 (the default) takes a free one. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** What it listens on and connects by. Default: the system's sockets. */
  readonly transport?: Transport;
  /** Source of time. Default: the system's. */
  readonly clock?: Clock;
  /** Makes every random choice follow from this number. Default: by chance. */
  readonly seed?: number;
  /** Takes its log lines. Default: they go nowhere. */
  readonly log?: (level: "debug" | "verbose" | "notice" | "warning", text: string) => void;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** SENTINEL is no command of redis-server, so the command table has none. */
const SENTINEL_SPEC: CommandSpec = {
  name: "sentinel",
  arity: -2,
  flags: ["admin", "loading", "stale"],
  firstKey: 0,
  lastKey: 0,
  step: 0,
  categories: ["@admin", "@slow", "@dangerous"],
  tips: [],
  keySpecs: [],
  since: "2.8.4",
  group: "sentinel",
  subcommands: [],
};

/**
 * A Sentinel inside this process: watches a master and its replicas, names them to clients, and promotes a replica when
 * the master is down. Several that watch the same master find one another. Started by {@link DevSentinel.start}.
 */
export class DevSentinel implements AsyncDisposable {
  readonly #core: ServerCore;
  readonly #clock: Clock;
  readonly #monitors = new Map<string, Monitor>();
  readonly #timers = new Map<Monitor, TimerHandle>();
  readonly #options: DevSentinelOptions;
  readonly #context: MonitorContext;
  #stopped: Promise<void> | null = null;

  private constructor(options: DevSentinelOptions) {
    this.#options = options;
    const clock = (this.#clock = options.clock ?? systemClock);
    const random: Random = options.seed === undefined ? systemRandom : seededRandom(options.seed);
    const transport = options.transport ?? systemTransport;
    const config = new Config({ bind: this.host, port: options.port ?? 0, requirepass: options.password ?? "" });
    const { echo: _echo, select: _select, ...connection } = connectionCommands;
    const { publish: _publish, ...pubsub } = pubsubCommands;
    const sentinel = sentinelCommands({
      get myId() {
        return context.myId;
      },
      monitors: this.#monitors,
      get epoch() {
        return context.epoch;
      },
      set epoch(epoch) {
        context.epoch = epoch;
      },
      monitor: (name, host, port, quorum) => this.#monitor(name, { host, port }, quorum),
      remove: (monitor) => this.#remove(monitor),
    });
    this.#core = new ServerCore({
      clock,
      random,
      config,
      transport,
      ephemeralPort: "tcp",
      mode: "sentinel",
      ...(options.log ? { log: options.log } : {}),
      only: { groups: [connection, pubsub, clientCommands, aclCommands, sentinel], specs: [SENTINEL_SPEC] },
    });
    const context: MonitorContext = (this.#context = {
      clock,
      random,
      transport,
      myId: this.#core.runId,
      address: () => ({ host: this.host, port: this.port }),
      ...(options.password === undefined ? {} : { sentinelPassword: options.password }),
      epoch: 0,
      event: (type, text) => {
        this.#core.log("warning", `${type} ${text}`);
        this.#core.pubsub.publish(type, text);
      },
    });
  }

  /**
   * Starts a Sentinel; resolves when it listens and has begun to watch.
   * @throws RangeError for a quorum below 1; Error for a bind beyond loopback without a password; the system's error where the
   * port is taken
   */
  static async start(options: DevSentinelOptions = {}): Promise<DevSentinel> {
    const { host = "127.0.0.1", password, quorum = 1, topology } = options;
    if (!(Number.isInteger(quorum) && quorum >= 1)) throw new RangeError(`quorum must be 1 or more, got ${quorum}`);
    if (!LOOPBACK.has(host) && !password && options.transport?.isPrivate !== true)
      throw new Error(`a Sentinel on ${host} could be reached by others: give it a password, or leave it on 127.0.0.1`);
    const sentinel = new DevSentinel(options);
    await sentinel.#core.listen();
    const master = options.master ?? (topology && { host: topology.master.host, port: topology.master.port });
    if (master) sentinel.#monitor(options.name ?? "mymaster", master, quorum);
    return sentinel;
  }

  /** TCP port. */
  get port(): number {
    return this.#core.port;
  }

  /** The address it listens on. */
  get host(): string {
    return this.#options.host ?? "127.0.0.1";
  }

  /** Name of the master that it was started for. */
  get name(): string {
    return this.#options.name ?? "mymaster";
  }

  /** Where it takes the master to be now; null where it watches none of that name. */
  get master(): Address | null {
    const master = this.#monitors.get(this.name)?.master;
    return master ? { host: master.host, port: master.port } : null;
  }

  /** Replicas of the master that it has found, whether they are up or not. */
  get replicas(): readonly Address[] {
    return [...(this.#monitors.get(this.name)?.replicas.values() ?? [])].map(({ host, port }) => ({ host, port }));
  }

  /** How many other Sentinels it has found for its master. */
  get others(): number {
    return this.#monitors.get(this.name)?.sentinels.size ?? 0;
  }

  /** Ends it; the servers stay as they are. Any number of times. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      for (const monitor of [...this.#monitors.values()]) this.#remove(monitor);
      await this.#core.close();
    })();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #monitor(name: string, master: Address, quorum: number): boolean {
    if (this.#monitors.has(name)) return false;
    const { downAfterMs = 500, failoverTimeoutMs = 10_000, masterPassword, masterUsername, topology } = this.#options;
    const password = masterPassword ?? topology?.options.redisOptions?.password;
    const monitor = new Monitor(
      name,
      master.host,
      master.port,
      {
        quorum,
        downAfterMs,
        failoverTimeoutMs,
        parallelSyncs: 1,
        ...(password === undefined ? {} : { password }),
        ...(masterUsername === undefined ? {} : { username: masterUsername }),
      },
      this.#context,
    );
    this.#monitors.set(name, monitor);
    this.#context.event("+monitor", `${monitor.describe(monitor.master)} quorum ${quorum}`);
    this.#tick(monitor);
    return true;
  }

  #tick(monitor: Monitor): void {
    monitor.tick();
    this.#timers.set(
      monitor,
      this.#clock.setTimer(() => this.#tick(monitor), monitor.periodMs),
    );
  }

  #remove(monitor: Monitor): void {
    monitor.stop();
    this.#clock.clearTimer(this.#timers.get(monitor));
    this.#timers.delete(monitor);
    this.#monitors.delete(monitor.name);
    this.#context.event("-monitor", monitor.describe(monitor.master));
  }
}
