import { afterEach, expect, it } from "vitest";
import { Monitor, type ProbeResult } from "../../../src/client/topology/monitor.js";
import { initialTopology, reduce, writableMaster } from "../../../src/client/topology/reduce.js";
import type { TopologyChange } from "../../../src/client/types.js";
import { systemClock } from "../../../src/core/clock.js";
import { seededRandom } from "../../../src/core/random.js";
import { parseReplicationInfo, parseServerInfo } from "../../../src/protocol/info.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, type RedisProcess, startRedisTopology } from "../../support/real-redis.js";

const config = {
  pollIntervalMs: 100,
  heartbeatTimeoutMs: 500,
  arbitrationMs: 300,
  failoverTimeoutMs: 5000,
  onSplitBrain: "newest",
  onHistoryReset: "follow",
  discoverReplicas: true,
  lookupIntervalMs: 10_000,
  natMap: null,
} as const;

describeReal("Monitor and reduce(), against real servers", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** A trio, watched from one seed; each probe asks on a connection of its own, so a failed one is a new one. */
  async function stage(over: { readonly arbitrationMs?: number } = {}) {
    const settings = { ...config, ...over };
    const servers = await startRedisTopology({ replicas: 2 });
    closing.push(() => servers.stop());
    const all = new Map([servers.master, ...servers.replicas].map((each) => [each.id, each]));
    let state = initialTopology(settings, [
      { id: servers.master.id, host: servers.master.host, port: servers.master.port },
    ]);
    const events: TopologyChange[] = [];
    let generation = 0;
    /** A node that nobody gets to before another is seen as a master. */
    let behind: { readonly node: string; readonly until: string } | null = null;
    const isMaster = (node: string): boolean => state.nodes.get(node)?.info?.role === "master";
    const probe = async (node: string): Promise<ProbeResult> => {
      const server = all.get(node);
      const own = ++generation;
      if (behind?.node === node) {
        const { until } = behind;
        await eventually(() => isMaster(until), { timeoutMs: 20_000 });
      }
      if (server === undefined) return { ok: false, generation: own, kind: "connect", reason: "no such server" };
      try {
        const text = String(await server.command("INFO", "replication"));
        const { runId } = parseServerInfo(String(await server.command("INFO", "server")));
        const { loading } = parseServerInfo(String(await server.command("INFO", "persistence")));
        return { ok: true, generation: own, info: parseReplicationInfo(text), runId, loading };
      } catch (error) {
        return { ok: false, generation: own, kind: "connect", reason: String(error) };
      }
    };
    const monitor = new Monitor({
      clock: systemClock,
      random: seededRandom(1),
      config: settings,
      probe,
      onInput(input) {
        const reduced = reduce(state, input);
        state = reduced.state;
        for (const effect of reduced.effects) {
          if (effect.type === "emit") events.push(effect.change);
          if (effect.type === "check") monitor.requestCheck(effect.nodes);
          if (effect.type === "wakeAt") monitor.wakeAt(effect.at);
          if (effect.type === "addNode") monitor.addNode(effect.node);
          if (effect.type === "removeNode") monitor.removeNode(effect.node);
        }
        monitor.setUrgent(writableMaster(state) === null);
      },
    });
    closing.push(() => monitor.stop());
    monitor.addNode(servers.master.id);
    await eventually(() => [...state.nodes.values()].filter((node) => node.reachable).length === 3);
    const [b, c] = servers.replicas as [RedisProcess, RedisProcess];
    const master = () => writableMaster(state);
    expect(master()).toBe(servers.master.id);
    events.length = 0;
    const types = () => events.map((event) => event.type).filter((type) => !/^(node|role)/.test(type));
    const lastOffset = () => state.adopted?.lastOffset ?? 0;
    const lookLater = (node: RedisProcess, until: RedisProcess): void => {
      behind = { node: node.id, until: until.id };
    };
    return { a: servers.master, b, c, master, events, types, lastOffset, lookLater };
  }

  it("fault 1: kill -9 and promotion", async () => {
    const { a, b, master, types } = await stage();
    await a.kill9();
    await eventually(() => types().includes("failoverStarted"));
    await b.command("REPLICAOF", "NO", "ONE");
    await eventually(() => master() === b.id);
    expect(types()).toEqual(["failoverStarted", "historyChanged", "masterChanged", "failoverEnded"]);
  });

  it("fault 5: a planned FAILOVER raises no split", async () => {
    const { a, b, master, types, lookLater } = await stage();
    // What was last heard of the old master is older than what tells of the new one: it still names it.
    lookLater(a, b);
    await a.command("FAILOVER", "TO", b.host, b.port);
    await eventually(() => master() === b.id);
    expect(types()).toEqual(["failoverStarted", "historyChanged", "masterChanged", "failoverEnded"]);
  });

  it("fault 2: promoted while the old master lives: nobody, then the one to which the replica moves", async () => {
    const { a, b, c, master, types } = await stage({ arbitrationMs: 3_600_000 });
    await b.command("REPLICAOF", "NO", "ONE");
    await eventually(() => master() === null);
    await c.command("REPLICAOF", b.host, b.port);
    await eventually(() => master() === b.id);
    expect(types().at(-2)).toBe("masterChanged");
    await a.command("SET", "k", "written to the old one");
    await eventually(async () => Number((await a.info("replication")).get("connected_slaves")) === 0);
    expect(master()).toBe(b.id);
  });

  it("fault 2: promoted and left alone, the other replica stays: the old master goes on after arbitration", async () => {
    const { a, b, master, types } = await stage();
    await b.command("REPLICAOF", "NO", "ONE");
    await eventually(() => types().includes("splitBrain"));
    await eventually(() => master() === a.id);
    expect(types()).toEqual(["failoverStarted", "splitBrain", "failoverEnded"]);
  });

  // The file is the one that was written for the replicas' first sync: even a master without save points leaves it.
  it.each([
    { kind: "rolledBack", args: [], from: "the old RDB" },
    { kind: "unrelated", args: ["--dbfilename", "none.rdb"], from: "nothing" },
  ])("fault 8: a master that restarts from $from is told as a reset: $kind", async ({ kind, args }) => {
    const { a, master, events, lastOffset } = await stage();
    await a.command("SET", "k", "v");
    await eventually(() => lastOffset() > 0);
    await a.kill9();
    await a.restart({ args });
    await eventually(() => master() === a.id && events.some((event) => event.type === "historyReset"));
    expect(events.find((event) => event.type === "historyReset")).toMatchObject({ node: a.id, kind });
  });
});
