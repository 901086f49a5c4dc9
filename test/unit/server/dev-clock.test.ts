import { describe, expect, test } from "vitest";
import {
  DevTopology,
  type DevTopologyOptions,
  type MemoryTransport,
  manualClock,
  memoryTransport,
} from "../../../src/server/index.js";
import { MemoryClient } from "./support/memory-client.js";

/** A topology in memory on a clock that stands still. Real time has no part in any of these tests. */
async function start(options: DevTopologyOptions = {}) {
  const transport = memoryTransport();
  const topology = await DevTopology.start({ replicas: 1, clock: manualClock(), transport, seed: 1, ...options });
  const [replica] = topology.replicas;
  if (!replica) throw new Error("there is no replica");
  return { topology, transport, master: topology.master, replica };
}

const client = (transport: MemoryTransport, server: { host: string; port: number }) =>
  MemoryClient.connect(transport, server);

async function infoOf(one: MemoryClient, field: string): Promise<string> {
  const info = String(await one.run("INFO"));
  return new RegExp(`^${field}:(.*)\r$`, "m").exec(info)?.[1] ?? "";
}

describe("with a manual clock", () => {
  test("a key lives as long as the clock says, on master and replica, and its end is in the stream", async () => {
    const { topology, transport, master, replica } = await start();
    await using _ = topology;
    const one = await client(transport, master);
    const there = await client(transport, replica);
    await one.run("SET", "key", "v", "PX", "5000");
    await topology.advance(4999);
    expect([await one.run("PTTL", "key"), await there.run("GET", "key")]).toEqual([1, "v"]);
    const before = master.offset;
    await topology.advance(150);
    expect(await there.run("DBSIZE")).toBe(0);
    expect(master.offset - before).toBe("*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n".length);
  });

  test("BLPOP and WAIT give up after their time, not before", async () => {
    const { topology, transport, master } = await start();
    await using _ = topology;
    const [popping, waiting] = [await client(transport, master), await client(transport, master)];
    await waiting.run("SET", "a", "1");
    const answers: unknown[] = [];
    void popping.run("BLPOP", "list", "3").then((answer) => answers.push(["BLPOP", answer]));
    void waiting.run("WAIT", "5", "2000").then((answer) => answers.push(["WAIT", answer]));
    await topology.advance(1999);
    expect(answers).toEqual([]);
    await topology.advance(1);
    expect(answers).toEqual([["WAIT", 1]]);
    await topology.advance(1000);
    expect(answers).toEqual([
      ["WAIT", 1],
      ["BLPOP", null],
    ]);
  });

  test("the master pings every ten seconds, the replica acknowledges every second", async () => {
    const { topology, transport, master, replica } = await start();
    await using _ = topology;
    const one = await client(transport, master);
    const before = master.offset;
    await topology.advance(10_000);
    expect(master.offset - before).toBe("*1\r\n$4\r\nPING\r\n".length);
    expect(replica.offset).toBe(master.offset);
    await topology.advance(1000);
    expect(await infoOf(one, "slave0")).toBe(
      `ip=127.0.0.1,port=${replica.port},state=online,offset=${master.offset},lag=0`,
    );
    replica.faults.hang();
    await topology.advance(7000);
    expect(await infoOf(one, "slave0")).toMatch(/,lag=7$/);
  });

  test("a silent replica is dropped after repl-timeout, and the backlog is freed after its ttl", async () => {
    const config = { "repl-timeout": 20, "repl-backlog-ttl": 30 };
    const { topology, transport, master, replica } = await start({ config });
    await using _ = topology;
    const one = await client(transport, master);
    const cut = replica.faults.partition();
    await topology.advance(20_000);
    expect(await infoOf(one, "connected_slaves")).toBe("1");
    await topology.advance(2000);
    expect(await infoOf(one, "connected_slaves")).toBe("0");
    const { replid } = master;
    await topology.advance(29_000);
    expect([await infoOf(one, "repl_backlog_active"), master.replid]).toEqual(["1", replid]);
    await topology.advance(3000);
    expect(await infoOf(one, "repl_backlog_active")).toBe("0");
    expect(master.replid).not.toBe(replid);
    cut.clear();
    await topology.advance(30_000);
    expect(replica.replid).toBe(master.replid);
  });

  test("CLIENT PAUSE, lag, slow replies and idle clients keep its time", async () => {
    const { topology, transport, master, replica } = await start({ lagMs: 250, config: { timeout: 60 } });
    await using _ = topology;
    const [one, other] = [await client(transport, master), await client(transport, replica)];
    await one.run("CLIENT", "PAUSE", "1000", "WRITE");
    let set: unknown = null;
    void one.run("SET", "a", "1").then((answer) => (set = answer));
    await topology.advance(999);
    expect(set).toBe(null);
    await topology.advance(1);
    expect(set).toBe("OK");
    expect(await other.run("GET", "a")).toBe(null);
    await topology.advance(250);
    expect(await other.run("GET", "a")).toBe("1");
    replica.faults.delayReplies(500);
    let got: unknown = null;
    void other.run("GET", "a").then((answer) => (got = answer));
    await topology.advance(499);
    expect(got).toBe(null);
    await topology.advance(1);
    expect(got).toBe("1");
    await topology.advance(70_000);
    expect([one.closed, other.closed]).toEqual([true, true]);
  });

  test.each(["graceful", "crash"] as const)("a %s failover needs no time at all", async (mode) => {
    const clock = manualClock();
    const { topology } = await start({ replicas: 2, clock });
    await using _ = topology;
    const old = topology.master;
    await topology.failover({ mode });
    expect(topology.master).not.toBe(old);
    expect(topology.replicas.length).toBe(mode === "graceful" ? 2 : 1);
    expect(clock.now()).toBe(0);
  });

  test("a lost link is tried again in the clock's time", async () => {
    const { topology, master, replica } = await start();
    await using _ = topology;
    await master.crash();
    await topology.advance(5000);
    await master.restart({ data: "keep" });
    await topology.advance(2000);
    expect(replica.replid).toBe(master.replid);
  });

  test("nothing waits for the clock when all is stopped", async () => {
    const clock = manualClock();
    const { topology, transport, master } = await start({ clock });
    const one = await client(transport, master);
    await one.run("SET", "a", "1", "PX", "100");
    void one.run("BLPOP", "list", "0.5").catch(() => undefined);
    await topology.advance(10);
    await topology.stop();
    await transport.quiet();
    expect(clock.pending).toBe(0);
  });

  test("the same seed gives the same stream, ids and choices, another seed others", async () => {
    const run = async (seed: number) => {
      const { topology, transport, master } = await start({ seed, replicas: 2 });
      await using _ = topology;
      const tap = await MemoryClient.connect(transport, master);
      const one = await client(transport, master);
      const stream = tap.follow();
      for (let i = 0; i < 50; i++) await one.run("SADD", "set", `member ${i}`);
      const chosen: unknown[] = [];
      for (let i = 0; i < 20; i++) chosen.push(await one.run(i % 2 ? "SPOP" : "SRANDMEMBER", "set"));
      await one.run("SET", "a", "1", "EX", "100");
      await topology.advance(25_000);
      const runId = await infoOf(one, "run_id");
      await topology.failover();
      return { chosen, runId, stream: stream(), replids: topology.servers.map((server) => server.replid) };
    };
    const first = await run(7);
    expect(first.stream).toContain("SREM");
    expect(await run(7)).toEqual(first);
    expect((await run(8)).chosen).not.toEqual(first.chosen);
  });
});
