import { Redis } from "ioredis";
import { DevServer, DevTopology, memoryTransport } from "ioreplica/dev";
import { expect, test } from "vitest";

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
