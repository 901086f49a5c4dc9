import { Socket } from "node:net";
import { Redis } from "ioredis";
import { ReplicatedClient } from "ioreplica";
import { DevServer, DevTopology, memoryTransport } from "ioreplica/dev";
import { expect, test, vi } from "vitest";

test("a topology in memory replicates and serves ioredis under names of its own, without a port of the machine", async () => {
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 2, transport, host: "redis.test", port: 6379 });
  expect(topology.options.master).toBe("redis://redis.test:6379");
  const redis = new Redis({ host: "redis.test", port: 6379, Connector: transport.connector });
  await redis.set("key", "value");
  expect(await redis.wait(2, 0)).toBe(2);
  expect(topology.servers.map((server) => server.digest())).toEqual(Array(3).fill(topology.master.digest()));
  expect(await redis.info("replication")).toMatch(/slave0:ip=redis\.test,port=7000,state=online/);
  await redis.quit();
});

test("a ReplicatedClient lives on one: replicas, failovers and Sentinels, and no socket of the machine", async () => {
  const transport = memoryTransport();
  await using topology = await DevTopology.start({
    replicas: 2,
    sentinels: 1,
    transport,
    host: "redis.test",
    port: 6379,
  });
  const opened = vi.spyOn(Socket.prototype, "connect");
  for (const options of [topology.options, topology.sentinelOptions]) {
    const redis = new ReplicatedClient(options);
    await redis.set("key", "value");
    expect(await redis.get("key")).toBe("value");
    expect(redis.topology.master?.host).toBe("redis.test");
    await topology.failover();
    await redis.set("key", "again");
    expect(await redis.with({ consistency: "strong" }).get("key")).toBe("again");
    const blocked = redis.blpop("list", 0);
    await redis.rpush("list", "element");
    expect(await blocked).toEqual(["list", "element"]);
    await redis.quit();
  }
  expect(opened).not.toHaveBeenCalled();
});

test("two transports are two worlds", async () => {
  await using one = await DevServer.start({ transport: memoryTransport(), port: 6379 });
  await using other = await DevServer.start({ transport: memoryTransport(), port: 6379 });
  expect(one.url).toBe(other.url);
  await expect(DevServer.start({ port: 70_000, transport: memoryTransport() })).rejects.toThrow("port");
});

test("a link between servers in memory that breaks is made again and resumes", async () => {
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 1, transport });
  const [replica] = topology.replicas;
  topology.master.faults.dropConnections();
  await replica?.inSyncWith(topology.master);
  const redis = new Redis({ port: topology.master.port, Connector: transport.connector });
  expect(await redis.info("stats")).toMatch(/sync_full:1\r\nsync_partial_ok:1\r\n/);
  redis.disconnect();
});
