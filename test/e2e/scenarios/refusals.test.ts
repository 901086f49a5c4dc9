import { ReplicatedClient } from "ioreplica";
import { afterEach, describe, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, startRedis, startSentinel } from "../../support/real-redis.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("what is refused, and how", (start) => {
  const worlds = useWorlds(start);

  it("an undefined argument is an error of the caller and is not sent", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    await expect(redis.set("k", undefined as never)).rejects.toMatchObject({ code: "IOREPLICA_INVALID_ARGUMENT" });
    expect(await master.calls("set")).toBe(0);
  });

  it("a command after quit() is refused with ioredis's own words", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const quitting = redis.quit();
    expect(redis.quit()).toBe(quitting);
    await expect(redis.get("k")).rejects.toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      message: "Connection is closed.",
    });
    expect(await quitting).toBe("OK");
    await expect(redis.set("k", "v")).rejects.toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
    expect(redis.status).toBe("end");
  });

  it("a server's own error keeps class, name and text, and tells the node", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    await redis.set("k", "text");
    const error = await redis.lpush("k", "x").catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({
      name: "ReplyError",
      message: "WRONGTYPE Operation against a key holding the wrong kind of value",
      code: "WRONGTYPE",
      node: master.id,
      command: { name: "lpush", args: [] },
    });
    expect(Object.keys(error as object)).not.toContain("node");
  });

  it("no more is sent to a replica that does not answer than the limit, and other reads go on", async () => {
    const { second, client } = await worlds.open();
    const redis = await client({ limits: { inFlightBytesPerNode: 1024 }, heartbeatTimeoutMs: 30_000 });
    const undo = await second.hang();
    let settled = 0;
    const reads = Array.from({ length: 300 }, async (_, i) => {
      await redis.get(`${"k".repeat(100)}${i}`);
      settled++;
    });
    // Each is 121 to 123 bytes: with the ninth it is full.
    await eventually(() => expect(reads.length - settled).toBe(9));
    await undo();
    await Promise.all(reads);
  });

  it("a full queue says which limit it was", async () => {
    const { master, first, second, client } = await worlds.open();
    const redis = await client({ limits: { queuedCommands: 5 }, failoverTimeoutMs: 500 });
    for (const node of [first, second, master]) await node.crash();
    await eventually(() => expect(redis.status).toBe("reconnecting"));
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => redis.set(`k${i}`, "v")));
    const codes = results.map((result) =>
      result.status === "rejected" ? (result.reason as { code: string }).code : "ok",
    );
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => "IOREPLICA_NO_MASTER"),
      ...Array.from({ length: 5 }, () => "IOREPLICA_QUEUE_FULL"),
    ]);
  });
});

describe("nobody there", () => {
  it("commands wait for failoverTimeoutMs, then the error lists each node and why", async () => {
    const ports = [await freePort(), await freePort()];
    const [master, replica] = ports.map((port) => `redis://127.0.0.1:${port}`);
    const redis = new ReplicatedClient({ master: master ?? "", replicas: [replica ?? ""], failoverTimeoutMs: 300 });
    redis.on("error", () => {});
    const error = (await redis.get("k").catch((reason: unknown) => reason)) as Error & { code: string };
    expect(error.code).toBe("IOREPLICA_NO_MASTER");
    for (const port of ports) expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(redis.health().ok).toBe(false);
    redis.disconnect();
  });

  it('readFrom: "replica" without any replica fails with a code', async () => {
    const server = await DevServer.start();
    const redis = new ReplicatedClient({ nodes: [server.url], readFrom: "replica", failoverTimeoutMs: 300 });
    redis.on("error", () => {});
    await expect(redis.get("k")).rejects.toMatchObject({ code: "IOREPLICA_NO_ELIGIBLE_REPLICA" });
    redis.disconnect();
    await server.stop();
  });

  it("LOADING is waited out", async () => {
    const server = await DevServer.start();
    const redis = new ReplicatedClient(server.url);
    await redis.set("k", "v");
    server.faults.fail("LOADING", { commands: ["SET", "GET"], times: 3 });
    expect(await redis.set("k", "w")).toBe("OK");
    expect(await redis.get("k")).toBe("w");
    redis.disconnect();
    await server.stop();
  });
});

describeReal("the wrong kind of server", () => {
  const ends: { stop(): Promise<void> }[] = [];
  afterEach(() => Promise.all(ends.splice(0).map((server) => server.stop())));

  const refused = async (port: number): Promise<Error & { code?: string }> => {
    const redis = new ReplicatedClient({ master: { host: "127.0.0.1", port }, failoverTimeoutMs: 1000 });
    redis.on("error", () => {});
    const error = await redis.get("k").catch((reason: unknown) => reason);
    redis.disconnect();
    return error as Error & { code?: string };
  };

  it("a node of a Redis Cluster: the error names the class to use", async () => {
    const server = await startRedis({ args: ["--cluster-enabled", "yes"] });
    ends.push(server);
    const error = await refused(server.port);
    expect(error.code).toBe("IOREPLICA_UNSUPPORTED_SERVER");
    expect(error.message).toMatch(/Cluster/);
  });

  it("a Sentinel: the error names the option to use", async () => {
    const server = await startRedis();
    const sentinel = await startSentinel({ masters: [{ name: "mymaster", host: server.host, port: server.port }] });
    ends.push(server, sentinel);
    const error = await refused(sentinel.port);
    expect(error.code).toBe("IOREPLICA_UNSUPPORTED_SERVER");
    expect(error.message).toMatch(/sentinels/);
  });

  it("a server that is loading its file is waited for", async () => {
    const server = await startRedis();
    ends.push(server);
    const redis = new ReplicatedClient({ nodes: [server.url], failoverTimeoutMs: 15_000 });
    ends.push({ stop: async () => redis.disconnect() });
    redis.on("error", () => {});
    await server.commands(Array.from({ length: 400 }, (_, i) => ["SET", `k${i}`, "x".repeat(200)]));
    expect(await redis.get("k1")).toHaveLength(200);
    const exited = server.exited();
    await server.command("SHUTDOWN", "SAVE").catch(() => {});
    await exited;
    // 400 keys at 2 ms each, answering LOADING to everybody in between.
    const restarted = server.restart({
      args: ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"],
    });
    expect(await redis.set("k1", "new")).toBe("OK");
    await restarted;
    expect(await redis.get("k1")).toBe("new");
    expect(await redis.get("k2")).toHaveLength(200);
  });
});
