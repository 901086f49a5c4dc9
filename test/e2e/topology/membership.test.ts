import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { ReadLoad } from "../../support/read-load.js";
import { describeReal, inSync, type RedisProcess, startRedis } from "../../support/real-redis.js";
import { type ClientOptions, serving } from "../../support/trio.js";
import { WriteLoad } from "../../support/write-load.js";

describeReal("nodes that come and go under load", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function server(of: RedisProcess | null): Promise<RedisProcess> {
    const started = await startRedis(of === null ? {} : { replicaOf: of });
    ends.push(() => started.stop());
    if (of !== null) await inSync(of, [started]);
    return started;
  }

  /** A client that was told of `named` only, with reads from replicas and writes under way. */
  async function open(named: RedisProcess, replicas: number, options: Partial<ClientOptions> = {}) {
    const redis = new ReplicatedClient({ master: named.url, pollIntervalMs: 100, ...options } as ClientOptions);
    ends.push(() => redis.disconnect());
    redis.on("error", () => {});
    const events: TopologyEvent[] = [];
    redis.on("topology", (event: TopologyEvent) => events.push(event));
    await eventually(() =>
      expect(redis.topology.replicas.map(({ health }) => health)).toEqual(Array(replicas).fill("up")),
    );
    await serving(redis, replicas);
    const reads = new ReadLoad(redis.with({ readFrom: "replica", consistency: "eventual" })).begin();
    const writes = new WriteLoad(redis).begin(0.5);
    ends.push(
      () => reads.end(),
      () => writes.end(),
    );
    return { redis, events, reads, writes };
  }

  /** Ends the loads: no call of either has failed, and each write is there once. */
  async function unharmed({ reads, writes }: { reads: ReadLoad; writes: WriteLoad }, master: RedisProcess) {
    await reads.more();
    await reads.end();
    await writes.end();
    expect(reads.failed).toEqual([]);
    expect(reads.pending).toBe(0);
    const verdict = await writes.verdict(master);
    expect(verdict).toMatchObject({ unknown: 0, errors: [], pending: 0, lost: [], twice: [], denied: [] });
    expect(verdict.issued).toBe(verdict.acked);
  }

  /** Waits until it has answered reads that were sent from now on. */
  async function isReadFrom(one: RedisProcess, reads: ReadLoad): Promise<void> {
    const before = await one.calls("get");
    await eventually(async () => {
      await reads.more();
      expect(await one.calls("get")).toBeGreaterThan(before + 10);
    });
  }

  it("a replica that is started later is found, read from, and forgotten when it was shut down", async () => {
    const master = await server(null);
    const first = await server(master);
    const world = await open(master, 1, { failoverTimeoutMs: 2000 });
    const { redis, events, reads } = world;
    const later = await server(master);
    await eventually(() => events.some((event) => event.type === "nodeAdded" && event.node === later.id));
    await isReadFrom(later, reads);
    await later.command("SHUTDOWN", "NOSAVE").catch(() => {});
    await eventually(() =>
      expect(redis.topology.nodes.map(({ id }) => id).sort()).toEqual([master.id, first.id].sort()),
    );
    expect(events.some((event) => event.type === "nodeRemoved" && event.node === later.id)).toBe(true);
    await isReadFrom(first, reads);
    await unharmed(world, master);
  });

  it("a replica that is killed and comes back is read from again", async () => {
    const master = await server(null);
    const [first, second] = [await server(master), await server(master)];
    const world = await open(master, 2);
    await isReadFrom(first, world.reads);
    await first.kill9();
    await isReadFrom(second, world.reads);
    await first.restart({ replicaOf: master });
    await serving(world.redis, 2);
    await isReadFrom(first, world.reads);
    await unharmed(world, master);
  });

  it("a replica that is taken out by REPLICAOF NO ONE holds the writes for a while, and is taken in again", async () => {
    const master = await server(null);
    const [first, second] = [await server(master), await server(master)];
    const world = await open(master, 2, { arbitrationMs: 300 });
    const { redis, reads, writes } = world;
    await first.command("REPLICAOF", "NO", "ONE");
    await eventually(() => {
      const taken = redis.topology.nodes.find(({ id }) => id === first.id);
      expect(taken?.role).toBe("master");
      expect(redis.topology.state).toBe("stable");
    });
    expect(redis.topology.master?.id).toBe(master.id);
    const acked = writes.acked;
    await eventually(() => writes.acked > acked + 50);
    const outside = await first.calls("get");
    await isReadFrom(second, reads);
    expect(await first.calls("get")).toBe(outside);
    await first.command("REPLICAOF", master.host, master.port);
    await serving(redis, 2);
    await isReadFrom(first, reads);
    await unharmed(world, master);
  });

  it("a replica of a replica is found, read from, and still is when the one between becomes the master", async () => {
    const master = await server(null);
    const middle = await server(master);
    const last = await server(middle);
    const world = await open(master, 2);
    const { redis, reads, writes } = world;
    expect(redis.topology.replicas.map(({ id }) => id).sort()).toEqual([middle.id, last.id].sort());
    await isReadFrom(last, reads);
    await master.command("FAILOVER", "TO", middle.host, middle.port, "TIMEOUT", 10_000);
    await eventually(() => expect(redis.topology.master?.id).toBe(middle.id));
    const acked = writes.acked;
    await eventually(() => writes.acked > acked + 50);
    await serving(redis, 2);
    await isReadFrom(last, reads);
    await isReadFrom(master, reads);
    await unharmed(world, middle);
  });
});
