import { expect, test } from "vitest";
import { ANY } from "../../src/client/consistency/need.js";
import type { Preference } from "../../src/client/routing/prefer.js";
import { type SelectionCandidate, select } from "../../src/client/routing/select.js";
import { type Candidate, type ReadFromForm, Selector } from "../../src/client/routing/selector.js";
import type { Consistency } from "../../src/client/types.js";
import { seededRandom } from "../../src/core/random.js";
import { strictCase, uniqueNames } from "../support/strict-case.js";
import table from "./routing.json" with { type: "json" };

interface Case {
  name: string;
  readFrom: ReadFromForm | string[];
  nodes: string[];
  consistency?: Consistency;
  need?: number | "MASTER";
  waitedMs?: number;
  maxStalenessMs?: number;
  maxLagBytes?: number;
  sharedBelow?: number;
  preferZone?: string;
  readTags?: Record<string, string>[];
  latencyWindowMs?: number;
  expect: string;
}

// The figures that the table speaks of: a read needs 1000; the master stands at 1100; what stands at 1000 is 100 ms
// stale and lags by 100 bytes.
const NEED = 1000;
const READ_HOLD_MS = 20;
const FAILOVER_TIMEOUT_MS = 10_000;
const NOW = 5000;
const replica = {
  isMaster: false,
  serves: true,
  inRotation: true,
  mark: 1000 as number | null,
  likelyOffset: null as number | null,
  stalenessMs: 100 as number | null,
  lagBytes: 100 as number | null,
  latencyMs: 1 as number | null,
  inFlight: 0,
  waitingSince: Number.POSITIVE_INFINITY,
  zone: null as string | null,
  tags: {} as Readonly<Record<string, string>>,
  full: false,
  resting: false,
  restReason: "",
};
const master = { ...replica, isMaster: true, mark: 1100, stalenessMs: 0, lagBytes: 0, latencyMs: 5 };
const NODES: Record<string, Omit<SelectionCandidate, "id">> = {
  master,
  held: { ...master, serves: false },
  covering: replica,
  behind: { ...replica, mark: 900, stalenessMs: null, lagBytes: 200 },
  likely: { ...replica, mark: 900, stalenessMs: null, lagBytes: 200, likelyOffset: 1050 },
  void: { ...replica, mark: null, inRotation: false, stalenessMs: null, lagBytes: null },
  out: { ...replica, inRotation: false },
  down: { ...replica, serves: false },
  slow: { ...replica, latencyMs: 10 },
  busy: { ...replica, inFlight: 9 },
  full: { ...replica, full: true },
  fullLikely: { ...replica, mark: 900, stalenessMs: null, lagBytes: 200, likelyOffset: 1050, full: true },
  laden: { ...replica, inFlight: 29 },
  stuck: { ...replica, inFlight: 1, waitingSince: NOW - 100 },
  masterEast: { ...master, zone: "east" },
  east: { ...replica, zone: "east", latencyMs: 30 },
  west: { ...replica, zone: "west" },
  eastBehind: { ...replica, zone: "east", mark: 900, stalenessMs: null, lagBytes: 200 },
  eastLikely: { ...replica, zone: "east", mark: 900, stalenessMs: null, lagBytes: 200, likelyOffset: 1050 },
  eastDown: { ...replica, zone: "east", serves: false },
  ssd: { ...replica, tags: { disk: "ssd", use: "web" }, latencyMs: 30 },
  hdd: { ...replica, tags: { disk: "hdd" } },
  ssdDown: { ...replica, tags: { disk: "ssd" }, serves: false },
  ssdEast: { ...replica, tags: { disk: "ssd" }, zone: "east", latencyMs: 40 },
  resting: { ...replica, resting: true, restReason: "its connection broke 5 times" },
  restingBehind: { ...replica, resting: true, mark: 900, stalenessMs: null, lagBytes: 200 },
  restingEast: { ...replica, resting: true, zone: "east" },
  at20: { ...replica, latencyMs: 20 },
  unmeasured: { ...replica, latencyMs: null },
};

const cases = uniqueNames(table as unknown as Case[]);

function preferenceOf({ preferZone, readTags, latencyWindowMs }: Case): Preference | null {
  if (preferZone === undefined && readTags === undefined && latencyWindowMs === undefined) return null;
  return { zone: preferZone ?? null, tags: readTags ?? null, latencyWindowMs: latencyWindowMs ?? null };
}

/** The offset that a tolerance asks for, in the figures above. */
function toleranceOffset({ maxStalenessMs, maxLagBytes }: Case): number {
  const byTime = maxStalenessMs === undefined ? ANY : maxStalenessMs >= 100 ? 1000 : Number.POSITIVE_INFINITY;
  return Math.max(byTime, maxLagBytes === undefined ? ANY : 1100 - maxLagBytes);
}

function candidates(one: Case): SelectionCandidate[] {
  return one.nodes.map((id) => {
    const node = NODES[id];
    if (!node) throw new Error(`no node is like "${id}"`);
    return { id, ...node };
  });
}

function bySelect(one: Case, need: number): string {
  const { readFrom, maxStalenessMs, maxLagBytes } = one;
  const selection = select(
    {
      readFrom,
      consistency: one.consistency ?? "session",
      need,
      waitedMs: one.waitedMs ?? 0,
      preference: preferenceOf(one),
      now: NOW,
      readHoldMs: READ_HOLD_MS,
      failoverTimeoutMs: FAILOVER_TIMEOUT_MS,
      toleranceOffset: toleranceOffset(one),
      ...(one.sharedBelow === undefined ? {} : { sharedBelow: one.sharedBelow }),
      ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
      ...(maxLagBytes === undefined ? {} : { maxLagBytes }),
    },
    candidates(one),
    seededRandom(1),
  );
  switch (selection.kind) {
    case "node":
      return selection.viaFence ? `${selection.node} by fence` : selection.node;
    case "fail":
      return selection.code;
    default:
      return selection.kind;
  }
}

function bySelector(one: Case, need: number): string {
  const nodes: Candidate[] = candidates(one).map((node) => ({
    ...node,
    mark: { offset: node.mark ?? -1 },
    likelyOffset: node.likelyOffset ?? -1,
  }));
  const selector = new Selector<Candidate>(seededRandom(1));
  selector.refresh(nodes);
  const folded = Math.max(one.consistency === "eventual" ? ANY : need, toleranceOffset(one));
  const { readFrom } = one;
  const strong = one.consistency === "strong";
  // Of the levels only session reads are bound by what all claimants share.
  const below = (one.consistency ?? "session") === "session" ? one.sharedBelow : undefined;
  const node =
    typeof readFrom === "string" || strong
      ? selector.pick(strong ? "master" : (readFrom as ReadFromForm), folded, NOW, preferenceOf(one), below)
      : selector.pickFrom(
          readFrom.map((id) => nodes.find((other) => other.id === id)).filter((other) => other !== undefined),
          folded,
          below,
        );
  if (node) return selector.outcome === "fence" ? `${node.id} by fence` : node.id;
  return selector.outcome;
}

test.each(cases)("$name", (one) => {
  const known = ["name", "readFrom", "nodes", "consistency", "need", "waitedMs"];
  const preferences = ["preferZone", "readTags", "latencyWindowMs"];
  strictCase(one, [...known, ...preferences, "maxStalenessMs", "maxLagBytes", "sharedBelow", "expect"]);
  const need = one.need === "MASTER" ? Number.POSITIVE_INFINITY : (one.need ?? NEED);
  expect(bySelect(one, need)).toBe(one.expect);
  // The hot path leaves it to its caller how long hold and wait may last.
  const paused = { NO_MASTER: "wait", NO_ELIGIBLE_REPLICA: "hold" }[one.expect];
  expect(bySelector(one, need)).toBe(paused ?? one.expect);
});
