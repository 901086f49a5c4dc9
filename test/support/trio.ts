import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { eventually } from "./eventually.js";
import { inSync, type RedisProcess, type RedisTopology, startRedisTopology } from "./real-redis.js";

export type ClientOptions = Exclude<ConstructorParameters<typeof ReplicatedClient>[0], string | undefined>;

/** One master and two replicas, as redis-server processes, and clients over them; everything ends with {@link stop}. */
export class Trio {
  readonly #ends: (() => unknown)[] = [];

  private constructor(
    readonly topology: RedisTopology,
    readonly a: RedisProcess,
    readonly b: RedisProcess,
    readonly c: RedisProcess,
  ) {}

  /** `a` is the master, `b` and `c` follow it, in sync. */
  static async start(args: readonly string[] = []): Promise<Trio> {
    const topology = await startRedisTopology({ replicas: 2, args });
    const [b, c] = topology.replicas;
    if (b === undefined || c === undefined) throw new Error("two replicas were asked for");
    return new Trio(topology, topology.master, b, c);
  }

  get servers(): readonly RedisProcess[] {
    return [this.a, this.b, this.c];
  }

  /** A client over all three, with both replicas serving, and what it emits as `topology`. */
  async client(
    options: Partial<ClientOptions> = {},
    replicas = 2,
  ): Promise<{ redis: ReplicatedClient; events: TopologyEvent[] }> {
    const redis = new ReplicatedClient({ ...this.topology.options, ...options } as ClientOptions);
    this.#ends.push(() => redis.disconnect());
    redis.on("error", () => {});
    await serving(redis, replicas);
    const events: TopologyEvent[] = [];
    redis.on("topology", (event: TopologyEvent) => events.push(event));
    return { redis, events };
  }

  /** To be done when it is stopped, the latest first. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** REPLICAOF NO ONE for one; REPLICAOF it for the others. */
  async promote(master: RedisProcess, ...replicas: RedisProcess[]): Promise<void> {
    await master.command("REPLICAOF", "NO", "ONE");
    for (const replica of replicas) await replica.command("REPLICAOF", master.host, master.port);
  }

  /** Redis's own planned switch; resolves when the roles have changed. */
  async failover(from: RedisProcess, to: RedisProcess): Promise<void> {
    await from.command("FAILOVER", "TO", to.host, to.port, "TIMEOUT", 10_000);
    await eventually(async () => (await to.info("replication")).get("role") === "master");
    await eventually(async () => (await from.info("replication")).get("role") === "slave");
  }

  inSync(master: RedisProcess, ...replicas: RedisProcess[]): Promise<void> {
    return inSync(master, replicas);
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
    await this.topology.stop();
  }
}

/** Waits until the client has a master and so many replicas that could serve a read of a key that nobody wrote. */
export async function serving(redis: ReplicatedClient, replicas: number): Promise<void> {
  const view = redis.with({ consistency: "session", readFrom: "replica", maxStalenessMs: 2 ** 31 - 1 });
  await eventually(() => {
    const { node, others } = view.explain("GET", "a key that nobody wrote");
    const able = (node === null ? 0 : 1) + others.filter(({ reason }) => reason === "could serve it too").length;
    // A node that was not asked yet is news to come.
    const asked = redis.topology.nodes.every(({ health }) => health !== "connecting");
    if (redis.topology.state !== "stable" || able < replicas || !asked) {
      throw new Error(`${redis.topology.state}, ${able} of ${replicas} replicas can serve a read`);
    }
  });
}
