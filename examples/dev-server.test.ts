// What docs/dev-server.md shows, as tests. Each part of the page is one test here, word for word.
import { Redis } from "ioredis";
import { DevServer, DevTopology, manualClock, memoryTransport } from "ioreplica/dev";
import { expect, test } from "vitest";

test("in memory, without ports", async () => {
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 1, transport, host: "redis.test", port: 6379 });
  const redis = new Redis({ host: "redis.test", port: 6379, Connector: transport.connector });
  await redis.set("greeting", "hello");
  expect(await redis.wait(1, 0)).toBe(1);
  redis.disconnect();
  expect(topology.replicas[0]?.digest()).toBe(topology.master.digest());
});

test("time by hand", async () => {
  const clock = manualClock();
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 1, clock, transport, seed: 42 });
  const redis = new Redis({ port: topology.master.port, Connector: transport.connector });
  await redis.set("session", "token", "EX", 60);
  await topology.advance(61_000);
  expect(await redis.exists("session")).toBe(0);
  redis.disconnect();
});

test("faults of commands", async () => {
  await using server = await DevServer.start();
  const redis = new Redis(server.port, { maxRetriesPerRequest: 0 });
  redis.on("error", () => undefined);
  const oom = server.faults.fail("OOM", { keys: [/^cache:/], times: 1 });
  await expect(redis.set("cache:1", "v")).rejects.toThrow("OOM command not allowed");
  await redis.set("cache:1", "v");
  expect([oom.hits, oom.active]).toEqual([1, false]);

  server.faults.close({ commands: ["incr"], when: "after", times: 1 });
  await expect(redis.incr("orders")).rejects.toThrow();
  expect(await redis.get("orders")).toBe("1");
  redis.disconnect();
});

test("the link of a replica", async () => {
  await using topology = await DevTopology.start({ replicas: 1 });
  const { master, replicas } = topology;
  const [replica] = replicas as [DevServer];
  const redis = new Redis(master.port);
  replica.link.pause();
  await redis.set("a", "1");
  await redis.set("a", "2");
  expect(await replica.link.step(2)).toEqual([
    ["SELECT", "0"],
    ["set", "a", "1"],
  ]);
  replica.link.resume();
  await replica.inSyncWith(master);
  redis.disconnect();
});

test("what is in the stream", async () => {
  await using topology = await DevTopology.start({ replicas: 1 });
  const redis = new Redis(topology.master.port);
  const tap = topology.master.tap();
  await redis.set("k", "v", "EX", 10);
  await redis.sadd("set", "member");
  await redis.spop("set");
  tap.expect([["SET", "k", "v", "PXAT", /^\d+$/], "SADD set member", "SREM set member"]);
  redis.disconnect();
});

test("snapshots and forks", async () => {
  await using topology = await DevTopology.start({ replicas: 1 });
  const redis = new Redis(topology.master.port);
  await redis.set("user:1", "Ada");
  const clean = topology.snapshot();

  await redis.flushall();
  await topology.restore(clean);
  expect(await redis.get("user:1")).toBe("Ada");

  await using fork = await topology.fork();
  expect(fork.master.digest()).toBe(topology.master.digest());
  redis.disconnect();
});

test("data to start with", async () => {
  await using source = await DevServer.start();
  const redis = new Redis(source.port);
  await redis.set("user:1", "Ada");
  await using server = await DevServer.start({ seedFrom: source.url });
  expect([server.role, server.digest()]).toEqual(["master", source.digest()]);
  redis.disconnect();
});
