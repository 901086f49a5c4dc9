import type { DevServerOptions, DevTopologyOptions } from "./dev-options.js";
import { DevSentinel } from "./dev-sentinel.js";
import { DevServer } from "./dev-server.js";
import type { LinkControl } from "./faults/link-control.js";
import type { Transport } from "./net/transport.js";
import { TopologySnapshot } from "./snapshots.js";

/** How a {@link DevTopology} changes its master. */
export interface FailoverOptions {
  /** The replica to promote. Default: the one that has applied most. */
  readonly to?: DevServer;
  /** `graceful`: writes wait, nothing is lost, the old master follows. `crash`: the master dies first; default `graceful`. */
  readonly mode?: "graceful" | "crash";
  /** Milliseconds (of the servers' clock) to wait for a replica to catch up; default 10 000. */
  readonly timeoutMs?: number;
}

/** What a client needs to know of a topology. */
export interface DevTopologyAddresses {
  /** Only where the topology was started on one: what reaches it. */
  readonly transport?: Transport;
  /** URL of the master. */
  readonly master: string;
  /** URLs of the other servers. */
  readonly replicas: string[];
  /** Only where the topology was started with a password or with TLS: the password (`""` = none), and whose certificates to trust. */
  readonly redisOptions?: { readonly password: string; readonly tls?: { readonly ca: string | Buffer } };
}

/** What a client needs to know of the Sentinels of a topology. */
export interface DevSentinelAddresses {
  /** Where the Sentinels are. */
  readonly sentinels: { readonly host: string; readonly port: number }[];
  /** Name under which they know the master. */
  readonly name: string;
  /** As in {@link DevTopologyAddresses}. */
  readonly transport?: Transport;
  /** As in {@link DevTopologyAddresses}. */
  readonly redisOptions?: NonNullable<DevTopologyAddresses["redisOptions"]>;
}

/** A master with replicas, all of them {@link DevServer}s of this process. Started by {@link DevTopology.start}. */
export class DevTopology implements AsyncDisposable {
  #master: DevServer;
  readonly #servers: DevServer[];
  readonly #options: DevServerOptions;
  readonly #sentinels: DevSentinel[] = [];
  readonly #redisOptions: DevTopologyAddresses["redisOptions"];

  private constructor(servers: DevServer[], options: DevServerOptions, master = servers[0] as DevServer) {
    this.#servers = servers;
    this.#master = master;
    this.#options = options;
    const { password, tls } = options;
    if (password === undefined && tls === undefined) return;
    this.#redisOptions = {
      password: password ?? "",
      ...(tls === undefined ? {} : { tls: { ca: tls.ca ?? tls.cert } }),
    };
  }

  /**
   * Starts a master and its replicas; resolves when every replica is in sync.
   * @throws RangeError for a number of replicas that isn't one; whatever {@link DevServer.start} throws
   */
  static async start(options: DevTopologyOptions = {}): Promise<DevTopology> {
    const { replicas = 2, sentinels = 0, lagMs = 0, rdb, seedFrom, ...each } = options;
    if (!(Number.isInteger(replicas) && replicas >= 0))
      throw new RangeError(`replicas must be an integer from 0 on, got ${replicas}`);
    const servers: DevServer[] = [];
    try {
      const master = await DevServer.start({ ...each, ...(rdb ? { rdb } : {}), ...(seedFrom ? { seedFrom } : {}) });
      servers.push(master);
      const replicaOf = { host: master.host, port: master.port };
      const started = await Promise.allSettled(
        Array.from({ length: replicas }, (_, i) =>
          DevServer.start({
            ...each,
            port: 0,
            replicaOf,
            ...(each.seed === undefined ? {} : { seed: each.seed + i + 1 }),
          }),
        ),
      );
      for (const one of started) if (one.status === "fulfilled") servers.push(one.value);
      for (const one of started) if (one.status === "rejected") throw one.reason;
      const followers = servers.slice(1);
      if (lagMs > 0) for (const server of followers) server.faults.lag(lagMs);
      await Promise.all(followers.map((server) => server.inSyncWith(master)));
      const topology = new DevTopology(servers, each);
      await topology.#startSentinels(sentinels, each);
      return topology;
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop()));
      throw error;
    }
  }

  /** The master now: the one of the last failover, or whichever took its place by other means. */
  get master(): DevServer {
    if (this.#master.running && this.#master.role === "master") return this.#master;
    return this.#servers.find((server) => server.running && server.role === "master") ?? this.#master;
  }

  /** The servers that run as replicas now. */
  get replicas(): readonly DevServer[] {
    return this.#servers.filter((server) => server.running && server.role === "replica");
  }

  /** Control of the links of the servers that run as replicas now, in the order of {@link DevTopology.replicas}. */
  get links(): readonly LinkControl[] {
    return this.replicas.map((server) => server.link);
  }

  /** All servers, crashed ones included, in the order they were started. */
  get servers(): readonly DevServer[] {
    return [...this.#servers];
  }

  /** The Sentinels that were asked for; they watch the master under the name `mymaster`. */
  get sentinels(): readonly DevSentinel[] {
    return [...this.#sentinels];
  }

  /** Options for a client that asks the Sentinels: a `ReplicatedClient`, or ioredis in sentinel mode. */
  get sentinelOptions(): DevSentinelAddresses {
    const sentinels = this.#sentinels.map(({ host, port }) => ({ host, port }));
    return { sentinels, name: "mymaster", ...this.#way() };
  }

  /** Options for a `ReplicatedClient` of this topology as it is now. */
  get options(): DevTopologyAddresses {
    const { master } = this;
    const replicas = this.#servers.filter((server) => server !== master).map((server) => server.url);
    return { master: master.url, replicas, ...this.#way() };
  }

  /** What it takes to reach these servers and to be let in. */
  #way(): Pick<DevTopologyAddresses, "redisOptions" | "transport"> {
    const { transport } = this.#options;
    return {
      ...(transport === undefined ? {} : { transport }),
      ...(this.#redisOptions === undefined ? {} : { redisOptions: this.#redisOptions }),
    };
  }

  /**
   * Makes a replica the master. Resolves when the others follow it and are in sync.
   * @throws Error if there is no replica to promote, or one doesn't catch up in time
   */
  async failover(options: FailoverOptions = {}): Promise<void> {
    const { mode = "graceful", timeoutMs = 10_000 } = options;
    const old = this.master;
    const candidates = this.replicas.filter((server) => server !== old);
    const target = options.to ?? candidates.reduce<DevServer | undefined>(further, undefined);
    if (!target || !candidates.includes(target))
      throw new Error("failover needs a running replica of this topology to promote");
    if (mode === "crash") {
      if (old.running) await old.crash();
      await target.replicaOf(null);
    } else {
      const goOn = old.pauseWrites(timeoutMs);
      try {
        await target.inSyncWith(old, timeoutMs);
        await target.replicaOf(null);
        await old.replicaOf(target.host, target.port);
      } finally {
        goOn();
      }
    }
    this.#master = target;
    const followers = this.#servers.filter(
      (server) => server !== target && server.running && (server !== old || mode === "graceful"),
    );
    for (const server of followers) await server.replicaOf(target.host, target.port);
    await Promise.all(followers.map((server) => server.inSyncWith(target, timeoutMs)));
  }

  /** Moves the clock of all its servers; see {@link DevServer.advance}. */
  advance(ms: number): Promise<void> {
    return this.#master.advance(ms);
  }

  /** Notes all that the servers are; see {@link DevServer.snapshot}. A few milliseconds for a small dataset. */
  snapshot(): TopologySnapshot {
    const servers = this.#servers.map((server) => server.snapshot());
    const follows = servers.map(({ state }) => {
      const master = state?.master;
      return master ? this.#servers.findIndex(({ host, port }) => host === master.host && port === master.port) : -1;
    });
    return new TopologySnapshot(servers, this.#servers.indexOf(this.master), follows);
  }

  /**
   * Every server becomes what it was, role and history included, and all faults are lifted; connections of clients stay.
   * Resolves when those that followed a server of this topology follow it again and are in sync.
   * @throws Error if the snapshot is of another topology, or a replica isn't in sync within 10 s of the servers' clock
   */
  async restore(snapshot: TopologySnapshot): Promise<void> {
    if (snapshot.servers.length !== this.#servers.length) {
      throw new Error(
        `the snapshot is of ${snapshot.servers.length} servers, this topology has ${this.#servers.length}`,
      );
    }
    for (const server of this.#servers) server.faults.clear();
    await takeUpAll(this.#servers, snapshot);
    this.#master = this.#servers[snapshot.master] as DevServer;
  }

  /** Starts another topology with the same data, roles and histories, on ports of its own. */
  async fork(): Promise<DevTopology> {
    const snapshot = this.snapshot();
    const servers = await startEmpty(this.#servers.length, this.#options);
    try {
      await takeUpAll(servers, snapshot);
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop()));
      throw error;
    }
    return new DevTopology(servers, this.#options, servers[snapshot.master]);
  }

  async #startSentinels(count: number, options: DevServerOptions): Promise<void> {
    const { clock, transport, seed, log } = options;
    const common = { topology: this, quorum: Math.floor(count / 2) + 1, ...(clock && { clock }), ...(log && { log }) };
    try {
      for (let i = 0; i < count; i++) {
        const own = { ...(transport && { transport }), ...(seed === undefined ? {} : { seed: seed + 1000 + i }) };
        this.#sentinels.push(await DevSentinel.start({ ...common, ...own }));
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops every server and Sentinel. Any number of times. */
  async stop(): Promise<void> {
    await Promise.all(this.#sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function further(best: DevServer | undefined, server: DevServer): DevServer {
  return !best || server.offset > best.offset ? server : best;
}

/** Servers without data, one after another: the order decides over ports and seeds. */
async function startEmpty(count: number, options: DevServerOptions): Promise<DevServer[]> {
  const servers: DevServer[] = [];
  for (let i = 0; i < count; i++) {
    const seed = options.seed === undefined ? {} : { seed: options.seed + i };
    servers.push(await DevServer.start({ ...options, ...seed, port: 0 }));
  }
  return servers;
}

/** Masters first, so that those who follow find what they ask for. */
async function takeUpAll(
  servers: readonly DevServer[],
  { servers: snapshots, follows }: TopologySnapshot,
): Promise<void> {
  const depth = (i: number, limit = servers.length): number => {
    const up = follows[i] ?? -1;
    return up < 0 || limit === 0 ? 0 : 1 + depth(up, limit - 1);
  };
  const order = servers.map((_, i) => i).sort((a, b) => depth(a) - depth(b));
  for (const i of order) {
    const snapshot = snapshots[i];
    if (!snapshot) continue;
    const up = servers[follows[i] ?? -1];
    await servers[i]?.takeUp(snapshot, up ? { host: up.host, port: up.port } : (snapshot.state?.master ?? null));
  }
  await Promise.all(
    order.map(async (i) => {
      const [server, up] = [servers[i], servers[follows[i] ?? -1]];
      if (server?.running && up?.running) await server.inSyncWith(up);
    }),
  );
}
