import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ANY, needWithinLag } from "../../../../src/client/consistency/need.js";
import { Samples } from "../../../../src/client/consistency/samples.js";
import { explainSelection, type SelectionCandidate } from "../../../../src/client/routing/select.js";
import { type Candidate, type ReadFromForm, Selector } from "../../../../src/client/routing/selector.js";
import type { Consistency } from "../../../../src/client/types.js";
import { seededRandom } from "../../../../src/core/random.js";

interface Live extends Candidate {
  latencyMs: number;
  inFlight: number;
  waitingSince: number;
  mark: { offset: number };
}

function node(id: string, latencyMs: number, changes: Partial<Candidate> = {}): Live {
  const base = {
    id,
    isMaster: false,
    serves: true,
    inRotation: true,
    mark: { offset: 100 },
    likelyOffset: -1,
    inFlight: 0,
    waitingSince: Number.POSITIVE_INFINITY,
    zone: null,
    tags: {},
    full: false,
    resting: false,
    restReason: "",
  };
  return { ...base, ...changes, latencyMs };
}

/** A closed loop: `clients` readers, each asks again as soon as it was answered; a node answers after its latency. */
function shares(nodes: Live[], form: ReadFromForm, clients: number, reads: number): Record<string, number> {
  const selector = new Selector<Live>(seededRandom(7));
  selector.refresh(nodes);
  const served: Record<string, number> = {};
  const due: { at: number; node: Live }[] = [];
  const ask = (now: number): void => {
    const picked = selector.pick(form, 50, now, null);
    if (!picked) throw new Error(selector.outcome);
    served[picked.id] = (served[picked.id] ?? 0) + 1;
    picked.inFlight++;
    due.push({ at: now + picked.latencyMs, node: picked });
  };
  for (let i = 0; i < clients; i++) ask(0);
  for (let done = 0; done < reads; done++) {
    due.sort((a, b) => b.at - a.at);
    const next = due.pop() as { at: number; node: Live };
    next.node.inFlight--;
    ask(next.at);
  }
  return Object.fromEntries(Object.entries(served).map(([id, count]) => [id, count / (reads + clients)]));
}

describe.each([1, 10, 100])("%i in flight", (clients) => {
  test("a replica that is ten times slower gets less than 15 % of the reads", () => {
    for (const others of [1, 2, 3]) {
      const fast = Array.from({ length: others }, (_, i) => node(`fast${i}`, 1));
      expect(shares([...fast, node("slow", 10)], "replicaPreferred", clients, 3000)["slow"] ?? 0).toBeLessThan(0.15);
    }
  });

  test("replicas of about the same latency share the reads", () => {
    const spread = shares([node("a", 1), node("b", 1.1), node("c", 0.95)], "replica", clients, 3000);
    for (const id of ["a", "b", "c"]) expect(spread[id]).toBeGreaterThan(0.25);
  });

  test("nearest leaves the far ones alone until the near one is laden", () => {
    const spread = shares([node("near", 1), node("far1", 50), node("far2", 50)], "nearest", clients, 3000);
    expect(spread["near"]).toBeGreaterThan(0.9);
  });
});

test("a replica that has just become slow gets less than 15 % of the reads, before its first late answer is there", () => {
  // All that is known of it is an average of good times. Four bursts within the second that its answer takes.
  const slow = node("slow", 1);
  const fast = node("fast", 1);
  const selector = new Selector<Live>(seededRandom(7));
  selector.refresh([slow, fast]);
  let served = 0;
  for (let now = 0; now < 1000; now += 250) {
    fast.inFlight = 0;
    for (let i = 0; i < 100; i++) {
      const picked = selector.pick("replica", 50, now, null) as Live;
      picked.inFlight++;
      if (picked !== slow) continue;
      served++;
      if (slow.waitingSince === Number.POSITIVE_INFINITY) slow.waitingSince = now;
    }
  }
  expect(served / 400).toBeLessThan(0.15);
});

test("a node that was never measured, or whose latency is 0, draws no more than its load allows", () => {
  const selector = new Selector<Candidate>(seededRandom(1));
  const unmeasured = { ...node("new", 0), latencyMs: null, inFlight: 50 };
  selector.refresh([unmeasured, node("known", 1)]);
  for (let i = 0; i < 20; i++) expect(selector.pick("replica", 50, 0, null)?.id).toBe("known");
});

// Both decide the same, for every node, need and tolerance: the one that explains, and the one that is fast.
const candidate = fc.record({
  serves: fc.boolean(),
  inRotation: fc.boolean(),
  mark: fc.option(fc.integer({ min: 0, max: 12 })),
  likelyOffset: fc.option(fc.integer({ min: 0, max: 15 })),
  latencyMs: fc.option(fc.integer({ min: 0, max: 20 })),
  inFlight: fc.nat(20),
  waitingSince: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: -30, max: 13 })),
  full: fc.boolean(),
  resting: fc.boolean(),
  restReason: fc.constant("it broke"),
  zone: fc.option(fc.constantFrom("east", "west")),
  tags: fc.record({ disk: fc.constantFrom("ssd", "hdd"), use: fc.constantFrom("web", "batch") }, { requiredKeys: [] }),
});
const preferences = fc.option(
  fc.record({
    zone: fc.option(fc.constantFrom("east", "west")),
    tags: fc.option(
      fc.array(fc.record({ disk: fc.constant("ssd"), use: fc.constant("web") }, { requiredKeys: [] }), {
        minLength: 1,
        maxLength: 2,
      }),
    ),
    latencyWindowMs: fc.option(fc.integer({ min: 0, max: 15 })),
  }),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

test("the fast selection and the explaining one agree", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(candidate, { maxLength: 5 }),
      fc.option(fc.nat(5)),
      fc.constantFrom<ReadFromForm | "function">(
        "master",
        "masterPreferred",
        "replica",
        "replicaPreferred",
        "nearest",
        "function",
      ),
      fc.constantFrom<Consistency>("eventual", "session", "strong"),
      fc.oneof(fc.integer({ min: 0, max: 14 }), fc.constant(Number.POSITIVE_INFINITY)),
      optional(fc.integer({ min: 0, max: 14 })),
      optional(fc.integer({ min: 0, max: 14 })),
      preferences,
      fc.nat(1000),
      (plain, masterAt, form, consistency, need, maxStalenessMs, maxLagBytes, preference, seed) => {
        const samples = new Samples(64);
        for (let t = 0; t <= 12; t++) samples.push(t, t);
        const now = 13;
        const masterOffset = 13;
        const slow: SelectionCandidate[] = plain.map((one, i) => ({
          ...one,
          id: `n${i}`,
          isMaster: i === masterAt,
          // A node that is in rotation has a mark: that is how it came in.
          inRotation: one.inRotation && one.mark !== null,
          stalenessMs: one.mark === null ? null : samples.stalenessOf(one.mark, now),
          lagBytes: one.mark === null ? null : masterOffset - one.mark,
        }));
        const fast: Candidate[] = slow.map((one) => ({
          ...one,
          mark: { offset: one.mark ?? -1 },
          likelyOffset: one.likelyOffset ?? -1,
        }));
        const toleranceOffset = Math.max(
          maxStalenessMs === undefined ? ANY : samples.offsetWithin(maxStalenessMs, now),
          maxLagBytes === undefined ? ANY : needWithinLag(masterOffset, maxLagBytes),
        );
        const order = slow.map(({ id }) => id).reverse();
        const { selection, nodes } = explainSelection(
          {
            readFrom: form === "function" ? order : form,
            consistency,
            need,
            toleranceOffset,
            preference,
            now,
            waitedMs: 0,
            readHoldMs: 20,
            failoverTimeoutMs: 100,
            ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
            ...(maxLagBytes === undefined ? {} : { maxLagBytes }),
          },
          slow,
          seededRandom(seed),
        );
        expect(nodes.map((one) => one.node)).toEqual(slow.map(({ id }) => id));
        const selector = new Selector<Candidate>(seededRandom(seed));
        selector.refresh(fast);
        const folded = Math.max(consistency === "eventual" ? ANY : need, toleranceOffset);
        const picked =
          consistency === "strong"
            ? selector.pick("master", folded, now, preference)
            : form === "function"
              ? selector.pickFrom([...fast].reverse(), folded)
              : selector.pick(form, folded, now, preference);
        reached.add(selector.outcome);
        const expected =
          selection.kind === "node"
            ? { outcome: selection.viaFence ? "fence" : "node", id: selection.node }
            : { outcome: selection.kind, id: undefined };
        expect({ outcome: selector.outcome, id: picked?.id }).toEqual(expected);
      },
    ),
    { numRuns: 5000 },
  );
  expect([...reached].sort()).toEqual(["fence", "hold", "node", "wait"]);
});

test("every node is given a reason in words", () => {
  const candidates: SelectionCandidate[] = [
    { ...node("m", 1), isMaster: true, mark: 13, likelyOffset: null, stalenessMs: 0, lagBytes: 0, restReason: "" },
    { ...node("behind", 1), mark: 3, likelyOffset: null, stalenessMs: 9, lagBytes: 10, restReason: "" },
    { ...node("stale", 1), mark: 10, likelyOffset: null, stalenessMs: null, lagBytes: 3, restReason: "" },
  ];
  const { selection, nodes } = explainSelection(
    {
      readFrom: "replicaPreferred",
      consistency: "session",
      need: 8,
      maxStalenessMs: 5,
      preference: null,
      now: 0,
      waitedMs: 0,
      readHoldMs: 20,
      failoverTimeoutMs: 100,
    },
    candidates,
    seededRandom(1),
  );
  expect(selection).toEqual({ kind: "node", node: "m", viaFence: false });
  expect(nodes.map(({ eligible, reason }) => `${eligible}: ${reason}`)).toEqual([
    "true: is the master",
    "false: has applied 3, the read needs 8",
    "false: may be stale by an unknown number of ms, 5 are tolerated",
  ]);
});
