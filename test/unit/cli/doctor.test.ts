import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { diagnose, isProblem, RULES } from "../../../src/cli/doctor/diagnose.js";
import type { DeploymentFacts, NodeFacts, SentinelFacts, Severity } from "../../../src/cli/doctor/facts.js";
import { asText } from "../../../src/cli/doctor/run.js";
import type { ReplicationInfo } from "../../../src/protocol/replication-info.js";
import { replicationInfo } from "./support/replication-info.js";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const MB = 2 ** 20;

/** A directive left out of a node's answer is written as null. */
interface Change {
  replication?: Partial<ReplicationInfo> | null;
  info?: Record<string, string>;
  settings?: Record<string, string> | null;
  rest?: Partial<NodeFacts>;
}

const SETTINGS = {
  appendonly: "yes",
  save: "3600 1",
  "repl-backlog-size": String(100 * MB),
  "client-output-buffer-limit": `normal 0 0 0 slave ${256 * MB} ${64 * MB} 60 pubsub 0 0 0`,
  "min-replicas-to-write": "1",
  "replica-read-only": "yes",
  "replica-serve-stale-data": "yes",
  "replica-ignore-maxmemory": "yes",
  "repl-timeout": "60",
  "repl-ping-replica-period": "10",
  maxmemory: String(1000 * MB),
  "maxmemory-policy": "noeviction",
  masterauth: "(set)",
  requirepass: "(set)",
  "protected-mode": "yes",
  bind: "*",
};

const INFO = {
  redis_version: "7.0.15",
  redis_mode: "standalone",
  uptime_in_seconds: "1000",
  used_memory: String(100 * MB),
  rdb_last_bgsave_status: "ok",
  aof_last_write_status: "ok",
  sync_full: "2",
  sync_partial_err: "0",
  process_supervised: "no",
};

function node(
  id: string,
  own: Partial<ReplicationInfo>,
  { replication, info, settings, rest }: Change = {},
): NodeFacts {
  return {
    id: `${id}:6379`,
    aliases: [],
    toldBy: null,
    problem: null,
    replication: replication === null ? null : replicationInfo({ ...own, ...replication }),
    info: new Map(Object.entries({ ...INFO, ...info })),
    settings: settings === null ? null : new Map(Object.entries({ ...SETTINGS, ...settings })),
    denied: [],
    growth: { seconds: 2, bytes: 2000, fullSyncs: 0 },
    clock: { aheadMs: 3, errorMs: 1 },
    certificateEndsAt: NOW + 100 * DAY,
    passwordInPlainText: false,
    ...rest,
  };
}

const listed = ["b", "c"].map((host) => ({ host, port: 6379, state: "online", offset: 100_000, lagS: 0 }));
const M = (change?: Change) => node("a", { replicas: listed, goodReplicas: 2 }, change);
const R = (id: string, change?: Change) => node(id, { role: "replica", masterHost: "a", masterPort: 6379 }, change);

const S = (id: string, over: Partial<SentinelFacts> = {}): SentinelFacts => ({
  id,
  problem: null,
  master: "a:6379",
  quorum: 2,
  downAfterMs: 5000,
  replicas: 2,
  others: 2,
  ...over,
});
const watched = [S("s1"), S("s2"), S("s3")];

function facts(over: Partial<DeploymentFacts> = {}): DeploymentFacts {
  return { nodes: [M(), R("b"), R("c")], sentinels: watched, at: NOW, failoverTimeoutMs: 10_000, ...over };
}

const nodes = (...list: NodeFacts[]): Partial<DeploymentFacts> => ({ nodes: list });
const gone: Change = { replication: null, rest: { problem: "connect ECONNREFUSED" } };

/** What is wrong with a healthy deployment, changed so: rule, weight, node. */
const TABLE: readonly [rule: string, severity: Severity, node: string | null, change: Partial<DeploymentFacts>][] = [
  ["unreachable", "critical", "c:6379", nodes(M(), R("b"), R("c", gone))],
  [
    "told-address-unreachable",
    "warning",
    "c:6379",
    nodes(M(), R("b"), R("c", { ...gone, rest: { problem: "timeout", toldBy: "a:6379" } })),
  ],
  ["no-master", "critical", null, { ...nodes(R("b"), R("c")), sentinels: [] }],
  [
    "split-brain",
    "critical",
    null,
    nodes(M(), R("b"), node("c", { replid: "h2", replid2: "h1", replicas: listed, goodReplicas: 1 })),
  ],
  [
    "no-replica",
    "warning",
    "a:6379",
    { ...nodes(M({ replication: { replicas: [], goodReplicas: 1 } })), sentinels: [] },
  ],
  [
    "link-down",
    "critical",
    "b:6379",
    nodes(M(), R("b", { replication: { linkUp: false, linkDownSinceS: 7 } }), R("c")),
  ],
  [
    "syncing",
    "warning",
    "b:6379",
    nodes(M(), R("b", { replication: { linkUp: false, syncInProgress: true } }), R("c")),
  ],
  ["other-history", "critical", "b:6379", nodes(M(), R("b", { replication: { replid: "h9" } }), R("c"))],
  [
    "late-replica",
    "warning",
    "b:6379",
    nodes(
      M({ replication: { offset: 100_000 + 2 * MB } }),
      R("b"),
      R("c", { replication: { offset: 100_000 + 2 * MB } }),
    ),
  ],
  [
    "late-replica",
    "warning",
    "c:6379",
    nodes(
      M({ replication: { replicas: listed.map((one) => ({ ...one, lagS: one.host === "c" ? 9 : 0 })) } }),
      R("b"),
      R("c"),
    ),
  ],
  ["chained-replica", "info", "c:6379", nodes(M(), R("b"), R("c", { replication: { masterHost: "b" } }))],
  ["two-addresses", "info", "b:6379", nodes(M(), R("b", { rest: { aliases: ["b2:6379"] } }), R("c"))],
  ["versions", "critical", "b:6379", nodes(M(), R("b", { info: { redis_version: "6.2.14" } }), R("c"))],
  ["versions", "info", "b:6379", nodes(M(), R("b", { info: { redis_version: "7.2.1" } }), R("c"))],
  ["cluster-mode", "critical", "b:6379", nodes(M(), R("b", { info: { redis_mode: "cluster" } }), R("c"))],
  ["loading", "warning", "b:6379", nodes(M(), R("b", { info: { loading: "1" } }), R("c"))],
  ["restart-empties-all", "warning", "a:6379", nodes(M({ settings: { appendonly: "no", save: "" } }), R("b"), R("c"))],
  [
    "restart-empties-all",
    "critical",
    "a:6379",
    nodes(M({ settings: { appendonly: "no", save: "" }, info: { process_supervised: "systemd" } }), R("b"), R("c")),
  ],
  ["saving-fails", "critical", "c:6379", nodes(M(), R("b"), R("c", { info: { rdb_last_bgsave_status: "err" } }))],
  ["full-resyncs", "warning", "a:6379", nodes(M({ info: { sync_partial_err: "3" } }), R("b"), R("c"))],
  [
    "full-resyncs",
    "critical",
    "a:6379",
    nodes(M({ rest: { growth: { seconds: 2, bytes: 0, fullSyncs: 1 } } }), R("b"), R("c")),
  ],
  [
    "small-backlog",
    "warning",
    "a:6379",
    nodes(M({ rest: { growth: { seconds: 2, bytes: 8 * MB, fullSyncs: 0 } } }), R("b"), R("c")),
  ],
  [
    "replica-output-buffer",
    "warning",
    "a:6379",
    nodes(
      M({
        settings: { "client-output-buffer-limit": "slave 1048576 0 0", "repl-backlog-size": String(1000 * MB) },
        rest: { growth: { seconds: 2, bytes: 8 * MB, fullSyncs: 0 } },
      }),
      R("b"),
      R("c"),
    ),
  ],
  ["min-replicas", "warning", "a:6379", nodes(M({ settings: { "min-replicas-to-write": "0" } }), R("b"), R("c"))],
  ["min-replicas", "warning", "c:6379", nodes(M(), R("b"), R("c", { settings: { "min-replicas-to-write": "0" } }))],
  ["min-replicas", "critical", "a:6379", nodes(M({ replication: { goodReplicas: 0 } }), R("b"), R("c"))],
  ["writable-replica", "critical", "b:6379", nodes(M(), R("b", { settings: { "replica-read-only": "no" } }), R("c"))],
  [
    "nobody-to-promote",
    "critical",
    null,
    nodes(M(), R("b", { replication: { priority: 0 } }), R("c", { replication: { priority: 0 } })),
  ],
  ["repl-timeout", "critical", "b:6379", nodes(M(), R("b", { settings: { "repl-timeout": "10" } }), R("c"))],
  ["repl-timeout", "warning", "b:6379", nodes(M(), R("b", { settings: { "repl-timeout": "29" } }), R("c"))],
  [
    "refuses-when-stale",
    "info",
    "b:6379",
    nodes(M(), R("b", { settings: { "replica-serve-stale-data": "no" } }), R("c")),
  ],
  [
    "eviction-differs",
    "warning",
    "b:6379",
    nodes(M(), R("b", { settings: { "maxmemory-policy": "allkeys-lru" } }), R("c")),
  ],
  [
    "replica-evicts",
    "warning",
    "b:6379",
    nodes(M(), R("b", { settings: { "replica-ignore-maxmemory": "no" } }), R("c")),
  ],
  ["less-memory", "warning", "b:6379", nodes(M(), R("b", { settings: { maxmemory: String(500 * MB) } }), R("c"))],
  ["memory-full", "warning", "a:6379", nodes(M({ info: { used_memory: String(950 * MB) } }), R("b"), R("c"))],
  ["clock-skew", "warning", "b:6379", nodes(M(), R("b", { rest: { clock: { aheadMs: 2000, errorMs: 1 } } }), R("c"))],
  ["masterauth-missing", "critical", "b:6379", nodes(M(), R("b", { settings: { masterauth: "" } }), R("c"))],
  ["masterauth-missing", "warning", "a:6379", nodes(M({ settings: { masterauth: "" } }), R("b"), R("c"))],
  [
    "open-to-all",
    "critical",
    "b:6379",
    nodes(M(), R("b", { settings: { requirepass: "", "protected-mode": "no" } }), R("c")),
  ],
  ["password-in-plain-text", "warning", "b:6379", nodes(M(), R("b", { rest: { passwordInPlainText: true } }), R("c"))],
  ["certificate", "warning", "b:6379", nodes(M(), R("b", { rest: { certificateEndsAt: NOW + 10 * DAY } }), R("c"))],
  ["certificate", "critical", "b:6379", nodes(M(), R("b", { rest: { certificateEndsAt: NOW - 1 } }), R("c"))],
  ["missing-rights", "warning", "a:6379", nodes(M({ rest: { denied: ["client|kill"] } }), R("b"), R("c"))],
  ["missing-rights", "info", "a:6379", nodes(M({ rest: { denied: ["wait"] } }), R("b"), R("c"))],
  ["settings-hidden", "info", "b:6379", nodes(M(), R("b", { settings: null }), R("c"))],
  ["sentinel-unreachable", "warning", "s3", { sentinels: [S("s1"), S("s2"), S("s3", { problem: "timeout" })] }],
  [
    "sentinel-unreachable",
    "critical",
    "s2",
    { sentinels: [S("s1"), S("s2", { problem: "timeout" }), S("s3", { problem: "timeout" })] },
  ],
  ["few-sentinels", "warning", null, { sentinels: [S("s1", { others: 1 }), S("s2", { others: 1 })] }],
  ["sentinel-quorum", "critical", "s1", { sentinels: [S("s1", { quorum: 4 }), S("s2"), S("s3")] }],
  ["sentinel-quorum", "warning", "s1", { sentinels: [S("s1", { quorum: 1 }), S("s2"), S("s3")] }],
  ["sentinels-disagree", "critical", null, { sentinels: [S("s1", { master: "b:6379" }), S("s2"), S("s3")] }],
  ["sentinel-names-another", "critical", "s1", { sentinels: [S("s1", { master: "b:6379" }), S("s2"), S("s3")] }],
  [
    "sentinel-slower-than-clients",
    "warning",
    "s1",
    { sentinels: [S("s1", { downAfterMs: 30_000 }), S("s2"), S("s3")] },
  ],
  ["sentinel-misses-replicas", "warning", "s1", { sentinels: [S("s1", { replicas: 1 }), S("s2"), S("s3")] }],
];

describe("the doctor", () => {
  it("finds nothing in a healthy deployment, with Sentinels or without", () => {
    expect(diagnose(facts())).toEqual([]);
    expect(diagnose(facts({ sentinels: [] }))).toEqual([]);
  });

  it.each(TABLE)("%s (%s)", (rule, severity, place, change) => {
    const found = diagnose(facts(change));
    expect(found).toContainEqual(expect.objectContaining({ rule, severity, node: place }));
    for (const { seen, why, advice } of found) for (const text of [seen, why, advice]) expect(text).toMatch(/^\S.{5}/);
  });

  it("has a row of the table for each rule", () => {
    const told = new Set(TABLE.map(([rule]) => rule));
    expect(RULES.map(({ id }) => id).filter((id) => !told.has(id))).toEqual([]);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });

  it("most changes bring one finding and no other", () => {
    const alone = TABLE.filter(([, , , change]) => diagnose(facts(change)).length === 1);
    expect(alone.length).toBeGreaterThan(TABLE.length * 0.75);
  });

  it("puts the worst first, and doesn't call a problem what is merely worth knowing", () => {
    const change = {
      nodes: [M({ rest: { denied: ["wait"] } }), R("b", { settings: { "replica-read-only": "no" } }), R("c")],
    };
    const found = diagnose(facts(change));
    expect(found.map(({ severity }) => severity)).toEqual(["critical", "info"]);
    expect(found.map(isProblem)).toEqual([true, false]);
    expect(asText(facts(change), found)).toMatch(
      /critical.*b:6379: replica-read-only is no[\s\S]*why: [\s\S]*do: [\s\S]*1 problem \(/,
    );
  });

  it("the page lists every rule", () => {
    const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
    expect(RULES.map(({ id }) => id).filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  });
});
