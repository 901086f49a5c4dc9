import { describe, expect, it } from "vitest";
import { LinkTable } from "../../../../src/client/consistency/history.js";
import { KeyLedger } from "../../../../src/client/consistency/key-ledger.js";
import { MASTER, NONE } from "../../../../src/client/consistency/need.js";
import { CausalSession } from "../../../../src/client/consistency/session.js";
import { WriteHistory } from "../../../../src/client/consistency/write-history.js";

const A = "a".repeat(40);
const B = "b".repeat(40);
const C = "c".repeat(40);

/** A ledger and the histories that a client would keep, without a client. */
function client(replid: string | null = A, limit = 10) {
  const links = new LinkTable();
  const ledger = new KeyLedger({ trackedKeys: 100, history: new WriteHistory() });
  const histories = {
    replid: null as string | null,
    decided: true,
    forkOf: (from: string) => (histories.replid === null ? null : links.forkOf(from, histories.replid)),
    branchOf: (from: string) => (histories.replid === null ? null : links.branchOf(from, histories.replid)),
    wasLeft: (from: string) => links.wasLeft(from),
  };
  const count = { following: 0, limit };
  const adopt = (next: string, at: number | null, offset: number): void => {
    const link = at === null || histories.replid === null ? null : { from: histories.replid, to: next, at };
    if (link) links.add(link);
    else if (histories.replid !== null) links.leave(histories.replid);
    ledger.adopt(next, link, offset);
    histories.replid = next;
  };
  if (replid !== null) adopt(replid, null, 100);
  return {
    ledger,
    links,
    count,
    histories,
    adopt,
    session: () => new CausalSession(histories, count),
    fence: (offset: number) => ledger.fenceReplied(ledger.fenceSent(), offset),
  };
}

describe("what a session's reads need", () => {
  it("nothing, before it has seen anything", () => {
    const { session } = client();
    expect(session().need()).toBe(NONE);
    expect(session().position).toEqual({ replid: A, offset: 0 });
  });

  it("the master, from the issue of a write until a fence behind its answer; then the offset, for every key", () => {
    const { session, ledger, fence } = client();
    const one = session();
    const write = ledger.issue(0, "k", one);
    expect(one.need()).toBe(MASTER);
    expect(one.position).toBeNull();
    ledger.acked(write);
    expect(one.need()).toBe(MASTER);
    fence(150);
    expect(one.need()).toBe(150);
    expect(one.position).toEqual({ replid: A, offset: 150 });
    expect(session().need()).toBe(NONE);
  });

  it("no less after a write that was provably not applied", () => {
    const { session, ledger } = client();
    const one = session();
    one.read(120, false);
    ledger.notApplied(ledger.issue(0, "k", one));
    expect(one.need()).toBe(120);
  });

  it("what the fence behind its reads showed: they are monotonic", () => {
    const one = client().session();
    one.read(130, false);
    one.read(110, false);
    expect(one.need()).toBe(130);
  });

  it("what it saw over a connection without fences, once one of the lane has told its offset", () => {
    const { session, ledger, fence } = client();
    const one = session();
    ledger.observed(one);
    expect(one.need()).toBe(MASTER);
    fence(140);
    expect(one.need()).toBe(140);
  });

  it("no more than the master has: a token that claims more is set right by a read of the master", () => {
    const one = client().session();
    one.merge({ replid: A, offset: 10_000 });
    expect(one.need()).toBe(10_000);
    one.read(200, true);
    expect(one.need()).toBe(200);
  });
});

describe("tokens of other histories", () => {
  it("below the fork they hold in the new history", () => {
    const { session, adopt } = client();
    adopt(B, 200, 210);
    const one = session();
    one.merge({ replid: A, offset: 199 });
    expect(one.need()).toBe(199);
    expect(one.takeUntold()).toBeNull();
  });

  it("at the fork they name what was lost; the session goes on from the fork", () => {
    const { session, adopt } = client();
    adopt(B, 200, 210);
    const one = session();
    one.merge({ replid: A, offset: 200 });
    expect(one.need()).toBe(199);
    expect(one.takeUntold()).toEqual([{ replid: A, fromOffset: 199, toOffset: 200, proven: true }]);
    expect(one.takeUntold()).toBeNull();
    expect(one.lost).toHaveLength(1);
  });

  it("over two promotions the lower fork decides", () => {
    const { session, adopt } = client();
    adopt(B, 200, 210);
    adopt(C, 150, 300);
    const one = session();
    one.merge({ replid: A, offset: 170 });
    expect(one.need()).toBe(149);
    expect(one.takeUntold()).toEqual([{ replid: A, fromOffset: 149, toOffset: 170, proven: true }]);
  });

  it("of a rival that branched off they are told what lies beyond the branch, once the nodes were asked", () => {
    const { session, links } = client();
    links.add({ from: A, to: B, at: 150 });
    const one = session();
    one.merge({ replid: B, offset: 170 });
    expect(one.unplaced).toBe(true);
    expect(one.takeUntold()).toBeNull();
    one.looked(one.merged);
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 149, toOffset: 170, proven: true }]);
    expect(one.takeUntold()).toBeNull();
  });

  it("of a rival they are told nothing where they lie below the branch", () => {
    const { session, links } = client();
    links.add({ from: A, to: B, at: 150 });
    const below = session();
    below.merge({ replid: B, offset: 149 });
    below.looked(below.merged);
    expect(below.takeUntold()).toBeNull();
  });

  it("of a rival they are told nothing while nobody knows who wins, and as soon as that is known", () => {
    const { session, links, histories } = client();
    links.add({ from: A, to: B, at: 150 });
    const one = session();
    one.merge({ replid: B, offset: 170 });
    histories.decided = false;
    expect(one.unplaced).toBe(true);
    one.looked(one.merged);
    expect(one.unplaced).toBe(false);
    expect(one.takeUntold()).toBeNull();
    expect(one.need()).toBe(MASTER);
    expect(one.position).toBeNull();
    histories.decided = true;
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 149, toOffset: 170, proven: true }]);
    expect(one.takeUntold()).toBeNull();
    one.read(160, true);
    expect(one.position).toEqual({ replid: A, offset: 160 });
  });

  it("of a rival that wins in the end they are placed in its history", () => {
    const { session, links, histories, adopt } = client();
    links.add({ from: A, to: B, at: 150 });
    const one = session();
    one.merge({ replid: B, offset: 170 });
    histories.decided = false;
    one.looked(one.merged);
    adopt(B, 150, 180);
    histories.decided = true;
    expect(one.takeUntold()).toBeNull();
    one.read(190, true);
    expect(one.position).toEqual({ replid: B, offset: 190 });
  });

  it("that come during a look are not judged by it, nor settled by a read that was sent before", () => {
    const { session, links } = client();
    links.add({ from: A, to: B, at: 150 });
    const one = session();
    one.merge({ replid: C, offset: 10 });
    expect(one.unplaced).toBe(true);
    const { merged } = one;
    one.merge({ replid: B, offset: 170 });
    one.looked(merged);
    expect(one.takeUntold()).toBeNull();
    expect(one.unplaced).toBe(true);
    one.read(120, true);
    expect(one.unplaced).toBe(true);
    expect(one.need()).toBe(MASTER);
    one.looked(one.merged);
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 149, toOffset: 170, proven: true }]);
  });

  it("that come before there is a master want a look as soon as there is one, unless it leads its history", () => {
    const { session, links, adopt } = client(null);
    links.add({ from: A, to: B, at: 150 });
    const [own, rivals] = [session(), session()];
    own.merge({ replid: A, offset: 90 });
    rivals.merge({ replid: B, offset: 170 });
    expect([own.unplaced, rivals.unplaced]).toEqual([true, true]);
    // What is looked at before there is anything to compare with says nothing.
    rivals.looked(rivals.merged);
    adopt(A, null, 100);
    expect([own.unplaced, rivals.unplaced]).toEqual([false, true]);
    rivals.looked(rivals.merged);
    expect(rivals.takeUntold()).toEqual([{ replid: B, fromOffset: 149, toOffset: 170, proven: true }]);
  });

  it("of a history that is adopted during the look they are placed in it", () => {
    const { session, adopt } = client();
    const one = session();
    one.merge({ replid: B, offset: 170 });
    expect(one.unplaced).toBe(true);
    adopt(B, 150, 180);
    one.looked(one.merged);
    expect(one.takeUntold()).toBeNull();
    expect(one.position).toBeNull();
    expect(one.need()).toBe(MASTER);
  });

  it("of a history that only took another name nobody says how far it is shared", () => {
    const links = new LinkTable();
    links.add({ from: A, to: B, at: Number.POSITIVE_INFINITY });
    expect(links.branchOf(B, A)).toBeNull();
    links.add({ from: A, to: C, at: 120 });
    // Two branches of one history share what lies below both.
    links.add({ from: A, to: "d".repeat(40), at: 140 });
    expect(links.branchOf("d".repeat(40), C)).toBe(120);
  });

  it("of an unknown history they ask for a look at the nodes, then for a read of the master", () => {
    const one = client().session();
    one.merge({ replid: C, offset: 170 });
    expect(one.unplaced).toBe(true);
    expect(one.need()).toBe(MASTER);
    one.looked(one.merged);
    expect(one.unplaced).toBe(false);
    expect(one.need()).toBe(MASTER);
    one.read(120, true);
    expect(one.need()).toBe(120);
    expect(one.takeUntold()).toBeNull();
  });

  it("of a history that nobody knew of when asked they are told of later, once a node shows that it branched off and lost", () => {
    // Seed 2199 of the simulation: the node that knew was cut off from this client alone while the session was asked for.
    const { session, links } = client();
    const one = session();
    one.merge({ replid: B, offset: 300 });
    one.looked(one.merged);
    one.read(120, true);
    expect([one.unplaced, one.takeUntold(), one.position]).toEqual([false, null, { replid: A, offset: 120 }]);
    links.add({ from: A, to: B, at: 111 });
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 110, toOffset: 300, proven: true }]);
    expect([one.takeUntold(), one.need()]).toEqual([null, 120]);
  });

  it("of a history that nobody knew of when asked are placed in it when it is adopted", () => {
    const { session, adopt } = client();
    const one = session();
    one.merge({ replid: B, offset: 300 });
    one.looked(one.merged);
    one.read(120, true);
    adopt(B, 131, 400);
    expect([one.need(), one.takeUntold()]).toEqual([300, null]);
  });

  it("of histories that nobody knew of are remembered, the last 8", () => {
    const { session, links } = client();
    const one = session();
    for (let i = 0; i < 9; i++) {
      one.merge({ replid: `${i}`.repeat(40), offset: 300 });
      one.looked(one.merged);
    }
    for (let i = 0; i < 9; i++) links.add({ from: A, to: `${i}`.repeat(40), at: 111 });
    expect(one.takeUntold()?.map(({ replid }) => replid[0])).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
  });

  it("of a history that this client gave up for one that nothing links to it, they tell at once that nothing is proven", () => {
    const { session, links, adopt } = client(A);
    adopt(B, 150, 180);
    adopt(C, null, 20);
    const [one, other] = [session(), session()];
    one.merge({ replid: B, offset: 170 });
    // What came before it went on in it, and ended with it.
    other.merge({ replid: A, offset: 120 });
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 0, toOffset: 170, proven: false }]);
    expect(other.takeUntold()).toEqual([{ replid: A, fromOffset: 0, toOffset: 120, proven: false }]);
    expect(one.unplaced).toBe(false);
    expect(one.need()).toBe(MASTER);
    expect(links.wasLeft(C)).toBe(false);
  });

  it("of a rival of a history that was given up they tell the same: both came of it", () => {
    const { session, links, adopt } = client(A);
    links.add({ from: A, to: B, at: 150 });
    const one = session();
    adopt(C, null, 20);
    one.merge({ replid: B, offset: 170 });
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 0, toOffset: 170, proven: false }]);
  });

  it("of a rival they tell it, too, where a stranger wins while the two are undecided", () => {
    const { session, links, adopt, histories } = client(A);
    links.add({ from: A, to: B, at: 150 });
    histories.decided = false;
    const one = session();
    one.merge({ replid: B, offset: 170 });
    one.looked(one.merged);
    expect(one.takeUntold()).toBeNull();
    adopt(C, null, 20);
    histories.decided = true;
    expect(one.takeUntold()).toEqual([{ replid: B, fromOffset: 0, toOffset: 170, proven: false }]);
    expect(one.need()).toBe(MASTER);
  });

  it("of a history that was given up and is back they are placed in it", () => {
    const { session, adopt } = client(A);
    adopt(B, null, 20);
    adopt(A, null, 200);
    const one = session();
    one.merge({ replid: A, offset: 170 });
    expect(one.takeUntold()).toBeNull();
    expect(one.need()).toBe(170);
  });

  it("as many histories are remembered as links", () => {
    const links = new LinkTable(3);
    for (const replid of [A, B, C, "d".repeat(40)]) links.leave(replid);
    expect([A, B].map((replid) => links.wasLeft(replid))).toEqual([false, true]);
  });

  it("given before any master was found they are placed when one is", () => {
    const { session, adopt, links } = client(null);
    const one = session();
    one.merge({ replid: A, offset: 70 });
    expect(one.position).toBeNull();
    links.add({ from: A, to: B, at: 100 });
    adopt(B, null, 120);
    expect(one.need()).toBe(70);
  });

  it("too many that can't be placed yet make it unknown, and no memory grows", () => {
    const { session, adopt } = client(null);
    const one = session();
    for (let offset = 1; offset < 1000; offset++) one.merge({ replid: A, offset });
    adopt(A, null, 5000);
    expect(one.need()).toBe(MASTER);
  });
});

describe("a failover", () => {
  it("takes resolved writes at or above the fork, and tells the session once", () => {
    const { session, ledger, fence, adopt } = client();
    const one = session();
    ledger.acked(ledger.issue(0, "k", one));
    fence(250);
    adopt(B, 200, 210);
    expect(one.takeUntold()).toEqual([{ replid: A, fromOffset: 199, toOffset: 250, proven: true }]);
    expect(one.need()).toBe(199);
    expect(one.takeUntold()).toBeNull();
  });

  it("leaves a session alone that had seen nothing above the fork", () => {
    const { session, adopt } = client();
    const one = session();
    one.read(150, false);
    adopt(B, 200, 210);
    expect(one.takeUntold()).toBeNull();
    expect(one.need()).toBe(150);
  });

  it("before a fence had come: lost for certain when it was sent above the fork, else unproven", () => {
    const { session, ledger, fence, adopt } = client();
    const [certain, unproven] = [session(), session()];
    const early = ledger.issue(0, "early", unproven);
    fence(230);
    const late = ledger.issue(0, "late", certain);
    ledger.acked(early);
    ledger.acked(late);
    adopt(B, 200, 210);
    expect(certain.takeUntold()).toMatchObject([{ replid: A, fromOffset: 230, proven: true }]);
    expect(unproven.takeUntold()).toMatchObject([{ replid: A, fromOffset: 199, proven: false }]);
    expect(certain.need()).toBe(NONE);
  });

  it("to an unrelated history leaves nothing proven: it is told, and reads the master first", () => {
    const { session, ledger, fence, adopt } = client();
    const one = session();
    ledger.acked(ledger.issue(0, "k", one));
    fence(150);
    adopt(B, null, 20);
    expect(one.takeUntold()).toEqual([{ replid: A, fromOffset: 0, toOffset: 150, proven: false }]);
    expect(one.need()).toBe(MASTER);
  });

  it("from a master without replicas, which stands at offset 0 whatever is written, is told all the same, once", () => {
    const { session, ledger, fence, adopt } = client(null);
    adopt(A, null, 0);
    const one = session();
    ledger.acked(ledger.issue(0, "k", one));
    fence(0);
    expect(one.position).toEqual({ replid: A, offset: 0 });
    adopt(B, null, 0);
    expect(one.takeUntold()).toEqual([{ replid: A, fromOffset: 0, toOffset: 0, proven: false }]);
    adopt(C, null, 0);
    expect(one.takeUntold()).toBeNull();
    expect(session().takeUntold()).toBeNull();
  });

  it("says nothing of a write whose outcome was unknown: that was told already", () => {
    const { session, ledger, adopt } = client();
    const one = session();
    ledger.unknown(ledger.issue(0, "k", one));
    adopt(B, 100, 210);
    expect(one.takeUntold()).toBeNull();
    expect(one.resolved).toBe(true);
  });

  it("a new name of the same history takes nothing", () => {
    const { session, ledger, fence, adopt } = client();
    const one = session();
    ledger.acked(ledger.issue(0, "k", one));
    adopt(B, Number.POSITIVE_INFINITY, 110);
    expect(one.need()).toBe(MASTER);
    fence(160);
    expect(one.position).toEqual({ replid: B, offset: 160 });
    expect(one.takeUntold()).toBeNull();
  });

  it("keeps the last 64 ranges, however many there were", () => {
    const { session, adopt } = client();
    const one = session();
    for (let i = 0; i < 100; i++) {
      one.read(1000, false);
      adopt(`${i}`.padStart(40, "0"), 500, 510);
      expect(one.need()).toBe(499);
    }
    expect(one.lost).toHaveLength(64);
    expect(Object.isFrozen(one.lost)).toBe(true);
  });
});

describe("the limit of sessions", () => {
  it("counts those whose writes are on their way, and lets go of them", async () => {
    const { session, ledger, fence, count } = client(A, 1);
    const [one, other] = [session(), session()];
    const write = ledger.issue(0, "k", one);
    expect(other.overLimit).toBe(true);
    expect(one.overLimit).toBe(false);
    const settled = one.settled();
    ledger.acked(write);
    fence(120);
    await settled;
    expect(count.following).toBe(0);
    expect(other.overLimit).toBe(false);
  });
});
