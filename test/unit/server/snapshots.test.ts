import { describe, expect, test } from "vitest";
import { DevServer, DevTopology, manualClock, memoryTransport } from "../../../src/server/index.js";
import { MemoryClient } from "./support/memory-client.js";

async function start(replicas: number) {
  const transport = memoryTransport();
  const topology = await DevTopology.start({ replicas, clock: manualClock(), transport, seed: 1, password: "secret" });
  const client = async (server: DevServer) => {
    const one = await MemoryClient.connect(transport, server);
    await one.run("AUTH", "secret");
    return one;
  };
  return { topology, transport, client };
}

const standOf = (topology: DevTopology) =>
  topology.servers.map((server) => ({
    role: server.role,
    replid: server.replid,
    offset: server.offset,
    digest: server.digest(),
  }));

describe("a snapshot of a topology", () => {
  test("brings back data, offsets, histories and configuration; clients stay, replicas don't resync", async () => {
    const { topology, transport, client } = await start(2);
    await using _ = topology;
    const one = await client(topology.master);
    await one.run("SELECT", "2");
    await one.run("SET", "a", "1", "EX", "100");
    await one.run("RPUSH", "list", "x", "y");
    await transport.quiet();
    const before = standOf(topology);
    const snapshot = topology.snapshot();
    expect([snapshot.servers[0]?.offset, snapshot.servers[0]?.role]).toEqual([topology.master.offset, "master"]);
    for (let round = 0; round < 3; round++) {
      await one.run("FLUSHALL");
      await one.run("SET", "b", "2");
      await one.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
      topology.replicas[0]?.faults.freeze();
      await topology.restore(snapshot);
      expect(standOf(topology)).toEqual(before);
      expect(await one.run("LRANGE", "list", "0", "-1")).toEqual(["x", "y"]);
      expect(await one.run("CONFIG", "GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
    }
    expect(String(await one.run("INFO", "stats"))).toMatch(/sync_full:2\r\n/);
    await one.run("SET", "after", "1");
    expect(await one.run("WAIT", "2", "0")).toBe(2);
    expect(new Set(standOf(topology).map(({ digest }) => digest)).size).toBe(1);
    await topology.advance(101_000);
    expect(await one.run("EXISTS", "a")).toBe(0);
  });

  test("brings back the roles after failovers, and who was down", async () => {
    const { topology, client } = await start(2);
    await using _ = topology;
    await (await client(topology.master)).run("SET", "a", "1");
    await topology.replicas[1]?.inSyncWith(topology.master);
    const before = standOf(topology);
    const [first, second] = topology.servers as [DevServer, DevServer];
    const snapshot = topology.snapshot();
    await topology.failover({ mode: "crash" });
    const broken = topology.snapshot();
    await topology.restore(snapshot);
    expect([topology.master, topology.replicas.length]).toEqual([first, 2]);
    expect(standOf(topology)).toEqual(before);
    await topology.restore(broken);
    expect([first.running, broken.servers[0]?.replid, broken.servers[0]?.offset]).toEqual([false, null, null]);
    expect([topology.master, topology.replicas.length]).toEqual([second, 1]);
  });

  test("a replica that was behind is behind its master again, and catches up", async () => {
    const { topology, transport, client } = await start(1);
    await using _ = topology;
    const [one, replica] = [await client(topology.master), topology.replicas[0] as DevServer];
    replica.link.pause();
    await one.run("SET", "a", "1");
    await transport.quiet();
    const snapshot = topology.snapshot();
    expect(snapshot.servers[1]?.offset).toBeLessThan(snapshot.servers[0]?.offset as number);
    await one.run("SET", "a", "2");
    await topology.restore(snapshot);
    expect(replica.digest()).toBe(topology.master.digest());
    expect(String(await one.run("INFO", "stats"))).toMatch(/sync_full:1\r\n/);
  });

  test("is refused by a topology of another size", async () => {
    const [one, other] = [await start(0), await start(1)];
    await using _one = one.topology;
    await using _other = other.topology;
    await expect(one.topology.restore(other.topology.snapshot())).rejects.toThrow("of 2 servers, this topology has 1");
  });
});

describe("a fork", () => {
  test("of a topology has the same data and histories, and goes its own way", async () => {
    const { topology, client } = await start(2);
    await using _ = topology;
    const one = await client(topology.master);
    await one.run("SET", "a", "1");
    await topology.failover();
    const before = standOf(topology);
    await using fork = await topology.fork();
    expect(standOf(fork)).toEqual(before);
    expect(
      fork.servers.map(({ port }) => port).some((port) => topology.servers.some((server) => server.port === port)),
    ).toBe(false);
    const there = await client(fork.master);
    await there.run("SET", "b", "1");
    expect(await there.run("WAIT", "2", "0")).toBe(2);
    expect(standOf(topology)).toEqual(before);
    expect(fork.options.redisOptions).toEqual({ password: "secret" });
  });

  test("of a server is a server of its own; of a replica, a replica", async () => {
    const { topology, client } = await start(1);
    await using _ = topology;
    const one = await client(topology.master);
    await one.run("SET", "a", "1");
    await topology.replicas[0]?.inSyncWith(topology.master);
    await using fork = await topology.master.fork();
    await (await client(fork)).run("SET", "a", "2");
    expect(await one.run("GET", "a")).toBe("1");
    await using second = await (topology.replicas[0] as DevServer).fork();
    await second.inSyncWith(topology.master);
    expect(second.role).toBe("replica");
    expect(String(await one.run("INFO", "stats"))).toMatch(/sync_full:1\r\nsync_partial_ok:1\r\n/);
  });
});

describe("the users of a snapshot", () => {
  test("come with a fork, and back with it: rights and passwords, and nobody else", async () => {
    const { topology, transport, client } = await start(0);
    await using _ = topology;
    const one = await client(topology.master);
    await one.run("ACL", "SETUSER", "ada", "on", ">pw", "~a:*", "+get", "(~b:* +set)");
    await one.run("ACL", "SETUSER", "off", "off");
    const users = await one.run("ACL", "LIST");
    const before = topology.master.snapshot();
    await using fork = await topology.master.fork();
    const there = await MemoryClient.connect(transport, fork);
    await there.run("AUTH", "secret");
    expect(await there.run("ACL", "LIST")).toEqual(users);
    expect(await there.run("AUTH", "ada", "pw")).toBe("OK");
    await expect(there.run("SET", "a:1", "x")).rejects.toThrow("NOPERM");
    expect(await there.run("SET", "b:1", "x")).toBe("OK");
    await one.run("ACL", "DELUSER", "ada");
    await one.run("ACL", "SETUSER", "eve", "on", "nopass", "+@all");
    await topology.master.restore(before);
    expect(await (await client(topology.master)).run("ACL", "LIST")).toEqual(users);
  });
});

describe("a server starts with data", () => {
  test("of another server, and stands alone then", async () => {
    const { topology, transport, client } = await start(0);
    await using _ = topology;
    const one = await client(topology.master);
    await one.run("SET", "größe", "1");
    await one.run("SET", "short", "1", "PX", "10");
    const seedFrom = `redis://:secret@127.0.0.1:${topology.master.port}`;
    await using copy = await DevServer.start({ clock: topology.master.clock, transport, seedFrom });
    expect([copy.role, copy.digest()]).toEqual(["master", topology.master.digest()]);
    expect(copy.replid).not.toBe(topology.master.replid);
    await one.run("SET", "later", "1");
    const there = await MemoryClient.connect(transport, copy);
    expect(await there.run("DBSIZE")).toBe(2);
    expect(await there.run("CONFIG", "GET", "masterauth")).toEqual(["masterauth", ""]);
  });

  test("refuses what it can't take", async () => {
    const transport = memoryTransport();
    await expect(DevServer.start({ transport, rdb: Buffer.from("no RDB") })).rejects.toThrow();
    await expect(DevServer.start({ transport, rdb: Buffer.of(), seedFrom: "redis://a" })).rejects.toThrow("not both");
    await expect(DevServer.start({ transport, seedFrom: "http://a" })).rejects.toThrow("not http://");
    const clock = manualClock();
    const late = DevServer.start({ transport, clock, seedFrom: "redis://nobody:1" });
    const refused = expect(late).rejects.toThrow("no dataset came from nobody:1");
    await transport.quiet();
    for (let i = 0; i < 130; i++) {
      clock.advance(500);
      await transport.quiet();
    }
    await refused;
  });
});
