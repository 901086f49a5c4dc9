import { afterEach, vi } from "vitest";
import { NodeConnection } from "../../../src/client/connection/node-connection.js";
import { Samples } from "../../../src/client/consistency/samples.js";
import { Engine } from "../../../src/client/engine/engine.js";
import { LaneKeeper } from "../../../src/client/engine/lane-keeper.js";
import { LaneQueue } from "../../../src/client/engine/lane-queue.js";
import { NodeLink } from "../../../src/client/engine/node-link.js";
import { ReadOrder } from "../../../src/client/engine/read-order.js";
import { WriteLane } from "../../../src/client/engine/write-lane.js";
import { mutations } from "../support/mutation.js";
import type { Deed } from "../support/plan.js";
import { undecided } from "../support/undecided.js";

/** Rules that are plain functions: what is set here takes their place for one test. */
const rules = vi.hoisted(
  (): {
    isGone: ((node: { readonly reachable: boolean }) => boolean) | null;
    writesGoOn: boolean;
    link: boolean;
    arbitrationMs: number | null;
    overlap: boolean | null;
  } => ({ isGone: null, writesGoOn: false, link: false, arbitrationMs: null, overlap: null }),
);

vi.mock("../../../src/client/topology/evidence.js", async (original) => {
  const real = await original<typeof import("../../../src/client/topology/evidence.js")>();
  return {
    ...real,
    isGone: (...[state, node]: Parameters<typeof real.isGone>) => rules.isGone?.(node) ?? real.isGone(state, node),
  };
});
vi.mock("../../../src/client/topology/describe.js", async (original) => {
  const real = await original<typeof import("../../../src/client/topology/describe.js")>();
  const writableMaster = (...[state, at]: Parameters<typeof real.writableMaster>): string | null =>
    real.writableMaster(rules.writesGoOn && state.hold !== null ? { ...state, hold: null } : state, at);
  return { ...real, writableMaster };
});
vi.mock("../../../src/client/topology/adopt.js", async (original) => {
  const real = await original<typeof import("../../../src/client/topology/adopt.js")>();
  const linkTo = (...[draft, from, node]: Parameters<typeof real.linkTo>): ReturnType<typeof real.linkTo> =>
    rules.link && node.info !== null
      ? { from: from.replid, to: node.info.replid, at: Number.POSITIVE_INFINITY }
      : real.linkTo(draft, from, node);
  return { ...real, linkTo };
});
vi.mock("../../../src/client/topology/reduce.js", async (original) => {
  const real = await original<typeof import("../../../src/client/topology/reduce.js")>();
  const reduce = (...[state, input]: Parameters<typeof real.reduce>): ReturnType<typeof real.reduce> =>
    rules.arbitrationMs === null
      ? real.reduce(state, input)
      : real.reduce({ ...state, config: { ...state.config, arbitrationMs: rules.arbitrationMs } }, input);
  return { ...real, reduce };
});
vi.mock("../../../src/client/engine/write-acks.js", async (original) => {
  const real = await original<typeof import("../../../src/client/engine/write-acks.js")>();
  const overlap = (...[a, b]: Parameters<typeof real.overlap>): boolean => rules.overlap ?? real.overlap(a, b);
  return { ...real, overlap };
});

const put = (changed: Partial<typeof rules>): void => void Object.assign(rules, changed);

/** The switches go back together with the spies. */
const restore = vi.restoreAllMocks.bind(vi);
vi.restoreAllMocks = () => {
  put({ isGone: null, writesGoOn: false, link: false, arbitrationMs: null, overlap: null });
  return restore();
};

afterEach(() => {
  vi.restoreAllMocks();
});

const promotions: Deed[] = [
  { at: 500, do: "promote", forMs: 500 },
  { at: 1300, do: "promote", forMs: 500 },
];

/** While a client stands still another master is made. */
const pauses: Deed[] = [
  { at: 500, do: "pauseClient", client: 0, forMs: 700 },
  { at: 510, do: "pauseClient", client: 1, forMs: 600 },
  { at: 600, do: "promote", forMs: 1300 },
];

const refusals: Deed[] = Array.from({ length: 12 }, (_, place) => ({
  ...{ at: 200 + place * 120, do: "refuse", server: 0, error: "BUSY", times: 1 },
}));

/** Writes are refused, and nothing else is: the lane is open again soon. */
const refusedWrites: Deed[] = Array.from({ length: 40 }, (_, place) => ({
  ...{ at: 200 + place * 40, do: "refuse", server: 0, error: "READONLY", times: 1 },
}));

/** A replica that is a little behind refuses reads, one at a time. */
const refusedReads: Deed[] = [
  { at: 50, do: "lag", server: 2, lagMs: 4, forMs: 1950 },
  ...Array.from(
    { length: 80 },
    (_, place): Deed => ({ at: 200 + place * 20, do: "refuse", server: 2, error: "LOADING", times: 1 }),
  ),
];

const stalls: Deed[] = Array.from({ length: 10 }, (_, place) => ({
  ...{ at: 200 + place * 150, do: "stall", client: place % 2, server: -1, cutAfterMs: 8, forMs: 120 },
}));

const cutReplies: Deed[] = Array.from({ length: 8 }, (_, place) => ({
  ...{ at: 200 + place * 200, do: "cutReply", server: 0, times: 2 },
}));

/** One client doesn't see for a while who was promoted, and the other not who stayed with the former master. */
const parted: Deed[] = [
  { at: 50, do: "lag", server: 2, lagMs: 20, forMs: 2000 },
  { at: 495, do: "cut", from: "10.0.1.0", to: "10.0.0.2", both: true, forMs: 700 },
  { at: 495, do: "cut", from: "10.0.1.1", to: "10.0.0.3", both: true, forMs: 1500 },
  { at: 500, do: "promote", forMs: 1300, othersAfterMs: 1050 },
];

/** A copy is made of a replica, while one client can't reach the master. */
const copied: Deed[] = [
  { at: 500, do: "detach", forMs: 900 },
  { at: 505, do: "cut", from: "10.0.1.0", to: "10.0.0.1", both: true, forMs: 300 },
];

mutations([
  {
    rule: "what was sent and not answered is not sent again",
    breaks: ["appliedOnce"],
    plan: cutReplies,
    remove: () => void vi.spyOn(NodeConnection.prototype, "wasSent").mockReturnValue(false),
  },
  {
    rule: "a connection that was dropped with writes unanswered is killed before the next write",
    breaks: ["monotonicWrites", "appliedOnce"],
    plan: stalls,
    remove() {
      const real = NodeLink.prototype.ended;
      vi.spyOn(NodeLink.prototype, "ended").mockImplementation(function (this: NodeLink, connection) {
        real.call(this, connection, false);
      });
    },
  },
  {
    rule: "what was refused goes again at its place in the order of issue",
    breaks: ["monotonicWrites", "readYourWrites"],
    plan: refusals,
    remove() {
      vi.spyOn(LaneQueue.prototype, "putBack").mockImplementation(function (this: LaneQueue, operations) {
        for (const operation of operations) this.push(operation);
      });
    },
  },
  {
    rule: "what was refused does not go again behind a later write of its key",
    breaks: ["monotonicWrites", "readYourWrites"],
    plan: refusals,
    remove: () => put({ overlap: false }),
  },
  {
    rule: "a session's reads go again behind a write of theirs that goes again",
    breaks: ["readYourWrites"],
    plan: refusedWrites,
    mix: "pipelines",
    remove() {
      const real = WriteLane.prototype.replied;
      vi.spyOn(WriteLane.prototype, "replied").mockImplementation(function (this: WriteLane, operation, reply) {
        const { session } = operation;
        // Of a read in no transaction the lane asks the session for this alone.
        if (operation.spec.effects === "none" && operation.transaction === null) operation.session = null;
        real.call(this, operation, reply);
        operation.session = session;
      });
    },
  },
  {
    rule: "the reads of a session's pipeline are handed out in their order",
    breaks: ["monotonicReads"],
    plan: refusedReads,
    mix: "pipelines",
    remove: () => void vi.spyOn(ReadOrder.prototype, "isAhead").mockReturnValue(false),
  },
  {
    rule: "after a silence the master is looked at before the first write",
    breaks: ["deposedMaster"],
    plan: pauses,
    remove() {
      vi.spyOn(LaneKeeper.prototype, "trust").mockImplementation(function (this: LaneKeeper) {
        (this as unknown as { lane: WriteLane }).lane.trustedUntil = Number.POSITIVE_INFINITY;
      });
    },
  },
  {
    rule: "replies to writes are kept while it is in doubt who is master",
    breaks: ["deposedMaster"],
    plan: promotions,
    seeds: [13],
    remove: () => void vi.spyOn(WriteLane.prototype, "park").mockReturnValue(undefined),
  },
  {
    rule: "the first sign of a second master holds writes",
    breaks: ["deposedMaster"],
    plan: promotions,
    remove: () => put({ writesGoOn: true }),
  },
  {
    rule: "while it is undecided who is master a session reads only what all claimants have",
    breaks: ["deposedMaster"],
    ...undecided,
    seeds: [0],
    remove: () => void vi.spyOn(Engine.prototype, "sharedBelow", "get").mockReturnValue(Number.POSITIVE_INFINITY),
  },
  {
    rule: "what a master says once a rival may have risen tells of nobody how old it is",
    breaks: ["staleness"],
    plan: parted,
    mix: "fresh",
    seeds: [2],
    remove: () => void vi.spyOn(Samples.prototype, "dropAfter").mockReturnValue(undefined),
  },
  {
    rule: "that replicas have not moved yet is no evidence",
    breaks: ["deposedMaster"],
    plan: promotions.map((deed): Deed => ({ ...deed, othersAfterMs: 300 }) as Deed),
    client: { onSplitBrain: "stay" },
    remove: () => put({ arbitrationMs: 1 }),
  },
  {
    rule: "gone is a master that no replica reports a live link to",
    breaks: ["deposedMaster"],
    plan: copied,
    office: "all",
    remove: () => put({ isGone: ({ reachable }) => !reachable }),
  },
  {
    rule: "a history goes on only where its lineage proves it",
    breaks: ["noSilentLoss", "sessionTold", "readYourWrites"],
    remove: () => put({ link: true }),
  },
]);
