import { inspect } from "node:util";
import { afterEach, expect, it } from "vitest";
import { ReplicatedClient } from "../../../src/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, type RedisProcess, type RedisTopology, startRedisTopology } from "../../support/real-redis.js";

const blocked = async (server: RedisProcess): Promise<number> =>
  Number((await server.info("clients")).get("blocked_clients"));

describeReal("dedicated connections of a whole client, over a failover", () => {
  const topologies: RedisTopology[] = [];
  const clients: ReplicatedClient[] = [];

  const start = async (
    password?: string,
  ): Promise<{ redis: ReplicatedClient; master: RedisProcess; next: RedisProcess }> => {
    const topology = await startRedisTopology({ replicas: 1, ...(password === undefined ? {} : { password }) });
    topologies.push(topology);
    const redis = new ReplicatedClient({
      ...topology.options,
      pollIntervalMs: 100,
      ...(password === undefined ? {} : { redisOptions: { password } }),
    });
    clients.push(redis);
    redis.on("error", () => {});
    const [next] = topology.replicas as [RedisProcess];
    return { redis, master: topology.master, next };
  };
  const switchOver = async (master: RedisProcess, next: RedisProcess): Promise<void> => {
    await next.command("REPLICAOF", "NO", "ONE");
    await master.command("REPLICAOF", next.host, next.port);
  };

  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect();
    await Promise.all(topologies.splice(0).map((topology) => topology.stop()));
  });

  it("a blocked pop and a subscription move with the master, and no error reaches the caller", async () => {
    const { redis, master, next } = await start();
    const messages: string[] = [];
    redis.on("message", (_channel, message) => messages.push(message));
    await redis.subscribe("news");
    const popped = redis.blpop("list", 0);
    await eventually(async () => expect(await blocked(master)).toBe(1));
    await switchOver(master, next);
    await eventually(async () => expect(await blocked(next)).toBe(1));
    await redis.rpush("list", "after");
    expect(await popped).toEqual(["list", "after"]);
    await eventually(async () => expect(await next.command("PUBLISH", "news", "x")).toBe(1));
    await eventually(() => expect(messages).toContain("x"));
  });

  it("a pop on a master that was killed is of unknown outcome; a blocked read goes on at the new one", async () => {
    const { redis, master, next } = await start();
    await redis.xadd("stream", "1-1", "f", "v");
    expect(await redis.wait(1, 5000)).toBe(1);
    const popped = redis.blpop("list", 0);
    const read = redis.xread("BLOCK", 0, "STREAMS", "stream", "1-1");
    const unknown = expect(popped).rejects.toMatchObject({
      code: "IOREPLICA_UNKNOWN_OUTCOME",
      command: { name: "blpop", args: [] },
    });
    await eventually(async () => expect(await blocked(master)).toBe(2));
    await master.kill9();
    await unknown;
    await next.command("REPLICAOF", "NO", "ONE");
    await eventually(async () => expect(await blocked(next)).toBe(1));
    await redis.xadd("stream", "2-1", "f", "w");
    expect(await read).toEqual([["stream", [["2-1", ["f", "w"]]]]]);
  });

  it("a WATCH does not outlive its master: EXEC is refused, and then it goes again", async () => {
    const { redis, master, next } = await start();
    await redis.watch("k");
    await switchOver(master, next);
    await eventually(() => expect(redis.topology.master?.port).toBe(next.port));
    await expect(redis.multi().set("k", "unguarded").exec()).rejects.toMatchObject({
      code: "IOREPLICA_CONNECTION_BOUND",
    });
    expect(await redis.get("k")).toBeNull();
    await redis.watch("k");
    expect(await redis.multi().set("k", "guarded").exec()).toEqual([[null, "OK"]]);
  });

  it("shows no password: client, options, monitor, errors of dedicated commands", async () => {
    const secret = "canary-90125";
    const { redis } = await start(secret);
    await redis.set("text", "x");
    const monitor = await redis.monitor();
    const errors = await Promise.all([
      redis.blpop("text", 0).catch((error: unknown) => error),
      redis.xread("BLOCK", 1, "STREAMS", "text", "0").catch((error: unknown) => error),
    ]);
    await redis.subscribe("a");
    await redis.watch("k");
    for (const each of [redis, redis.options, monitor, monitor.options, ...errors]) {
      expect(inspect(each, { depth: 12, showHidden: true })).not.toContain(secret);
    }
    expect(errors).toMatchObject([{ code: "WRONGTYPE" }, { code: "WRONGTYPE" }]);
    monitor.disconnect();
  });

  it("after quit() nothing is left on the servers", async () => {
    const { redis, master } = await start();
    await redis.subscribe("a");
    await redis.blpop("none", "0.01");
    await redis.watch("k");
    expect(await redis.quit()).toBe("OK");
    await eventually(async () => expect((await master.info("clients")).get("connected_clients")).toBe("1"));
    await expect(redis.blpop("none", 1)).rejects.toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
  });
});
