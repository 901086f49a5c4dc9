import { stripVTControlCharacters as bare } from "node:util";
import { describe, expect, it } from "vitest";
import { eventLine } from "../../../src/cli/monitor/event-line.js";
import { monitorFrame } from "../../../src/cli/monitor/frame.js";
import { countsIn, ratesBetween } from "../../../src/cli/monitor/rates.js";
import type { NodeDescription, Topology, TopologyChange } from "../../../src/client/types.js";

const topology: Topology = { version: 1, state: "noMaster", master: null, replicas: [], nodes: [] };
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const h1 = "1111111122222222333333334444444455555555";
const h2 = "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee";

describe("the line of an event", () => {
  it.each<[TopologyChange, string]>([
    [{ type: "nodeAdded", node: "a:1" }, "nodeAdded a:1"],
    [{ type: "nodeRemoved", node: "a:1" }, "nodeRemoved a:1"],
    [
      { type: "nodeHealth", node: "a:1", from: "up", to: "down", reason: "ECONNREFUSED" },
      "nodeHealth a:1: up → down (ECONNREFUSED)",
    ],
    [{ type: "roleChanged", node: "a:1", from: "master", to: "replica" }, "roleChanged a:1: master → replica"],
    [{ type: "masterChanged", from: null, to: "a:1", replid: h1 }, "masterChanged none → a:1 (history 11111111)"],
    [{ type: "masterChanged", from: "a:1", to: "b:2", replid: h2 }, "masterChanged a:1 → b:2 (history aaaaaaaa)"],
    [{ type: "splitBrain", claimants: ["a:1", "b:2"] }, "splitBrain a:1 and b:2 claim to be master: writes are held"],
    [{ type: "historyChanged", from: h1, to: h2, proven: true }, "historyChanged 11111111 → aaaaaaaa"],
    [
      { type: "historyChanged", from: h1, to: h2, proven: false },
      "historyChanged 11111111 → aaaaaaaa, NOT proven to continue it",
    ],
    [
      { type: "historyReset", node: "a:1", kind: "rolledBack", lastOffset: 7 },
      "historyReset a:1 came back with older data; last offset was 7",
    ],
    [
      { type: "historyReset", node: "a:1", kind: "unrelated", lastOffset: 7 },
      "historyReset a:1 came back with unrelated data, or none; last offset was 7",
    ],
    [
      {
        type: "writesLost",
        replid: h1,
        fromOffset: 10,
        toOffset: 20,
        count: { min: 1, max: 3 },
        unproven: 2,
        keys: ["secret-key"],
        keysComplete: true,
      },
      "writesLost 1 to 3 writes of history 11111111, offsets 10 to 20",
    ],
    [{ type: "failoverStarted", reason: "master a:1 is gone" }, "failoverStarted master a:1 is gone"],
    [{ type: "failoverEnded", master: "b:2", durationMs: 12.4 }, "failoverEnded b:2 after 12 ms"],
  ])("%s", (change, line) => {
    expect(eventLine({ ...change, at, topology })).toBe(`03:04:05.006 ${line}`);
  });
});

describe("rates", () => {
  const stats = new Map([
    ["cmdstat_get", "calls=10,usec=1"],
    ["cmdstat_mget", "calls=5,usec=1"],
    ["cmdstat_set", "calls=7,usec=1"],
    ["cmdstat_config|get", "calls=100,usec=1"],
    ["cmdstat_object|encoding", "calls=2,usec=1"],
    ["cmdstat_nosuch", "calls=100,usec=1"],
    ["total", "calls=100"],
  ]);

  it("count what reads and what writes data", () => {
    expect(countsIn(stats, 3)).toEqual({ at: 3, reads: 15, writes: 7 });
  });

  it.each([
    ["no former look", undefined, { at: 2000, reads: 5, writes: 5 }, null],
    ["two looks", { at: 1000, reads: 5, writes: 5 }, { at: 3000, reads: 25, writes: 6 }, { reads: 10, writes: 1 }],
    ["a server that began anew", { at: 1000, reads: 5, writes: 5 }, { at: 3000, reads: 1, writes: 6 }, null],
    ["two looks at once", { at: 1000, reads: 5, writes: 5 }, { at: 1000, reads: 6, writes: 6 }, null],
  ])("between %s", (_, former, latter, rates) => {
    expect(ratesBetween(former, latter)).toEqual(rates);
  });
});

describe("the frame", () => {
  const node = (id: string, over: Partial<NodeDescription>): NodeDescription => ({
    id,
    aliases: [],
    host: "h",
    port: 1,
    role: "replica",
    health: "up",
    circuit: "closed",
    zone: null,
    tags: {},
    runId: null,
    replid: h1,
    offset: 1234,
    lagBytes: 0,
    stalenessMs: 12.3,
    latencyMs: 0.456,
    inFlight: 0,
    ...over,
  });

  it("has the master first, a second claimant in doubt, and the events below", () => {
    const master = node("m:1", { role: "master", stalenessMs: null });
    const nodes = [
      node("a:1", {}),
      node("b:1", {
        health: "down",
        reason: "timeout",
        offset: null,
        lagBytes: null,
        stalenessMs: null,
        latencyMs: null,
      }),
      node("x:1", { role: "master" }),
      master,
    ];
    const shown = monitorFrame({
      topology: { ...topology, state: "stable", master, nodes },
      rates: new Map([["a:1", { reads: 1500, writes: 2 }]]),
      events: ["one", "two"],
    }).map((line) => bare(line).replace(/ +/g, " "));
    expect(shown[0]).toBe("stable, master m:1");
    expect(shown.slice(4)).toEqual([
      "| m:1 | master | up | 1,234 | 0 B | – | 0.46 ms | – | – |",
      "| x:1 | master? | up | 1,234 | 0 B | – | 0.46 ms | – | – |",
      "| a:1 | replica | up | 1,234 | 0 B | 12 ms | 0.46 ms | 1,500 | 2 |",
      "| b:1 | replica | down timeout | – | – | – | – | – | – |",
      "",
      "one",
      "two",
    ]);
  });

  it("says who rests from reads and why, and shows zones and tags where there are any", () => {
    const nodes = [
      node("a:1", {
        circuit: "open",
        reason: "5 of 9 reads failed",
        zone: "eu-1a",
        tags: { use: "reports", disk: "ssd" },
      }),
      node("b:1", { circuit: "halfOpen", reason: "5 of 9 reads failed" }),
      node("c:1", { circuit: "open", health: "down", reason: "timeout" }),
    ];
    const shown = monitorFrame({ topology: { ...topology, nodes }, rates: new Map(), events: [] })
      .map((line) => bare(line).replace(/ +/g, " "))
      .map((line) => line.split(" | ").slice(0, 5).join(" | "));
    expect(shown[2]).toBe("| node | role | health | zone | tags");
    expect(shown.slice(4, 7)).toEqual([
      "| a:1 | replica | up, resting: 5 of 9 reads failed | eu-1a | use=reports, disk=ssd",
      "| b:1 | replica | up, on trial: 5 of 9 reads failed | – | –",
      "| c:1 | replica | down timeout | – | –",
    ]);
  });

  it("says what is wrong instead of a master", () => {
    expect(bare(monitorFrame({ topology, rates: new Map(), events: [] })[0] ?? "")).toBe("noMaster");
  });
});
