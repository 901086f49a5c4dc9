import { describe, expect, it } from "vitest";
import { Flush, type NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { Mark } from "../../../../src/client/consistency/marks.js";
import { Knowledge } from "../../../../src/client/engine/knowledge.js";
import type { NodeLink } from "../../../../src/client/engine/node-link.js";
import type { Adoption } from "../../../../src/client/engine/succession.js";
import type { PollInput } from "../../../../src/client/topology/input.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import type { Fence } from "../../../../src/protocol/info.js";

interface FakeLink {
  readonly id: string;
  isMaster: boolean;
  serves: boolean;
  inRotation: boolean;
  likelyOffset: number;
  lagMs: number;
  readonly mark: Mark;
}

/** What a client knows of a master M at 100 of the history h1 and of a replica R that has 90 of it. */
function knowing() {
  const clock = new ManualClock();
  const link = (id: string, isMaster: boolean): FakeLink => ({
    ...{ id, isMaster, serves: true, inRotation: !isMaster, likelyOffset: -1, lagMs: 0, mark: new Mark() },
  });
  const [master, replica] = [link("M", true), link("R", false)];
  const links = new Map([master, replica].map((one) => [one.id, one as unknown as NodeLink]));
  const knowledge = new Knowledge({ trackedKeys: 10, samples: 16 }, links, clock, () => true);
  const connection = {
    generation: 1,
    identity: { runId: "r" },
    fences: 0,
    requestFence: () => void connection.fences++,
  };
  const adopt = (replid: string, link: Adoption["link"], offset: number): void => {
    const from = knowledge.replid;
    knowledge.enter(
      { type: "adopt", node: "M", from, replid, runId: "r", link, proven: true, reason: "evidence" },
      null,
      offset,
    );
  };
  const judge = (changes: Partial<Fence>, of = replica) => {
    const fence = { role: of.isMaster ? "master" : "replica", replid: "h1", offset: 90, syncInProgress: false };
    const flush = new Flush(connection as unknown as NodeConnection, 1, null);
    flush.sentAt = clock.now();
    knowledge.fenceSending(flush, false);
    return knowledge.judge(
      of as unknown as NodeLink,
      connection as unknown as NodeConnection,
      { ...fence, backlogFirstByte: 1, backlogLength: 90, ...changes } as Fence,
      flush,
    );
  };
  const masterAt = (offset: number, uncontested: boolean): void => {
    const flush = new Flush(connection as unknown as NodeConnection, 1, null);
    flush.sentAt = clock.now();
    knowledge.masterAt(offset, flush, uncontested);
  };
  const polled = (sentAt: number, offset: number): void =>
    knowledge.replicaPolled(
      replica as unknown as NodeLink,
      connection as unknown as NodeConnection,
      {
        info: { role: "replica", replid: "h1", offset, syncInProgress: false, backlogFirstByte: 1, backlogLength: 90 },
        runId: "r",
        sentAt,
      } as unknown as PollInput,
    );
  clock.advance(1000);
  adopt("h1", null, 100);
  expect(judge({})?.verdict).toBe("ok");
  replica.inRotation = true;
  return { clock, knowledge, master, replica, connection, adopt, judge, masterAt, polled };
}

describe("a mark of another history", () => {
  it("is no bound of what is read in the adopted one: neither what a read surely saw, nor what its fence must show", () => {
    const { adopt, judge } = knowing();
    adopt("h2", { from: "h1", to: "h2", at: 51 }, 50);
    expect(judge({ replid: "h2", offset: 60 })).toEqual({ verdict: "ok", seen: -1 });
  });

  it("brings no replica into the rotation", () => {
    const { knowledge, replica, adopt, judge } = knowing();
    adopt("h2", { from: "h1", to: "h2", at: 51 }, 50);
    expect(replica.inRotation).toBe(false);
    expect(knowledge.mayEnter(replica as unknown as NodeLink)).toBe(false);
    judge({ replid: "h2", offset: 60 });
    expect(knowledge.mayEnter(replica as unknown as NodeLink)).toBe(true);
  });
});

describe("a replica leaves the rotation", () => {
  it.each<[string, Partial<Fence>]>([
    ["that was rolled back", { offset: 80 }],
    ["that was rolled back and has caught up", { offset: 95, backlogFirstByte: 91, backlogLength: 5 }],
    ["that is being filled anew", { syncInProgress: true }],
  ])("%s", (_what, changes) => {
    const { replica, judge } = knowing();
    judge(changes);
    expect(replica.inRotation).toBe(false);
  });

  it("for nothing else", () => {
    const { replica, judge } = knowing();
    judge({ offset: 95 });
    expect(replica.inRotation).toBe(true);
  });
});

describe("how old a replica's data is", () => {
  it("is told by what the master said while nobody else claimed its office", () => {
    const { knowledge, clock, masterAt } = knowing();
    masterAt(90, true);
    clock.advance(100);
    masterAt(90, false);
    expect(knowledge.samples.stalenessOf(90, clock.now())).toBe(100);
  });

  it("is told beyond a failover by what lies below the fork only, and by nothing where there is no link", () => {
    const { knowledge, clock, masterAt, adopt } = knowing();
    masterAt(50, true);
    clock.advance(100);
    masterAt(90, true);
    adopt("h2", { from: "h1", to: "h2", at: 51 }, 50);
    expect(knowledge.samples.stalenessOf(90, clock.now())).toBe(100);
    adopt("h3", null, 10);
    expect(knowledge.samples.stalenessOf(90, clock.now())).toBeNull();
  });
});

describe("a poll of a replica", () => {
  it("is a mark where there is none", () => {
    const { replica, polled } = knowing();
    replica.mark.void();
    polled(1000, 70);
    expect(replica.mark.offset).toBe(70);
  });

  it("changes no mark that a fence has made: it has the data connection asked, unless that was asked later", () => {
    const { replica, connection, polled } = knowing();
    polled(999, 70);
    expect([replica.mark.offset, connection.fences]).toEqual([90, 0]);
    polled(1001, 70);
    expect([replica.mark.offset, connection.fences]).toEqual([90, 1]);
  });
});
