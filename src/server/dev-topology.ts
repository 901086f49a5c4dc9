import type { DevTopologyOptions } from "./dev-options.js";
import { DevServer } from "./dev-server.js";
import type { LinkControl } from "./faults/link-control.js";

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
  /** URL of the master. */
  readonly master: string;
  /** URLs of the other servers. */
  readonly replicas: string[];
  /** Only where the topology was started with a password or with TLS: the password (`""` = none), and whose certificates to trust. */
  readonly redisOptions?: { readonly password: string; readonly tls?: { readonly ca: string | Buffer } };
}

/** A master with replicas, all of them {@link DevServer}s of this process. Started by {@link DevTopology.start}. */
export class DevTopology implements AsyncDisposable {
  #master: DevServer;
  readonly #servers: DevServer[];
  readonly #redisOptions: DevTopologyAddresses["redisOptions"];

  private constructor(servers: DevServer[], { password, tls }: DevTopologyOptions) {
    this.#servers = servers;
    this.#master = servers[0] as DevServer;
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
    const { replicas = 2, lagMs = 0, ...each } = options;
    if (!(Number.isInteger(replicas) && replicas >= 0))
      throw new RangeError(`replicas must be an integer from 0 on, got ${replicas}`);
    const servers: DevServer[] = [];
    try {
      const master = await DevServer.start(each);
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
      return new DevTopology(servers, each);
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

  /** Options for a `ReplicatedClient` of this topology as it is now. */
  get options(): DevTopologyAddresses {
    const { master } = this;
    const replicas = this.#servers.filter((server) => server !== master).map((server) => server.url);
    const base = { master: master.url, replicas };
    return this.#redisOptions === undefined ? base : { ...base, redisOptions: this.#redisOptions };
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

  /** Stops every server. Any number of times. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function further(best: DevServer | undefined, server: DevServer): DevServer {
  return !best || server.offset > best.offset ? server : best;
}
