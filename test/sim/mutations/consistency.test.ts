import { EventEmitter } from "eventemitter3";
import { afterEach, vi } from "vitest";
import { NodeConnection } from "../../../src/client/connection/node-connection.js";
import { LinkTable } from "../../../src/client/consistency/history.js";
import { KeyLedger } from "../../../src/client/consistency/key-ledger.js";
import { Samples } from "../../../src/client/consistency/samples.js";
import { CausalSession } from "../../../src/client/consistency/session.js";
import { WriteHistory } from "../../../src/client/consistency/write-history.js";
import { AckWaiter } from "../../../src/client/engine/ack-waiter.js";
import { Knowledge } from "../../../src/client/engine/knowledge.js";
import { Operation } from "../../../src/client/engine/operation.js";
import { WriteAcks } from "../../../src/client/engine/write-acks.js";
import type { Clock } from "../../../src/core/clock.js";
import type { Fence } from "../../../src/protocol/info.js";
import { mutations } from "../support/mutation.js";
import type { Deed } from "../support/plan.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** One replica is behind, and the other follows it for a short while, over a slow network, again and again. */
const rollBacks = (forMs: number, spreadMs = 0.4): Deed[] =>
  [200, 500, 800, 1100, 1400].flatMap((at): Deed[] => [
    { at: at - 80, do: "freeze", server: 1, forMs: 160 },
    { at: at - 10, do: "slow", spreadMs, forMs: 200 },
    { at, do: "repoint", forMs },
  ]);

/** A replica that is behind, and whose connections end again and again. */
const comingAndGoing: Deed[] = [
  { at: 50, do: "lag", server: 2, lagMs: 120, forMs: 1900 },
  ...Array.from({ length: 12 }, (_, place): Deed => ({ at: 150 + place * 140, do: "drop", server: 2 })),
];

/** Replicas that are behind, one more than the other. */
const lags: Deed[] = [
  { at: 50, do: "lag", server: 1, lagMs: 20, forMs: 1950 },
  { at: 50, do: "lag", server: 2, lagMs: 150, forMs: 1950 },
];

/** Replicas that have stopped, and a master that then stops answering. */
const stopped: Deed[] = [
  { at: 300, do: "freeze", server: 1, forMs: 1500 },
  { at: 300, do: "freeze", server: 2, forMs: 1500 },
  { at: 450, do: "hang", server: 0, forMs: 1200 },
];

const promotions: Deed[] = [
  { at: 100, do: "lag", server: 1, lagMs: 60, forMs: 2000 },
  { at: 100, do: "lag", server: 2, lagMs: 80, forMs: 2000 },
  { at: 600, do: "promote", forMs: 200 },
  { at: 1200, do: "promote", forMs: 200 },
];

/** Lets a fence pass whose offset is below the node's mark. */
function withoutOffset(): void {
  const real = Knowledge.prototype.judge;
  vi.spyOn(Knowledge.prototype, "judge").mockImplementation(function (this: Knowledge, link, connection, fence, flush) {
    const proof = real.call(this, link, connection, fence, flush);
    return proof?.verdict === "offset" ? { ...proof, verdict: "ok" } : proof;
  });
}

mutations([
  {
    rule: "a value is handed out only behind a good fence",
    breaks: ["readYourWrites", "monotonicReads", "staleness"],
    plan: rollBacks(100),
    remove: () => void vi.spyOn(Operation.prototype, "fenced", "get").mockReturnValue(false),
  },
  {
    rule: "a fence behind a read is no lower bound of what it saw",
    breaks: ["readYourWrites", "monotonicReads", "staleness"],
    plan: [...lags, { at: 100, do: "slow", spreadMs: 10, forMs: 1900 }],
    mix: "bulk",
    seeds: [1],
    remove() {
      // The fence that should stand in front is the one behind all of the flush, which is more than one write carries.
      const front = NodeConnection.prototype.fenceInFront;
      const waiting = new Map<NodeConnection, { readonly since: number; judge(fence: Fence): void }[]>();
      vi.spyOn(NodeConnection.prototype, "fenceInFront").mockImplementation(function (this: NodeConnection, judge) {
        if (this.lastFence?.role !== "replica") return front.call(this, judge);
        const since = (this as unknown as { clock: Clock }).clock.now();
        waiting.set(this, [...(waiting.get(this) ?? []), { since, judge }]);
      });
      const real = Knowledge.prototype.judge;
      vi.spyOn(Knowledge.prototype, "judge").mockImplementation(function (
        this: Knowledge,
        link,
        connection,
        fence,
        flush,
      ) {
        const all = waiting.get(connection) ?? [];
        for (const { since, judge } of all) if (since <= flush.sentAt) judge(fence);
        waiting.set(
          connection,
          all.filter(({ since }) => since > flush.sentAt),
        );
        return real.call(this, link, connection, fence, flush);
      });
    },
  },
  {
    rule: "where no mark covers a read a fence goes in front of it",
    breaks: ["readYourWrites", "monotonicReads", "staleness"],
    seeds: [1],
    remove() {
      const real = NodeConnection.prototype.fenceInFront;
      vi.spyOn(NodeConnection.prototype, "fenceInFront").mockImplementation(function (this: NodeConnection, judge) {
        real.call(this, (fence) => {
          judge(fence?.role === "replica" ? { ...fence, offset: Number.MAX_SAFE_INTEGER } : fence);
        });
      });
    },
  },
  {
    rule: "an offset that went back within one history voids what was read",
    breaks: ["readYourWrites", "monotonicReads", "staleness"],
    plan: rollBacks(100),
    remove: () => withoutOffset(),
  },
  {
    rule: "a node enters the rotation only with a mark at the dropped floor",
    breaks: ["readYourWrites"],
    plan: comingAndGoing,
    // Which would give a replica a rest whose connections break so often.
    client: { circuit: { failures: 0 } },
    remove: () => void vi.spyOn(KeyLedger.prototype, "droppedFloor", "get").mockReturnValue(-1),
  },
  {
    rule: "a key is dropped when the last replica in rotation has passed it, not the first",
    breaks: ["readYourWrites"],
    remove() {
      const real = KeyLedger.prototype.sweep;
      vi.spyOn(KeyLedger.prototype, "sweep").mockImplementation(function (this: KeyLedger) {
        real.call(this, Number.MAX_SAFE_INTEGER);
      });
    },
  },
  {
    rule: "a key that was written is read where the write surely is",
    breaks: ["readYourWrites"],
    remove() {
      vi.spyOn(KeyLedger.prototype, "needOf").mockReturnValue(0);
      vi.spyOn(KeyLedger.prototype, "need").mockReturnValue(0);
    },
  },
  {
    rule: "a key is noted when its write is issued, not when it is answered",
    breaks: ["readYourWrites"],
    remove() {
      const { issue, acknowledged } = WriteAcks.prototype;
      vi.spyOn(WriteAcks.prototype, "issue").mockReturnValue(undefined);
      vi.spyOn(WriteAcks.prototype, "acknowledged").mockImplementation(function (this: WriteAcks, operation, applied) {
        if (applied) issue.call(this, operation);
        acknowledged.call(this, operation, applied);
      });
    },
  },
  {
    rule: "a token is taken behind a transaction, not in it",
    breaks: ["readYourWrites"],
    remove() {
      // What a fence inside MULTI shows is where the master stood before.
      const acked = KeyLedger.prototype.acked;
      vi.spyOn(KeyLedger.prototype, "acked").mockImplementation(function (this: KeyLedger, write) {
        acked.call(this, write);
        this.fenceReplied(this.fenceSent(), 0);
      });
    },
  },
  {
    rule: "a token belongs to one history",
    breaks: ["noSilentLoss", "sessionTold", "readYourWrites"],
    seeds: [2],
    remove() {
      const real = KeyLedger.prototype.adopt;
      vi.spyOn(KeyLedger.prototype, "adopt").mockImplementation(function (this: KeyLedger, replid, link, offset) {
        return real.call(this, replid, link && { ...link, at: Number.POSITIVE_INFINITY }, offset);
      });
    },
  },
  {
    rule: "a read whose keys are not known needs all that the client wrote",
    breaks: ["readYourWrites"],
    remove: () => void vi.spyOn(KeyLedger.prototype, "ceiling", "get").mockReturnValue(0),
  },
  {
    rule: "every read needs the writes of which it is not known what they changed",
    breaks: ["readYourWrites"],
    plan: lags,
    seeds: [2],
    remove() {
      vi.spyOn(KeyLedger.prototype, "issueUnknown").mockImplementation(function (this: KeyLedger, follower) {
        return this.issue(0, "nothing", follower);
      });
    },
  },
  {
    rule: "keys beyond the bound become a floor of every read",
    breaks: ["readYourWrites"],
    client: { limits: { trackedKeys: 1 } },
    remove: () => void vi.spyOn(KeyLedger.prototype, "floor", "get").mockReturnValue(0),
  },
  {
    rule: "a causal session has a floor over all keys",
    breaks: ["readYourWrites", "monotonicReads"],
    plan: lags,
    remove: () => void vi.spyOn(CausalSession.prototype, "need").mockReturnValue(0),
  },
  {
    rule: "a causal session rises with what it reads",
    breaks: ["monotonicReads"],
    plan: lags,
    seeds: [2],
    remove: () => void vi.spyOn(CausalSession.prototype, "read").mockReturnValue(undefined),
  },
  {
    rule: "a token is handed out once all that the session wrote has its offset",
    breaks: ["readYourWrites"],
    plan: lags,
    seeds: [1],
    remove() {
      vi.spyOn(CausalSession.prototype, "resolved", "get").mockReturnValue(true);
    },
  },
  {
    rule: "tokens hold in another history only below the fork",
    breaks: ["sessionTold", "readYourWrites", "monotonicReads"],
    remove: () => void vi.spyOn(LinkTable.prototype, "forkOf").mockReturnValue(Number.POSITIVE_INFINITY),
  },
  {
    rule: "a session is told of a loss before its next success",
    breaks: ["sessionTold"],
    seeds: [1],
    remove: () => void vi.spyOn(CausalSession.prototype, "takeUntold").mockReturnValue(null),
  },
  {
    rule: "losses are told before any reply of the new history",
    breaks: ["readYourWrites"],
    seeds: [2],
    remove() {
      // Kept until a few more calls have succeeded.
      const held: (() => void)[] = [];
      let left = 0;
      const { emit } = EventEmitter.prototype;
      vi.spyOn(EventEmitter.prototype, "emit").mockImplementation(function (this: EventEmitter, name, ...rest) {
        const [change] = rest as [{ type?: string } | undefined];
        if (name !== "changed" || change?.type !== "writesLost") return emit.call(this, name, ...rest);
        held.push(() => emit.call(this, name, ...rest));
        left = 20;
        return true;
      });
      const { succeed } = Operation.prototype;
      vi.spyOn(Operation.prototype, "succeed").mockImplementation(function (this: Operation, reply) {
        succeed.call(this, reply);
        if (held.length > 0 && --left <= 0) for (const tell of held.splice(0)) tell();
      });
    },
  },
  {
    rule: "lost writes are judged by their brackets",
    breaks: ["noSilentLoss"],
    seeds: [2],
    remove: () =>
      void vi.spyOn(WriteHistory.prototype, "judge").mockReturnValue({
        ...{ lost: { min: 0, max: 0 }, unproven: 0, fromOffset: 0, toOffset: 0 },
        ...{ keys: [], keysComplete: true },
      }),
  },
  {
    rule: "what survived a failover can be lost by the next",
    breaks: ["noSilentLoss"],
    plan: [
      { at: 100, do: "freeze", server: 1, forMs: 2000 },
      { at: 400, do: "promote", forMs: 1 },
      { at: 600, do: "crash", server: 2, data: "drop", backAfterMs: 900 },
      { at: 620, do: "crash", server: 0, data: "drop", backAfterMs: 900 },
      { at: 650, do: "promote", forMs: 0 },
    ],
    remove() {
      const real = WriteHistory.prototype.continueIn;
      vi.spyOn(WriteHistory.prototype, "continueIn").mockImplementation(function (this: WriteHistory) {
        real.call(this, null);
      });
    },
  },
  {
    rule: "a bound on staleness counts from samples of the master",
    breaks: ["staleness"],
    plan: stopped,
    remove() {
      // By the one a node is chosen, by the other it is judged again when the read is sent.
      vi.spyOn(Samples.prototype, "offsetWithin").mockReturnValue(0);
      vi.spyOn(Samples.prototype, "stalenessOf").mockReturnValue(0);
    },
  },
  {
    rule: "a durable write counts replicas that have what was behind it",
    breaks: ["durability"],
    plan: promotions,
    remove() {
      const real = AckWaiter.prototype.wait;
      vi.spyOn(AckWaiter.prototype, "wait").mockImplementation(function (this: AckWaiter, operation, reply, succeed) {
        real.call(this, operation, reply, succeed, 0);
      });
    },
  },
  {
    rule: "no replica of another history confirms a durable write",
    breaks: ["durability", "noSilentLoss"],
    plan: promotions,
    seeds: [1],
    remove() {
      // As a second WAIT on the new master would: it answers for a write that it never had.
      const { fail } = Operation.prototype;
      vi.spyOn(Operation.prototype, "fail").mockImplementation(function (this: Operation, error) {
        const { ack } = this.view;
        const { code, reply } = error as Error & { code?: string; reply?: unknown };
        if (code !== "IOREPLICA_NOT_REPLICATED" || ack === null) fail.call(this, error);
        else this.succeed(reply);
      });
    },
  },
]);
