import { Command } from "ioredis";
import { expect, it } from "vitest";
import type { Engine } from "../../../../src/client/engine/engine.js";
import { explain } from "../../../../src/client/engine/explain.js";
import { healthReport } from "../../../../src/client/engine/health.js";
import { Operation, type OperationSink } from "../../../../src/client/engine/operation.js";
import { Scope } from "../../../../src/client/engine/scope.js";
import type { ResolvedView } from "../../../../src/client/options/resolved.js";
import { DEFAULT_VIEW } from "../../../../src/client/options/view.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";
import { seededRandom } from "../../../../src/core/random.js";

interface State {
  readonly master?: boolean;
  readonly need?: number;
  readonly marks?: readonly [number, number];
  readonly view?: Partial<ResolvedView>;
  readonly node?: string;
  readonly scanHome?: string;
}

/** An engine with the master M and the replicas A and B, as far as explaining looks at it. */
function engineOf({ master = true, need = -1, marks = [100, 100] }: State): Engine {
  const link = (id: string, offset: number) => ({
    id,
    isMaster: id === "M" && master,
    serves: id !== "M" || master,
    inRotation: id !== "M",
    mark: { valid: true, offset },
    likelyOffset: -1,
    latencyMs: 1,
    inFlight: 0,
    waitingSince: Number.POSITIVE_INFINITY,
    zone: null,
    tags: {},
    full: false,
    resting: false,
    restReason: "",
  });
  const links = [link("M", 100), link("A", marks[0]), link("B", marks[1])];
  return {
    lane: { isOpen: master },
    history: { node: "M", replid: "h" },
    topology: { nodes: links.map(({ id }) => ({ id })) },
    links: new Map(links.map((one) => [one.id, one])),
    samples: { stalenessOf: () => 5 },
    clock: { now: () => 0 },
    masterOffset: 100,
    random: seededRandom(1),
    options: { readHoldMs: 20, failoverTimeoutMs: 1000 },
    reader: { needFor: () => need, keys: () => [] },
  } as unknown as Engine;
}

const table = new CommandTable();

function explained(line: string, state: State) {
  const [name = "", ...args] = line.split(" ");
  const command = new Command(name, args);
  command.promise.catch(() => {});
  const view = { ...DEFAULT_VIEW, ...state.view } as ResolvedView;
  const scope = new Scope(view, 0, state.node ?? null);
  scope.scanHome = state.scanHome ?? null;
  const operation = new Operation(command, table.of(name, command.args), view, 0, 0, {} as OperationSink, () => {});
  const { intent, node, reason, others } = explain(engineOf(state), operation, scope);
  return { intent, node, reason, others: others.map((one) => `${one.node}: ${one.reason}`) };
}

it.each<[string, State, { intent: string; node: string | null; reason: string; other?: string }]>([
  ["SET k v", {}, { intent: "write", node: "M", reason: "a write goes to the master", other: "A: is not the master" }],
  [
    "SET k v",
    { master: false },
    { intent: "write", node: null, reason: "a write goes to the master, and there is none now" },
  ],
  ["PUBLISH c m", {}, { intent: "write", node: "M", reason: "neither a read nor a write: goes to the master" }],
  ["NOSUCH x", {}, { intent: "write", node: "M", reason: "an unknown command is taken for a write" }],
  ["BLPOP l 0", {}, { intent: "dedicated", node: "M", reason: "needs a connection of its own, to the master" }],
  ["GET k", { node: "B" }, { intent: "dedicated", node: "B", reason: "the client speaks to this node only" }],
  [
    "SCAN 7",
    { scanHome: "A" },
    {
      intent: "pinned",
      node: "A",
      reason: "is the home of this view's scan",
      other: "B: cursors of another node mean nothing there",
    },
  ],
  [
    "GET k",
    { need: 90, marks: [95, 80] },
    {
      intent: "read",
      node: "A",
      reason: "has applied what the read needs",
      other: "B: has applied 80, the read needs 90",
    },
  ],
  [
    "GET k",
    { need: Number.POSITIVE_INFINITY },
    {
      intent: "read",
      node: "M",
      reason: "is the master",
      other: "A: cannot have a write that is not resolved yet: only the master is sure to show it",
    },
  ],
  [
    "GET k",
    { view: { consistency: "strong" } },
    { intent: "read", node: "M", reason: "is the master", other: "A: is a replica, and the read is strong" },
  ],
  [
    "GET k",
    { need: 200, view: { readFrom: "replica" } },
    {
      intent: "read",
      node: null,
      reason: "no replica is eligible, and the master is not asked",
      other: "M: is the master, which is never asked",
    },
  ],
  [
    "GET k",
    { need: 90, marks: [95, 80], view: { readFrom: "replica" } },
    {
      intent: "read",
      node: "A",
      reason: "has applied what the read needs",
      other: "M: is the master, which is never asked",
    },
  ],
  [
    "GET k",
    { view: { readFrom: "replica", consistency: "strong" } },
    { intent: "read", node: "M", reason: "is the master" },
  ],
  [
    "GET k",
    { view: { readFrom: "master" } },
    { intent: "read", node: "M", reason: "is the master", other: "A: is a replica, and only the master is asked" },
  ],
  [
    "GET k",
    { need: 90, marks: [95, 80], view: { readFrom: "replicaPreferred" } },
    { intent: "read", node: "A", reason: "has applied what the read needs", other: "M: could serve it too" },
  ],
  [
    "GET k",
    { master: false, view: { readFrom: "master" } },
    { intent: "read", node: null, reason: "no master is known" },
  ],
  [
    "GET k",
    { view: { readFrom: (nodes) => nodes.filter(({ id }) => id === "B") } },
    { intent: "read", node: "B", reason: "is routable", other: "A: is not among those that readFrom returned" },
  ],
])("explains %s with %j", (line, state, { other, ...wanted }) => {
  const told = explained(line, state);
  expect(told).toMatchObject(wanted);
  if (other !== undefined) expect(told.others).toContain(other);
  expect(told.others.some((one) => one.startsWith(`${String(told.node)}:`))).toBe(false);
});

it.each<[string, object, Partial<ResolvedView>, string, object]>([
  ["a master", { master: true, stale: [7.4, 3.2] }, {}, "ready", { ok: true, master: "M", staleMs: 3, reasons: [] }],
  ["a master alone", { master: true, stale: [] }, {}, "ready", { ok: true, staleMs: 0 }],
  ["a closed client", { master: true, stale: [] }, {}, "end", { ok: false, reasons: ["the client is closed"] }],
  [
    "nothing reachable",
    { ready: false, stale: [] },
    {},
    "connecting",
    { ok: false, master: null, staleMs: null, reasons: ["M: refused"] },
  ],
  ["no master, fresh enough", { stale: [40] }, { maxStalenessMs: 50 }, "ready", { ok: true, staleMs: 40 }],
  [
    "no master, too old",
    { stale: [60] },
    { maxStalenessMs: 50 },
    "ready",
    { ok: false, reasons: ["the freshest replica may be 60 ms behind, 50 are tolerated"] },
  ],
])("health of %s", (_name, state, view, status, wanted) => {
  const { master = false, ready = true, stale } = state as { master?: boolean; ready?: boolean; stale: number[] };
  const engine = {
    ready,
    errors: { reasons: () => [{ node: "M", reason: "refused" }] },
    topology: {
      state: master ? "stable" : "noMaster",
      master: master ? { id: "M" } : null,
      replicas: stale.map((stalenessMs) => ({ stalenessMs })),
    },
  } as unknown as Engine;
  expect(healthReport(engine, { ...DEFAULT_VIEW, ...view } as ResolvedView, status)).toMatchObject(wanted);
});
