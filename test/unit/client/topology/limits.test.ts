import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { SentinelWatcher } from "../../../../src/client/connection/sentinel.js";
import { LinkTable } from "../../../../src/client/consistency/history.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { detach } from "../../../../src/client/topology/adopt.js";
import { openDraft } from "../../../../src/client/topology/draft.js";
import { initialTopology, reduce } from "../../../../src/client/topology/reduce.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import type { ReplicationInfo } from "../../../../src/protocol/replication-info.js";

const hosts = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ host: `10.0.${i >> 8}.${i & 255}`, port: 1 }));
/** What a master with the run id "run" says, whatever it is called. */
const POLL = {
  type: "poll",
  generation: 1,
  info: {
    role: "master",
    replid: "h1",
    replid2: null,
    offset: 100,
    linkUp: true,
    replicas: [],
  } as unknown as ReplicationInfo,
  runId: "run",
  loading: false,
  latencyMs: 1,
} as const;
const state = () => initialTopology(resolveOptions("seed:1"), [{ id: "seed:1", host: "seed", port: 1 }]);

describe("what others say fills no memory", () => {
  it("of a name's addresses 64 are nodes", () => {
    const { state: after } = reduce(state(), { type: "lookup", at: 1, name: "seed:1", addresses: hosts(1000) });
    expect(after.nodes.size).toBe(64);
    expect(after.names.get("seed:1")?.addresses).toHaveLength(64);
  });

  it("of the addresses that a name shows one after another 64 are nodes, and of those that serve none is put out", () => {
    const replicas = hosts(200);
    const seeds = ["master:1", "seed:1"].map((id) => ({ id, host: id.slice(0, -2), port: 1 }));
    let now = initialTopology(resolveOptions({ nodes: ["master:1", "seed:1"] }), seeds);
    const look = (address: (typeof replicas)[number] | undefined, at: number): void => {
      if (address === undefined) throw new Error("there is no such address");
      now = reduce(now, { type: "lookup", at, name: "seed:1", addresses: [address] }).state;
    };
    const poll = (node: string, at: number, info: object = {}): void => {
      const said = { ...POLL.info, ...info };
      now = reduce(now, { ...POLL, node, at, sentAt: at, seq: at, info: said, runId: `of ${node}` }).state;
    };
    poll("master:1", 1);
    const replica = { role: "replica", masterHost: "master", masterPort: 1 };
    poll("seed:1", 2, replica);
    // The first one alone makes no node yet.
    const first = replicas.slice(1, 60).map(({ host }) => `${host}:1`);
    for (const [i, address] of replicas.entries()) {
      look(address, 10 + i);
      if (i < 60) poll(`${address.host}:1`, 10 + i, replica);
    }
    const known = now.names.get("seed:1")?.addresses.map(({ id }) => id) ?? [];
    expect(known).toHaveLength(64);
    expect(known).toEqual(expect.arrayContaining([...first, `${replicas.at(-1)?.host}:1`]));
  });

  it("of the addresses that a name has left out 64 are remembered", () => {
    let now = state();
    for (let i = 0; i < 200; i += 2) {
      now = reduce(now, { type: "lookup", at: i, name: "seed:1", addresses: hosts(202).slice(i, i + 2) }).state;
    }
    expect(now.names.get("seed:1")).toMatchObject({ shows: "all", answer: ["10.0.0.198:1", "10.0.0.199:1"] });
    expect(now.names.get("seed:1")?.former).toHaveLength(64);
    expect(now.names.get("seed:1")?.former.at(-1)).toBe("10.0.0.197:1");
  });

  it("of the nodes that a Sentinel lists 256 are", () => {
    const [master, ...replicas] = hosts(1000);
    const { state: after } = reduce(state(), {
      type: "sentinel",
      at: 1,
      sentinel: "s:1",
      master: master as { host: string; port: number },
      replicas,
    });
    expect(after.nodes.size).toBe(256);
  });

  it("of a server's addresses the newest 64 are told from nodes, and those that the application named", () => {
    const seeds = ["seed:1", "other:1"].map((id) => ({ id, host: id.slice(0, -2), port: 1 }));
    let now = initialTopology(resolveOptions({ nodes: ["seed:1", "other:1"] }), seeds);
    const poll = (node: string, at: number): void => {
      now = reduce(now, { ...POLL, node, at, sentAt: at, seq: at }).state;
    };
    poll("seed:1", 1);
    poll("other:1", 2);
    for (const [i, host] of hosts(100).entries()) {
      now = reduce(now, { type: "sentinel", at: 3, sentinel: "s:1", master: host, replicas: [] }).state;
      poll(`${host.host}:1`, 3 + i);
    }
    const aliases = now.nodes.get("seed:1")?.aliases ?? [];
    expect([...now.nodes.keys()]).toEqual(["seed:1"]);
    expect(aliases).toHaveLength(64);
    expect([...now.aliasOf.keys()].sort()).toEqual([...aliases].sort());
    expect(aliases[0]).toBe("other:1");
    expect(aliases.at(-1)).toBe("10.0.0.99:1");
  });

  it("of the Sentinels that others name 32 are asked", async () => {
    const asked: string[] = [];
    const end = new Error("there is none");
    /** A Sentinel that knows 1,000 others. */
    const open = ({ host }: { readonly host: string }): Redis => {
      asked.push(host);
      const call = (_sentinel: string, word: string): Promise<unknown> => {
        const others = hosts(1000).map((one) => ({ ip: one.host, port: String(one.port), flags: "sentinel" }));
        return Promise.resolve(word === "get-master-addr-by-name" ? ["m", "1"] : word === "replicas" ? [] : others);
      };
      const redis = { connect: async () => {}, disconnect() {}, call, subscribe: () => Promise.reject(end) };
      return Object.assign(new EventEmitter(), redis) as unknown as Redis;
    };
    const watcher = new SentinelWatcher({
      clock: new ManualClock(),
      random: seededRandom(1),
      sentinels: [{ host: "10.0.0.7", port: 1 }],
      name: "mymaster",
      updateSentinels: true,
      pollIntervalMs: 1000,
      timeoutMs: 1000,
      open,
      onInput: () => {},
      onUnreachable: () => {},
    });
    watcher.start();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    watcher.stop();
    expect(new Set(asked).size).toBe(32);
    expect(asked[0]).toBe("10.0.0.7");
  });

  it("of histories that were left the newest 64 are remembered", () => {
    const draft = openDraft(state(), 1);
    for (let i = 0; i < 100; i++) detach(draft, `history ${i}`, "seed:1");
    expect(draft.detached.size).toBe(64);
    expect(draft.detached.has("history 99")).toBe(true);
  });

  it("of links between histories too", () => {
    const links = new LinkTable();
    for (let i = 0; i < 100; i++) links.add({ from: `h${i}`, to: `h${i + 1}`, at: i });
    expect(links.size).toBe(64);
    expect(links.forkOf("h99", "h100")).toBe(99);
  });
});
