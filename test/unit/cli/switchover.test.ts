import { describe, expect, it } from "vitest";
import { compareVersions, type PlanNode, type PlanRequest, planSwitchover } from "../../../src/cli/switchover/plan.js";
import { type Handover, verifyHandover } from "../../../src/cli/switchover/verify.js";
import type { ReplicationInfo } from "../../../src/protocol/replication-info.js";
import { replicationInfo } from "./support/replication-info.js";

const info = (over: Partial<ReplicationInfo> = {}): ReplicationInfo =>
  replicationInfo({ offset: 1000, backlogLength: 1000, ...over });

const replicaInfo = (over: Partial<ReplicationInfo> = {}): ReplicationInfo =>
  info({ role: "replica", masterHost: "M", masterPort: 1, ...over });

type Settings = Record<string, string>;
function node(id: string, replication: ReplicationInfo, settings: Settings | null = {}, version = "7.0.15"): PlanNode {
  const map = settings === null ? null : new Map(Object.entries(settings));
  return { id, aliases: [`${id}-alias`], replication, version, loading: false, settings: map };
}

const master = (over: Partial<ReplicationInfo> = {}, settings: Settings | null = {}, version?: string) =>
  node("M", info(over), settings, version);
const replica = (id: string, over: Partial<ReplicationInfo> = {}, settings: Settings | null = {}, version?: string) =>
  node(id, replicaInfo(over), settings, version);

function plan(nodes: readonly PlanNode[], over: Partial<PlanRequest> = {}) {
  const listed = new Map(nodes.filter(({ id }) => id !== "M").map(({ id }, index) => [id, { host: id, port: index }]));
  return planSwitchover(nodes, { to: null, force: false, maxLagBytes: 100, listed, unreachable: [], ...over });
}

describe("the plan of a switchover", () => {
  it("takes the lowest priority above 0, then the most data; the others are to follow", () => {
    const nodes = [
      master(),
      replica("A", { priority: 0, offset: 1000 }),
      replica("B", { priority: 50, offset: 950 }),
      replica("C", { priority: 50, offset: 990 }),
      replica("D", { priority: 100, offset: 1000 }),
    ];
    expect(plan(nodes)).toMatchObject({
      from: "M",
      to: "C",
      address: { host: "C" },
      repoint: ["A", "B", "D"],
      refusals: [],
    });
    expect(plan(nodes, { to: "B-alias" })).toMatchObject({ to: "B", refusals: [] });
  });

  it.each<[string, readonly PlanNode[], Partial<PlanRequest>, RegExp]>([
    ["no master", [replica("A")], {}, /no node that answers is a master/],
    ["two masters", [master(), node("N", info())], {}, /M and N both are masters/],
    ["no replica", [master()], {}, /no replica in sync/],
    ["only one that is never to be master", [master(), replica("A", { priority: 0 })], {}, /no replica in sync/],
    ["a link that is down", [master(), replica("A", { linkUp: false })], { to: "A" }, /link of A .* down/],
    ["a full resync", [master(), replica("A", { syncInProgress: true })], { to: "A" }, /full resync/],
    ["another history", [master(), replica("A", { replid: "h9" })], { to: "A" }, /another history/],
    ["too far behind", [master(), replica("A", { offset: 899 })], {}, /A is 101 bytes behind, 100 are allowed/],
    ["a version without FAILOVER", [master({}, {}, "6.0.16"), replica("A")], {}, /runs Redis 6.0.16/],
    ["an older replica", [master(), replica("A", {}, {}, "7.0.9")], {}, /A runs 7.0.9, the master 7.0.15/],
    ["a FAILOVER under way", [master({ failoverState: "waiting-for-sync" }), replica("A")], {}, /already under way/],
    ["a master that loads", [{ ...master(), loading: true }, replica("A")], {}, /M is loading/],
    ["a stranger", [master(), replica("A")], { to: "X" }, /X is no node of this deployment/],
    ["the master itself", [master(), replica("A")], { to: "M" }, /M is the master already/],
    [
      "a sub-replica",
      [master(), replica("A"), replica("B")],
      { to: "B", listed: new Map([["A", { host: "A", port: 1 }]]) },
      /B is no direct replica/,
    ],
    [
      "an old master that couldn't log in",
      [master({}, { masterauth: "" }), replica("A", {}, { requirepass: "(set)" })],
      {},
      /A wants a password and M has no masterauth/,
    ],
  ])("refuses %s", (_, nodes, request, refusal) => {
    expect(plan(nodes, request).refusals.join("; ")).toMatch(refusal);
  });

  it("with force a replica may be behind", () => {
    expect(plan([master(), replica("A", { offset: 1 })], { force: true })).toMatchObject({ to: "A", refusals: [] });
  });

  it.each<[string, readonly PlanNode[], Partial<PlanRequest>, RegExp]>([
    [
      "less memory",
      [master({}, { maxmemory: "200" }), replica("A", {}, { maxmemory: "100" })],
      {},
      /maxmemory of A is 100/,
    ],
    [
      "no persistence",
      [master({}, { save: "3600 1" }), replica("A", {}, { save: "", appendonly: "no" })],
      {},
      /keeps its data/,
    ],
    [
      "too many wanted replicas",
      [master(), replica("A", {}, { "min-replicas-to-write": "2" })],
      {},
      /wants 2 replicas/,
    ],
    ["priority 0", [master(), replica("A", { priority: 0 })], { to: "A" }, /replica-priority 0/],
    ["hidden settings", [master({}, null), replica("A")], {}, /M doesn't tell its settings/],
    [
      "nodes that don't answer",
      [master(), replica("A")],
      { unreachable: [{ node: "Z", reason: "gone" }] },
      /Z can't be asked/,
    ],
  ])("warns of %s, and goes", (_, nodes, request, warning) => {
    const { refusals, warnings, to } = plan(nodes, request);
    expect(refusals).toEqual([]);
    expect(to).toBe("A");
    expect(warnings.join("; ")).toMatch(warning);
  });

  it.each([
    ["7.0.15", "7.0.9", 1],
    ["7.0", "7.0.0", 0],
    ["6.2.14", "7.0.0", -1],
    [null, "7.0.0", 0],
  ])("compares version %s with %s", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});

describe("the verification of a switchover", () => {
  const handover: Handover = {
    from: { id: "M", replid: "h1", offset: 1000 },
    to: { id: "A", info: info({ replid: "h2", replid2: "h1", secondReplOffset: 1001 }), fullSyncsMore: 0 },
    old: replicaInfo({ replid: "h2" }),
    others: [{ id: "B", info: replicaInfo({ replid: "h2" }) }],
  };
  const failing = (over: Partial<Handover>): string[] =>
    verifyHandover({ ...handover, ...over }).flatMap(({ check, ok }) => (ok ? [] : [check]));

  it("finds nothing wrong with one that is complete", () => {
    expect(failing({})).toEqual([]);
    expect(verifyHandover(handover)).toHaveLength(6);
  });

  it.each<[string, Partial<Handover>, RegExp]>([
    ["who is no master", { to: { ...handover.to, info: replicaInfo({ replid: "h1" }) } }, /new master is master/],
    ["a stranger", { to: { ...handover.to, info: info({ replid: "h2", replid2: "h7" }) } }, /descends/],
    [
      "one byte that is missing",
      { to: { ...handover.to, info: info({ replid: "h2", replid2: "h1", secondReplOffset: 1000 }) } },
      /all that the old master/,
    ],
    ["an old master that stayed one", { old: info() }, /old master follows/],
    ["an old master that is silent", { old: null }, /old master follows/],
    ["a replica with its link down", { others: [{ id: "B", info: replicaInfo({ linkUp: false }) }] }, /B follows it/],
    ["a replica of the old history", { others: [{ id: "B", info: replicaInfo({ replid: "h1" }) }] }, /B follows it/],
    ["a full resync", { to: { ...handover.to, fullSyncsMore: 1 } }, /full resync/],
  ])("finds %s", (_, over, wrong) => {
    expect(failing(over).join("; ")).toMatch(wrong);
  });
});
