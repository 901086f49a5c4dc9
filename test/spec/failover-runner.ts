import { serves, topologyState, unrivalledUntil, unroutable } from "../../src/client/topology/describe.js";
import type { Effect } from "../../src/client/topology/effects.js";
import type { PollInput, TopologyInput } from "../../src/client/topology/input.js";
import { initialTopology, reduce, writableMaster } from "../../src/client/topology/reduce.js";
import type { TopologyConfig, TopologyState } from "../../src/client/topology/state.js";
import type { ReplicationInfo } from "../../src/protocol/replication-info.js";

/** A case is data: names stand for nodes (`A` = host A, port 6379), words for histories. */
export interface Case {
  readonly name: string;
  readonly config?: Partial<Record<keyof TopologyConfig, unknown>>;
  readonly seeds: readonly string[];
  /** Steps of this name in the file's `setups` go first. */
  readonly setup?: string;
  readonly steps: readonly Step[];
}

type Json = Record<string, unknown>;
type Step = Json;

export interface Table {
  readonly about: string;
  readonly setups: Record<string, readonly Step[]>;
  readonly cases: readonly Case[];
}

const DEFAULTS: TopologyConfig = {
  pollIntervalMs: 1000,
  heartbeatTimeoutMs: 1000,
  arbitrationMs: 2000,
  failoverTimeoutMs: 10_000,
  onSplitBrain: "newest",
  onHistoryReset: "follow",
  discoverReplicas: true,
  lookupIntervalMs: 10_000,
  natMap: null,
};

const PORT = 6379;

/** Throws on any key that is not in `allowed`: a misspelt expectation would otherwise pass for ever. */
function only(value: object, allowed: readonly string[], what: string): void {
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) throw new Error(`unknown key "${key}" in ${what}; known: ${allowed.join(", ")}`);
  }
}

const id = (name: unknown): string => (String(name).includes(":") ? String(name) : `${String(name)}:${PORT}`);
const short = (node: string): string => node.replace(`:${PORT}`, "");
const address = (name: unknown) => {
  const text = id(name);
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
};

const POLL = [
  "at",
  "poll",
  "sent",
  "seq",
  "gen",
  "run",
  "loading",
  "known",
  "role",
  "replid",
  "offset",
  "replid2",
  "second",
  "of",
  "link",
  "sync",
  "lastIo",
  "replicas",
  "failover",
  "downSince",
  "expect",
];

function pollInput(step: Json, seq: number): PollInput {
  only(step, POLL, "a poll");
  const at = step["at"] as number;
  const role = (step["role"] ?? "master") as "master" | "replica";
  const of = step["of"] === undefined ? null : address(step["of"]);
  if ((role === "replica") !== (of !== null))
    throw new Error("a replica, and only a replica, says whom it follows (of)");
  const info: ReplicationInfo = {
    role,
    replid: (step["replid"] ?? "h1") as string,
    replid2: (step["replid2"] ?? null) as string | null,
    secondReplOffset: (step["second"] ?? -1) as number,
    offset: (step["offset"] ?? 100) as number,
    backlogActive: true,
    backlogFirstByte: 1,
    backlogLength: 100,
    masterHost: of?.host ?? null,
    masterPort: of?.port ?? null,
    linkUp: step["link"] !== "down",
    syncInProgress: step["sync"] === true,
    lastIoS: role === "master" ? null : ((step["lastIo"] ?? 0) as number),
    linkDownSinceS: (step["downSince"] ?? null) as number | null,
    priority: 100,
    announced: true,
    failoverState: (step["failover"] ?? "no-failover") as string,
    goodReplicas: null,
    replicas: ((step["replicas"] ?? []) as string[]).map((name) => ({
      ...address(name),
      state: "online",
      offset: 0,
      lagS: 0,
    })),
  };
  const run = step["run"];
  return {
    type: "poll",
    at,
    node: id(step["poll"]),
    sentAt: (step["sent"] ?? at - 1) as number,
    seq: (step["seq"] ?? seq) as number,
    generation: (step["gen"] ?? 1) as number,
    info,
    runId: run === null ? null : String(run ?? `run-${String(step["poll"])}`),
    loading: step["loading"] === true,
    latencyMs: 1,
    ...(step["known"] === undefined ? {} : { known: step["known"] as { replid: string; offset: number } }),
  };
}

function toInput(step: Json, seq: number): TopologyInput {
  const at = step["at"] as number;
  if (typeof at !== "number") throw new Error(`a step without a time: ${JSON.stringify(step)}`);
  if ("poll" in step) return pollInput(step, seq);
  if ("fail" in step) {
    only(step, ["at", "fail", "kind", "sent", "seq", "gen", "reason", "expect"], "a failure");
    const kind = (step["kind"] ?? "connect") as "connect";
    const sentAt = (step["sent"] ?? at - 1) as number;
    const reason = (step["reason"] ?? kind) as string;
    return {
      type: "pollFailed",
      at,
      node: id(step["fail"]),
      sentAt,
      seq: (step["seq"] ?? seq) as number,
      generation: (step["gen"] ?? 1) as number,
      kind,
      reason,
    };
  }
  if ("refuse" in step) {
    only(step, ["at", "refuse", "kind", "redirect", "expect"], "a refusal");
    const redirect = step["redirect"] === undefined ? {} : { redirect: address(step["redirect"]) };
    return { type: "refusal", at, node: id(step["refuse"]), kind: step["kind"] as "readonly", ...redirect };
  }
  if ("lost" in step) {
    only(step, ["at", "lost", "expect"], "a lost connection");
    return { type: "connectionLost", at, node: id(step["lost"]) };
  }
  if ("sentinel" in step) {
    only(step, ["at", "sentinel", "names", "replicas", "expect"], "a Sentinel's word");
    const replicas = ((step["replicas"] ?? []) as string[]).map(address);
    return {
      type: "sentinel",
      at,
      sentinel: String(step["sentinel"]),
      master: step["names"] === null ? null : address(step["names"]),
      replicas,
    };
  }
  if ("resolve" in step) {
    only(step, ["at", "resolve", "to", "expect"], "a look-up");
    return { type: "lookup", at, name: id(step["resolve"]), addresses: (step["to"] as string[]).map(address) };
  }
  only(step, ["at", "tick", "expect"], "a tick");
  if (step["tick"] !== true) throw new Error(`no such step: ${JSON.stringify(step)}`);
  return { type: "tick", at };
}

const EXPECT = [
  "writable",
  "freshWritable",
  "state",
  "adopted",
  "events",
  "nodeEvents",
  "adopt",
  "hold",
  "resume",
  "check",
  "wakeAt",
  "nodes",
  "serves",
  "unroutable",
  "detached",
  "aliases",
  "ignored",
  "unrivalledUntil",
];
const NODE_EVENTS = ["nodeAdded", "nodeRemoved", "nodeHealth", "roleChanged"];

const names = (effects: readonly Effect[], node: boolean): string[] =>
  effects.flatMap((effect) =>
    effect.type === "emit" && NODE_EVENTS.includes(effect.change.type) === node ? [sentence(effect.change)] : [],
  );

/** An event as one line, so that tables stay readable: its type, then its facts in a fixed order. */
function sentence(change: Extract<Effect, { type: "emit" }>["change"]): string {
  switch (change.type) {
    case "nodeAdded":
    case "nodeRemoved":
      return `${change.type} ${short(change.node)}`;
    case "nodeHealth":
    case "roleChanged":
      return `${change.type} ${short(change.node)} ${change.from}>${change.to}`;
    case "masterChanged":
      return `masterChanged ${change.from === null ? "-" : short(change.from)}>${short(change.to)} ${change.replid}`;
    case "splitBrain":
      return `splitBrain ${change.claimants.map(short).join(",")}`;
    case "historyChanged":
      return `historyChanged ${change.from}>${change.to} ${change.proven ? "proven" : "unproven"}`;
    case "historyReset":
      return `historyReset ${short(change.node)} ${change.kind} ${change.lastOffset}`;
    case "failoverStarted":
      return "failoverStarted";
    case "failoverEnded":
      return `failoverEnded ${short(change.master)} ${change.durationMs}`;
    case "writesLost":
      throw new Error("reduce() does not judge writes");
  }
}

/** What is seen after a step, under the names that `expect` uses. */
function seen(
  before: TopologyState,
  state: TopologyState,
  effects: readonly Effect[],
  at: number,
): Record<string, unknown> {
  const of = <T extends Effect["type"]>(type: T) =>
    effects.find((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
  const writable = writableMaster(state);
  const fresh = writableMaster(state, at);
  const adopt = of("adopt");
  const hold = of("holdWrites");
  const resume = of("resumeWrites");
  const nodes = [...state.nodes.keys()];
  return {
    writable: writable === null ? null : short(writable),
    freshWritable: fresh === null ? null : short(fresh),
    state: topologyState(state),
    adopted: state.adopted === null ? null : `${short(state.adopted.node)} ${state.adopted.replid}`,
    events: names(effects, false),
    nodeEvents: names(effects, true),
    adopt:
      adopt === undefined
        ? null
        : `${short(adopt.node)} ${adopt.replid} ${adopt.reason} ${adopt.proven ? "proven" : "unproven"} ${adopt.link === null ? "no link" : `${adopt.link.from}>${adopt.link.to}@${adopt.link.at}`}`,
    hold:
      hold === undefined
        ? null
        : hold.sharedBelow === null
          ? "nothing shared known"
          : `shared below ${hold.sharedBelow}`,
    resume: resume === undefined ? null : short(resume.node),
    check: (of("check")?.nodes ?? []).map(short).sort(),
    wakeAt: of("wakeAt")?.at ?? null,
    nodes: nodes.map(short).sort(),
    serves: nodes
      .filter((node) => serves(state, node))
      .map(short)
      .sort(),
    unroutable: Object.fromEntries(
      nodes.flatMap((node) => (unroutable(state, node) === null ? [] : [[short(node), unroutable(state, node)]])),
    ),
    detached: [...state.detached.keys()].sort(),
    aliases: [...state.aliasOf].map(([alias, node]) => `${short(alias)}=${short(node)}`).sort(),
    ignored: before === state,
    unrivalledUntil: Number.isFinite(unrivalledUntil(state)) ? unrivalledUntil(state) : String(unrivalledUntil(state)),
  };
}

export interface Difference {
  readonly step: number;
  readonly what: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * Runs a case and returns where it differs from what it expects. Events and adoptions that no step speaks of
 * are differences too: what isn't said to happen must not happen.
 */
export function runCase(table: Table, testCase: Case): Difference[] {
  only(testCase, ["name", "config", "seeds", "setup", "steps"], `case "${testCase.name}"`);
  if (testCase.config) only(testCase.config, Object.keys(DEFAULTS), "config");
  const setup = testCase.setup === undefined ? [] : table.setups[testCase.setup];
  if (setup === undefined) throw new Error(`no setup "${testCase.setup}"`);
  const config = { ...DEFAULTS, ...testCase.config } as TopologyConfig;
  let state = initialTopology(
    config,
    testCase.seeds.map((name) => ({ id: id(name), ...address(name) })),
  );
  const differences: Difference[] = [];
  let asserted = 0;
  [...setup, ...testCase.steps].forEach((step, index) => {
    const number = index - setup.length + 1;
    const input = toInput(step, index + 1);
    const before = state;
    const reduced = reduce(state, input);
    state = reduced.state;
    const expected = { ...((step["expect"] ?? {}) as Json) };
    only(expected, EXPECT, "expect");
    if (number < 1) return;
    if (step["expect"] !== undefined) asserted++;
    const actual = seen(before, state, reduced.effects, input.at);
    for (const [what, value] of Object.entries({ events: [], adopt: null, ...expected })) {
      const found = actual[what];
      if (JSON.stringify(found) !== JSON.stringify(value))
        differences.push({ step: number, what, expected: value, actual: found });
    }
  });
  if (asserted === 0) throw new Error(`case "${testCase.name}" expects nothing`);
  return differences;
}
