import { afterAll, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal, inSync, startRedis, startRedisTopology, startSentinel } from "../../support/real-redis.js";

describeReal("the helper for real servers", () => {
  const started: { stop(): Promise<void> }[] = [];
  afterAll(() => Promise.all(started.map((server) => server.stop())));

  it("starts a topology in sync, kills, restarts and promotes", async () => {
    const topology = await startRedisTopology({ replicas: 2 });
    started.push(topology);
    const [first, second] = topology.replicas;
    if (first === undefined || second === undefined) throw new Error("two replicas were asked for");
    expect(await topology.master.command("SET", "k", "v")).toBe("OK");
    await topology.inSync();
    expect(await first.command("GET", "k")).toBe("v");
    await expect(first.command("SET", "k", "w")).rejects.toThrow(/^READONLY/);

    await topology.master.kill9();
    expect(topology.master.alive).toBe(false);
    await expect(topology.master.command("PING")).rejects.toThrow(/ECONNREFUSED/);
    await first.command("REPLICAOF", "NO", "ONE");
    await second.command("REPLICAOF", first.host, first.port);
    await inSync(first, [second]);

    const { port } = topology.master;
    await topology.master.restart();
    expect(topology.master.port).toBe(port);
    expect((await topology.master.info("replication")).get("role")).toBe("master");
    expect(await topology.master.command("DBSIZE")).toBe(0);
  });

  it("pauses and resumes, and counts calls", async () => {
    const server = await startRedis({ password: "open sesame" });
    started.push(server);
    expect(await server.calls("get")).toBe(0);
    server.pause();
    const reply = server.command("GET", "k");
    let answered = false;
    void reply.then(() => (answered = true));
    await expect(startRedis({ port: server.port })).rejects.toThrow(/Address already in use/);
    expect(answered).toBe(false);
    server.resume();
    expect(await reply).toBeNull();
    expect(await server.calls("get")).toBe(1);
  });

  it("starts a Sentinel that knows the master", async () => {
    const server = await startRedis();
    started.push(server);
    const sentinel = await startSentinel({ masters: [{ name: "mymaster", host: server.host, port: server.port }] });
    started.push(sentinel);
    await eventually(async () => {
      const address = await sentinel.command("SENTINEL", "get-master-addr-by-name", "mymaster");
      expect(address).toEqual([server.host, String(server.port)]);
    });
  });
});
