import { once } from "node:events";
import { type AddressInfo, connect as connectTo, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  DevServer,
  type DevServerOptions,
  DevTopology,
  type DevTopologyOptions,
  ManualClock,
  MemoryTransport,
} from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { RawClient, show } from "../../support/raw-client.js";
import { ask, expectEqual, info } from "./nodes.js";

const open: { stop(): Promise<void> }[] = [];
const clients: RawClient[] = [];
const serve = async (options: DevServerOptions = {}): Promise<DevServer> => {
  const server = await DevServer.start(options);
  open.push(server);
  return server;
};
const topologyOf = async (options: DevTopologyOptions = {}): Promise<DevTopology> => {
  const topology = await DevTopology.start(options);
  open.push(topology);
  return topology;
};
const connect = async (server: DevServer): Promise<RawClient> => {
  const client = await RawClient.connect(server.port);
  clients.push(client);
  return client;
};
/** The first replica; every test here has one. */
const first = ({ replicas }: DevTopology): DevServer => replicas[0] as DevServer;

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(open.splice(0).map((one) => one.stop()));
});

describe("DevTopology", () => {
  it("is in sync when it has started", async () => {
    const topology = await topologyOf({ replicas: 2 });
    const { master, replicas } = topology;
    expect(master.role).toBe("master");
    expect(replicas.map((replica) => replica.role)).toEqual(["replica", "replica"]);
    for (const replica of replicas) expect(replica.replid).toBe(master.replid);
    expect(topology.options).toEqual({ master: master.url, replicas: replicas.map((replica) => replica.url) });
    expect(await ask(master, "SET", "a", "1")).toBe("OK");
    await expectEqual(master, ...replicas);
  });

  it("shares a password, and shows it in its options alone", async () => {
    const topology = await topologyOf({ replicas: 1, password: "opensesame" });
    expect(topology.options.redisOptions).toEqual({ password: "opensesame" });
    expect(String(await ask(topology.master, "GET", "a"))).toMatch(/NOAUTH/);
    const { inspect } = await import("node:util");
    expect(inspect(topology, { depth: 9, showHidden: true })).not.toContain("opensesame");
    expect(inspect(topology.master, { depth: 9 })).not.toContain("opensesame");
  });

  it("knows its replicas in sync by whatever names and ports the two reach each other", async () => {
    const master = await serve();
    const relay = createServer((socket) => {
      const onward = connectTo(master.port, "127.0.0.1");
      socket.on("error", () => onward.destroy()).pipe(onward);
      onward.on("error", () => socket.destroy()).pipe(socket);
    });
    await once(relay.listen(0, "127.0.0.1"), "listening");
    const { port } = relay.address() as AddressInfo;
    const announcing = await serve({
      replicaOf: { host: "localhost", port: master.port },
      config: { "replica-announce-port": "7777", "replica-announce-ip": "replica.example" },
    });
    const relayed = await serve({ replicaOf: { host: "127.0.0.1", port } });
    await ask(master, "SET", "a", "1");
    await Promise.all([announcing.inSyncWith(master), relayed.inSyncWith(master)]);
    await expectEqual(master, announcing, relayed);
    const stranger = await serve();
    await expect(relayed.inSyncWith(stranger, 50)).rejects.toThrow(`connected to 127.0.0.1:${port}, not among`);
    await relayed.replicaOf(null);
    relay.close();
    await expect(relayed.inSyncWith(master, 50)).rejects.toThrow("no replica");
  });

  it("fails over gracefully without losing a write", async () => {
    const topology = await topologyOf({ replicas: 2 });
    const old = topology.master;
    const target = topology.replicas[1] as DevServer;
    const writer = await connect(old);
    for (let i = 0; i < 50; i++) expect(show(await writer.call("RPUSH", "l", i))).toBe(`:"${i + 1}"`);
    await topology.failover({ to: target });
    expect(topology.master).toBe(target);
    expect(old.role).toBe("replica");
    expect(await ask(target, "LLEN", "l")).toBe(50);
    expect(show(await writer.call("RPUSH", "l", "x"))).toMatch(/READONLY/);
    await expectEqual(target, ...topology.replicas);
    expect(topology.options.master).toBe(target.url);
  });

  it("fails over from a crashed master, and the old one returns as a master on its port", async () => {
    const topology = await topologyOf({ replicas: 2 });
    const old = topology.master;
    const { port } = old;
    await ask(old, "SET", "a", "1");
    await expectEqual(old, ...topology.replicas);
    await topology.failover({ mode: "crash" });
    expect(old.running).toBe(false);
    await expect(ask(old, "PING")).rejects.toThrow(/ECONNREFUSED/);
    expect(topology.replicas).toHaveLength(1);
    expect(await ask(topology.master, "GET", "a")).toBe("1");
    await old.restart({ data: "drop" });
    expect(old.port).toBe(port);
    expect(old.role).toBe("master");
    expect(await ask(old, "GET", "a")).toBeNull();
    expect(topology.master).not.toBe(old);
  });

  it("refuses what can't be", async () => {
    await expect(DevTopology.start({ replicas: -1 })).rejects.toThrow(RangeError);
    await expect(DevServer.start({ port: 70_000 })).rejects.toThrow(RangeError);
    await expect(DevServer.start({ host: "0.0.0.0" })).rejects.toThrow(/password/);
    await expect(DevServer.start({ config: { "no-such-directive": 1 } })).rejects.toThrow(/no-such-directive/);
    const lonely = await topologyOf({ replicas: 0 });
    await expect(lonely.failover()).rejects.toThrow(/needs a running replica/);
  });

  it("leaves no handle behind, however often it starts and stops", async () => {
    const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name));
    // The first start loads code, which takes handles of its own.
    await (await DevTopology.start({ replicas: 1 })).stop();
    const before = handles().length;
    for (let i = 0; i < 200; i++) {
      const topology = await DevTopology.start({ replicas: 1 });
      await Promise.all([topology.stop(), topology.stop()]);
    }
    await eventually(() => expect(handles().length).toBeLessThanOrEqual(before));
  });
});

describe("Faults", () => {
  it("lag: a replica applies late, and its offset follows what it has applied", async () => {
    const clock = new ManualClock();
    const topology = await topologyOf({ replicas: 1, lagMs: 200, clock });
    const { master } = topology;
    const replica = first(topology);
    await ask(master, "SET", "a", "1");
    await eventually(async () =>
      expect((await info(replica)).get("slave_read_repl_offset")).toBe(String(master.offset)),
    );
    expect((await info(replica)).get("slave_repl_offset")).toBe("0");
    clock.advance(199);
    expect(await ask(replica, "GET", "a")).toBeNull();
    clock.advance(1);
    expect(await ask(replica, "GET", "a")).toBe("1");
    expect(replica.offset).toBe(master.offset);
  });

  it("freeze: a replica keeps serving what it has, its link stays up, and it catches up without a resync", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    const frozen = replica.faults.freeze();
    await ask(master, "SET", "a", "1");
    await eventually(async () =>
      expect((await info(replica)).get("slave_read_repl_offset")).toBe(String(master.offset)),
    );
    expect(await ask(replica, "GET", "a")).toBeNull();
    expect((await info(replica)).get("master_link_status")).toBe("up");
    expect(await ask(master, "WAIT", "1", "20")).toBe(1);
    frozen.clear();
    frozen.clear();
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_full")).toBe("1");
  });

  it("what a frozen replica has not applied is lost when its master crashes", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    await ask(master, "SET", "kept", "1");
    await expectEqual(master, replica);
    const { offset } = replica;
    replica.faults.freeze();
    expect(await ask(master, "SET", "lost", "1")).toBe("OK");
    await eventually(async () =>
      expect(Number((await info(replica)).get("slave_read_repl_offset"))).toBeGreaterThan(offset),
    );
    await topology.failover({ mode: "crash" });
    replica.faults.clear();
    expect(await ask(replica, "GET", "kept")).toBe("1");
    expect(await ask(replica, "GET", "lost")).toBeNull();
    expect((await info(replica)).get("second_repl_offset")).toBe(String(offset + 1));
  });

  it.each(["both", "in", "out"] as const)(
    "partition from a master (%s): no socket closes, and healing needs no resync",
    async (direction) => {
      const topology = await topologyOf({ replicas: 2 });
      const { master } = topology;
      const [cut, whole] = topology.replicas as [DevServer, DevServer];
      const handle = cut.faults.partition({ with: master, direction });
      await ask(master, "SET", "a", "1");
      await expectEqual(master, whole);
      expect(await ask(cut, "GET", "a")).toBe(direction === "out" ? "1" : null);
      expect((await info(cut)).get("master_link_status")).toBe("up");
      expect((await info(master)).get("connected_slaves")).toBe("2");
      handle.clear();
      await expectEqual(master, cut, whole);
      expect((await info(master, "stats")).get("sync_full")).toBe("2");
    },
  );

  it("partition seen from the other end: what the master sends does not arrive", async () => {
    const topology = await topologyOf({ replicas: 2 });
    const { master } = topology;
    const [cut, whole] = topology.replicas as [DevServer, DevServer];
    master.faults.partition({ with: cut, direction: "out" });
    await ask(master, "SET", "a", "1");
    await expectEqual(master, whole);
    expect(await ask(cut, "GET", "a")).toBeNull();
    master.faults.clear();
    await expectEqual(master, cut);
  });

  it("a link can't be made across a partition, and is made when it heals", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    const handle = master.faults.partition({ with: replica });
    master.faults.dropConnections();
    await eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("down"));
    await ask(master, "SET", "a", "1");
    expect((await info(master)).get("connected_slaves")).toBe("0");
    handle.clear();
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_partial_ok")).toBe("1");
  });

  it("partition from clients: requests are answered when it heals, replication goes on meanwhile", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    const client = await connect(master);
    await client.call("SET", "a", "0");
    const handle = master.faults.partition({ with: "clients", direction: "out" });
    let answered = false;
    const reply = client.call("SET", "a", "1").then((wire) => {
      answered = true;
      return wire;
    });
    // The request came through and was executed; only its answer did not.
    await eventually(async () => expect(await ask(replica, "GET", "a")).toBe("1"));
    expect(answered).toBe(false);
    handle.clear();
    expect(show(await reply)).toBe('+"OK"');
  });

  it.each(["system", "memory"] as const)(
    "partition from clients: links made meanwhile are not held (%s)",
    async (kind) => {
      const options = kind === "memory" ? { transport: new MemoryTransport() } : {};
      const master = await serve(options);
      const replica = await serve(options);
      master.faults.partition({ with: "clients" });
      await replica.replicaOf(master.host, master.port);
      await eventually(() => expect(replica.faults.link.state).toBe("connected"), { timeoutMs: 3000 });
    },
  );

  it("hang: connections are accepted and nothing is answered until it ends", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    const handle = master.faults.hang();
    const client = await connect(master);
    let answered = false;
    const reply = client.call("SET", "a", "1").then((wire) => {
      answered = true;
      return wire;
    });
    for (let i = 0; i < 20; i++) await ask(replica, "PING");
    expect(answered).toBe(false);
    expect(await ask(replica, "GET", "a")).toBeNull();
    handle.clear();
    expect(show(await reply)).toBe('+"OK"');
    await expectEqual(master, replica);
  });

  it("fail: errors as in that state of a real server, for the commands it refuses, so many times", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const loading = master.faults.fail("LOADING");
    const client = await connect(master);
    expect(show(await client.call("GET", "a"))).toBe('-"LOADING Redis is loading the dataset in memory"');
    expect(show(await client.call("INFO", "replication"))).toMatch(/^\$"# Replication/);
    loading.clear();
    master.faults.fail({ message: "ERR out of\r\nluck" }, { commands: ["get"], times: 2 });
    expect(show(await client.call("GET", "a"))).toBe('-"ERR out of luck"');
    expect(show(await client.call("SET", "a", "1"))).toBe('+"OK"');
    expect(show(await client.call("GET", "a"))).toBe('-"ERR out of luck"');
    expect(show(await client.call("GET", "a"))).toBe('$"1"');
    master.faults.fail({ message: "ERR all" });
    await expectEqualInside(topology);
    master.faults.clear();
    expect(show(await client.call("GET", "a"))).toBe('$"1"');
  });

  it("delayReplies: commands run at once, answers come late", async () => {
    const clock = new ManualClock();
    const server = await serve({ clock });
    const client = await connect(server);
    await client.call("PING");
    const handle = server.faults.delayReplies(100);
    const before = server.digest();
    let answered = false;
    const reply = client.call("SET", "a", "1").then((wire) => {
      answered = true;
      return wire;
    });
    await eventually(() => expect(server.digest()).not.toBe(before));
    clock.advance(99);
    expect(answered).toBe(false);
    clock.advance(1);
    expect(show(await reply)).toBe('+"OK"');
    handle.clear();
    expect(show(await client.call("GET", "a"))).toBe('$"1"');
  });

  it("dropConnections: clients see a reset, replicas come back by a partial resync", async () => {
    const topology = await topologyOf({ replicas: 2 });
    const { master, replicas } = topology;
    const client = await connect(master);
    await client.call("SET", "a", "1");
    const pending = client.read();
    master.faults.dropConnections();
    await expect(pending).rejects.toThrow(/ECONNRESET/);
    await ask(master, "SET", "b", "1");
    await expectEqual(master, ...replicas);
    const stats = await info(master, "stats");
    expect([stats.get("sync_full"), stats.get("sync_partial_ok")]).toEqual(["2", "2"]);
  });

  async function expectEqualInside({ master, replicas }: DevTopology): Promise<void> {
    await Promise.all(replicas.map((replica) => replica.inSyncWith(master)));
    for (const replica of replicas) expect(replica.digest()).toBe(master.digest());
  }
});

describe("DevServer", () => {
  it("restarts with its data in a history that descends from the one it had", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    await ask(master, "SET", "a", "1");
    await expectEqual(master, replica);
    const { replid, offset } = master;
    await master.restart({ data: "keep" });
    const fields = await info(master);
    expect(fields.get("master_replid")).not.toBe(replid);
    expect(fields.get("master_replid2")).toBe(replid);
    expect(fields.get("second_repl_offset")).toBe(String(offset + 1));
    expect(await ask(master, "GET", "a")).toBe("1");
    await ask(master, "SET", "b", "1");
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_full")).toBe("0");
  });

  it("restarts a replica where it was", async () => {
    const topology = await topologyOf({ replicas: 1 });
    const { master } = topology;
    const replica = first(topology);
    await ask(master, "SET", "a", "1");
    await expectEqual(master, replica);
    await replica.restart({ data: "keep" });
    expect(replica.role).toBe("replica");
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_partial_ok")).toBe("1");
  });

  it("comes back from a crash with what it had saved, and with nothing if it had not", async () => {
    const server = await serve();
    await ask(server, "SET", "a", "1");
    await ask(server, "SAVE");
    await ask(server, "SET", "b", "1");
    await server.crash();
    expect(() => server.offset).toThrow(/restart\(\)/);
    await server.restart({ data: "keep" });
    expect([await ask(server, "GET", "a"), await ask(server, "GET", "b")]).toEqual(["1", null]);
    await server.restart({ data: "drop" });
    expect(await ask(server, "GET", "a")).toBeNull();
  });

  it("changes its role by the method as by the command", async () => {
    const one = await serve();
    const two = await serve();
    await ask(one, "SET", "a", "1");
    await two.replicaOf("127.0.0.1", one.port);
    expect(two.role).toBe("replica");
    await expectEqual(one, two);
    expect(await ask(two, "REPLICAOF", "127.0.0.1", one.port)).toBe("OK Already connected to specified master");
    await two.replicaOf(null);
    expect(two.role).toBe("master");
    expect(await ask(two, "GET", "a")).toBe("1");
    expect((await info(two)).get("master_replid2")).toBe(one.replid);
  });

  it("gives the same ids for the same seed", async () => {
    const [one, two, three] = [await serve({ seed: 7 }), await serve({ seed: 7 }), await serve({ seed: 8 })];
    expect(two.replid).toBe(one.replid);
    expect(three.replid).not.toBe(one.replid);
  });

  it("refuses writes while too few replicas are good", async () => {
    const topology = await topologyOf({ replicas: 1, config: { "min-replicas-to-write": 1 } });
    const { master } = topology;
    expect(await ask(master, "SET", "a", "1")).toBe("OK");
    await first(topology).stop();
    await eventually(async () => expect((await info(master)).get("connected_slaves")).toBe("0"));
    expect(String(await ask(master, "SET", "a", "2"))).toMatch(/NOREPLICAS Not enough good replicas to write\./);
    expect(await ask(master, "GET", "a")).toBe("1");
  });

  it("serves no stale data where it was told not to", async () => {
    const topology = await topologyOf({ replicas: 1, config: { "replica-serve-stale-data": "no" } });
    const replica = first(topology);
    await topology.master.stop();
    await eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("down"));
    expect(String(await ask(replica, "GET", "a"))).toMatch(/^.*MASTERDOWN Link with MASTER is down/);
    expect(String(await ask(replica, "PING"))).toMatch(/MASTERDOWN/);
  });

  it("stops for good", async () => {
    const server = await serve();
    const client = await connect(server);
    await client.call("PING");
    await server.stop();
    await server.stop();
    await server[Symbol.asyncDispose]();
    await eventually(() => expect(client.closed).toBe(true));
    await expect(server.restart({ data: "keep" })).rejects.toThrow(/stopped/);
  });
});
