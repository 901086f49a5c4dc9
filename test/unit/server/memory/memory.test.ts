import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import { accountedBytes, keyBytes, memoryOf } from "../../../../src/server/keyspace/measure.js";
import { Lfu } from "../../../../src/server/memory/lfu.js";
import { STARTUP_BYTES } from "../../../../src/server/memory/memory.js";
import { startCore } from "../dispatch/harness.js";

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.|";

describe("the account of memory", () => {
  it("counts as the replicas' what the backlog keeps beyond its size", () => {
    const { core } = startCore({ "repl-backlog-size": 20_000 });
    const held = vi.spyOn(core.replication, "backlogBytes", "get");
    for (const [bytes, backlog, replicas] of [
      [500, 500, 0],
      [20_000, 20_000, 0],
      [5_000_000, 20_000, 4_980_000],
    ] as const) {
      held.mockReturnValue(bytes);
      const used = core.memory.used();
      expect(used).toMatchObject({ backlog, replicas });
      expect(used.total).toBe(STARTUP_BYTES + used.data + used.normal + bytes);
    }
  });

  it("is at all times the sum of what is there", async () => {
    const key = fc.constantFrom("a", "b", "c");
    const word = fc.string({ unit: fc.constantFrom("x", "y", "7"), minLength: 1, maxLength: 40 });
    const call = fc.oneof(
      fc.tuple(fc.constantFrom("set", "append", "getset", "rpush", "lpush", "sadd", "srem"), key, word),
      fc.tuple(fc.constantFrom("del", "lpop", "rpop", "spop", "persist", "getdel", "incr"), key),
      fc.tuple(fc.constantFrom("hset", "hsetnx"), key, word, word),
      fc.tuple(fc.constant("zadd"), key, fc.constantFrom("1", "2"), word),
      fc.tuple(fc.constantFrom("rename", "copy", "renamenx", "sunionstore"), key, key),
      fc.tuple(fc.constant("pexpire"), key, fc.constantFrom("1", "-1", "100000")),
      fc.constantFrom(["flushdb"], ["swapdb", "0", "1"], ["move", "a", "1"], ["select", "1"], ["select", "0"]),
    );
    // One server for all runs: to build each its own takes ten times as long as what is asked of it.
    const { core, clock, connect } = startCore();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        const peer = connect();
        await peer.send("flushall");
        for (const words of calls) {
          await peer.send(words.join(" "));
          clock.stepEpoch(1);
          for (const db of core.databases) {
            let sum = 0;
            for (const [name, entry] of db.entries()) {
              sum += keyBytes(name) + accountedBytes(entry.value);
              if (typeof entry.value !== "string") expect(accountedBytes(entry.value)).toBeGreaterThan(0);
            }
            expect(db.bytes).toBe(sum);
          }
        }
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it("follows a collection that grows and shrinks", async () => {
    const { core, connect } = startCore();
    const peer = connect();
    for (let i = 0; i < 500; i++) await peer.send(`hset h field${i} ${"v".repeat((i * 37) % 500)}`);
    const value = core.databases[0]?.peekAny("h")?.value ?? "";
    const exact = memoryOf("h", value, 0);
    expect(core.databases[0]?.bytes).toBeGreaterThan(exact * 0.5);
    expect(core.databases[0]?.bytes).toBeLessThan(exact * 1.5);
    await peer.send("del h");
    expect(core.databases[0]?.bytes).toBe(0);
  });
});

describe("maxmemory", () => {
  const full = STARTUP_BYTES + 12_000;

  it("refuses what takes memory when the policy evicts nothing, and lets go what frees it", async () => {
    const { connect, clock } = startCore({ maxmemory: full });
    const peer = connect();
    expect(await peer.send(`set big ${"x".repeat(20_000)}`)).toBe("+OK|");
    expect(await peer.send("set k v", "get k", "multi", "get k", "discard")).toBe(`${OOM}$-1|+OK|${OOM}+OK|`);
    expect(await peer.send("del big")).toBe(":1|");
    clock.stepEpoch(1);
    expect(await peer.send("set k v")).toBe("+OK|");
  });

  it.each(["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-random"])(
    "keeps to the limit by %s, and tells replicas",
    async (policy) => {
      const { core, connect, clock, replication } = startCore({ maxmemory: full, "maxmemory-policy": policy });
      const peer = connect();
      await peer.send("set stays v");
      replication.stream.length = 0;
      for (let i = 0; i < 100; i++) {
        clock.stepEpoch(1000);
        await peer.send("get stays", `setex k${i} ${1000 + i} ${"x".repeat(100)}`);
      }
      expect(core.memory.used().total).toBeLessThan(full + 400);
      expect(core.memory.evictedKeys).toBeGreaterThan(20);
      expect(replication.stream.filter((line) => line.startsWith("0: DEL ")).length).toBe(core.memory.evictedKeys);
      expect(replication.stream).not.toContain("0: MULTI");
      if (policy.startsWith("volatile") || policy.endsWith("u")) expect(await peer.send("exists stays")).toBe(":1|");
      if (policy === "volatile-ttl") expect(await peer.send("exists k0 k1 k99")).toBe(":1|");
    },
  );

  it("evicts at once when the limit is set below what is used", async () => {
    const { core, connect, clock } = startCore({ "maxmemory-policy": "allkeys-random" });
    const peer = connect();
    await peer.send("mset a 1 b 2 c 3", "config set maxmemory 1");
    clock.advance(1);
    expect(core.databases[0]?.size).toBe(0);
    expect(await peer.send("set k v")).toBe(OOM);
  });

  it("leaves eviction to the master on a replica", async () => {
    const { core, connect, replication } = startCore({ maxmemory: 1, "maxmemory-policy": "allkeys-lru" });
    Object.assign(replication, { role: "replica" });
    const peer = connect();
    expect(await peer.send("set k v", "set l v")).toBe("+OK|+OK|");
    expect(core.memory.evictedKeys).toBe(0);
  });

  it("takes maxmemory-clients as a share of maxmemory too", async () => {
    // `7%` was no number, which nobody's memory is within: every client was closed.
    const { connect } = startCore({ maxmemory: 10_000_000, "maxmemory-clients": "7%" });
    const [greedy, peer] = [connect(), connect()];
    expect(await peer.send("ping")).toBe("+PONG|");
    await greedy.send(`*3\r\n$690000\r\n${"x".repeat(690_000)}`);
    expect(greedy.closed).toBe(false);
    await greedy.send(`\r\n$20000\r\n${"x".repeat(15_000)}`);
    expect([greedy.closed, peer.closed]).toEqual([true, false]);
  });

  it("closes the clients that use most beyond maxmemory-clients, but none that asked to be spared", async () => {
    const { core, connect } = startCore({ "maxmemory-clients": 1_000_000 });
    const [greedy, spared, peer] = [connect(), connect(), connect()];
    const incomplete = `$900000\r\n${"x".repeat(700_000)}`;
    await spared.send("client no-evict on", `*2\r\n${incomplete}`);
    await greedy.send(`*2\r\n${incomplete}`);
    await peer.send("ping");
    expect([greedy.closed, spared.closed]).toEqual([false, false]);
    const other = connect();
    // What has come in counts at once: a client that never completes its command, and waits, must not be kept for that.
    await other.send(`*2\r\n${incomplete}`);
    expect([greedy.closed || other.closed, spared.closed, peer.closed]).toEqual([true, false, false]);
    expect(core.memory.evictedClients).toBe(1);
  });
});

describe("how often keys are used", () => {
  it("grows ever more slowly and sinks with the minutes", () => {
    const clock = new ManualClock();
    const lfu = new Lfu(seededRandom(3), { logFactor: 10, decayMinutes: 1 }, () => clock.epoch());
    let stamp = lfu.fresh;
    expect(lfu.count(stamp)).toBe(5);
    for (let i = 0; i < 1000; i++) stamp = lfu.accessed(stamp);
    const after = lfu.count(stamp);
    expect(after).toBeGreaterThan(10);
    expect(after).toBeLessThan(40);
    clock.stepEpoch(3 * 60_000);
    expect(lfu.count(stamp)).toBe(after - 3);
    clock.stepEpoch(60 * 60_000);
    expect(lfu.count(stamp)).toBe(0);
  });

  it("is what OBJECT FREQ shows, instead of the idle time", async () => {
    const { connect, clock } = startCore();
    const peer = connect();
    await peer.send("set k v");
    clock.stepEpoch(5000);
    expect(await peer.send("ttl k", "exists k", "type k", "object idletime k")).toBe(":-1|:1|+string|:5|");
    expect(await peer.send("get k", "object idletime k")).toBe("$1|v|:0|");
    await peer.send("config set maxmemory-policy allkeys-lfu", "set l v");
    expect(await peer.send("object freq l")).toBe(":5|");
    expect(await peer.send("object idletime l")).toContain("-ERR An LFU maxmemory policy is selected");
  });
});
