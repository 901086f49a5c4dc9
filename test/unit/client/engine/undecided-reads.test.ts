import { describe, expect, it } from "vitest";
import { readerOf } from "./support/reader.js";

/** A reader over A and B while two claim to be master; what lies below 100 is common to both. */
function split(below = 100) {
  const made = readerOf();
  made.only("A", "B");
  made.state.sharedBelow = below;
  const { nodes, reader, state } = made;
  nodes.A.mark.offset = nodes.B.mark.offset = 50;
  nodes.B.serves = false;
  return {
    ...made,
    /** A's fence behind what it was sent shows this offset. */
    answerAt(offset: number, ...replies: unknown[]): void {
      const flush = nodes.A.connection.flush();
      nodes.A.connection.answer(...replies);
      nodes.A.mark.offset = Math.max(nodes.A.mark.offset, offset);
      reader.release(flush, 50, offset);
    },
    decided(): void {
      state.sharedBelow = Number.POSITIVE_INFINITY;
      reader.retryUndecided();
    },
  };
}

describe("while it is undecided who is master, a session read", () => {
  it("is returned if the fence behind it shows nothing but what all claimants have", async () => {
    const { read, answerAt, issuer } = split();
    read("GET k");
    answerAt(99, "v");
    expect(await issuer.ends()).toEqual(["v"]);
  });

  it("waits if the fence shows more, though it was sent before, and is read anew when that is decided", async () => {
    const { read, state, answerAt, decided, nodes, sent, issuer, reader } = split(Number.POSITIVE_INFINITY);
    read("GET k");
    state.sharedBelow = 100;
    answerAt(100, "of the one that lost");
    expect(await issuer.ends()).toEqual(["…"]);
    expect(reader.undecided).toBe(1);
    reader.retryUndecided();
    expect(sent()).toEqual(["A: GET k"]);
    nodes.A.serves = false;
    nodes.B.serves = true;
    decided();
    const flush = nodes.B.connection.flush();
    nodes.B.connection.answer("of the master");
    reader.release(flush, 50, 120);
    expect(await issuer.ends()).toEqual(["of the master"]);
  });

  it("is not sent to a node that has more, and goes to the next that has not, once one is there", () => {
    const { read, nodes, sent, reader } = split();
    nodes.A.mark.offset = 100;
    read("GET k");
    expect(sent()).toEqual([]);
    nodes.B.serves = true;
    reader.retryUndecided();
    expect(sent()).toEqual(["B: GET k"]);
  });

  it("is verified even with verifyReads: false", async () => {
    const { read, answerAt, issuer } = split();
    read("GET k", { verifyReads: false });
    answerAt(100, "v");
    expect(await issuer.ends()).toEqual(["…"]);
  });

  it("by a second node is held to the same", async () => {
    const { read, nodes, clock, reader, issuer } = split();
    read("GET k", { verifyReads: false, hedgeAfterMs: 5 });
    nodes.B.serves = true;
    nodes.A.connection.flush();
    clock.advance(5);
    const flush = nodes.B.connection.flush();
    nodes.B.connection.answer("too much");
    reader.release(flush, 50, 100);
    expect(await issuer.ends()).toEqual(["…"]);
  });

  it("in a transaction waits whole", async () => {
    const { unit, answerAt, decided, sent, issuer } = split();
    unit(["MULTI", "GET a", "EXEC"]);
    answerAt(100, "OK", "QUEUED", ["1"]);
    expect(await issuer.ends()).toEqual(["…", "…", "…"]);
    decided();
    expect(sent().slice(3)).toEqual(["A: MULTI", "A: GET a", "A: EXEC"]);
  });

  it("that carries a cursor waits for its node, which is not asked again and again", () => {
    const { issuer, reader, nodes, decided, sent } = split();
    const scan = issuer.make("SCAN 17");
    scan.repeat = () => reader.sendTo(scan, nodes.A as never);
    nodes.A.mark.offset = 100;
    reader.sendTo(scan, nodes.A as never);
    expect(sent()).toEqual([]);
    decided();
    expect(sent()).toEqual(["A: SCAN 17"]);
  });

  it("of a key whose write waits goes behind that write, not past it", () => {
    const { read, ledger, sent } = split();
    ledger.issue(0, "k");
    read("GET k");
    expect(sent()).toEqual(["M: GET k"]);
  });
});

describe("meanwhile", () => {
  it("an eventual read goes on, with a bound on staleness or lag too", async () => {
    const { read, nodes, reader, issuer } = split();
    nodes.A.mark.offset = 100;
    read("GET k", { consistency: "eventual" });
    read("GET k", { consistency: "eventual", maxLagBytes: 10 });
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("1", "2");
    reader.release(flush, 100, 120);
    expect(await issuer.ends()).toEqual(["1", "2"]);
  });

  it("a strong read waits for a master, one that is answered by the former one as well", async () => {
    const { issuer, reader, nodes, state, toMaster } = split();
    const before = issuer.make("GET k", { consistency: "strong" });
    before.inLane = false;
    before.verified = true;
    nodes.M.connection.send(before);
    const flush = nodes.M.connection.flush();
    nodes.M.connection.answer("v");
    state.sharedBelow = 1000;
    reader.release(flush, Number.POSITIVE_INFINITY, 10);
    reader.submit([issuer.make("GET k", { consistency: "strong" })]);
    expect(await issuer.ends()).toEqual(["…", "…"]);
    expect(toMaster.length).toBe(2);
  });
});

describe("reads that wait for a decision", () => {
  it("are given up after failoverTimeoutMs from their issue, each at its time", async () => {
    const { read, nodes, clock, issuer, reader } = split();
    nodes.A.mark.offset = 100;
    read("GET a");
    clock.advance(400);
    read("GET b", { readFrom: "replica" });
    clock.advance(599);
    expect(await issuer.ends()).toEqual(["…", "…"]);
    clock.advance(1);
    expect(await issuer.ends()).toEqual(["!NO_MASTER", "…"]);
    expect(reader.undecided).toBe(1);
    clock.advance(400);
    expect(await issuer.ends()).toEqual(["!NO_MASTER", "!NO_MASTER"]);
    expect(clock.pending).toBe(0);
  });

  it("are bounded by limits.queuedCommands", async () => {
    const { read, nodes, issuer } = split();
    nodes.A.mark.offset = 100;
    for (let i = 0; i < 4; i++) read("GET k");
    expect(await issuer.ends()).toEqual(["…", "…", "…", "!QUEUE_FULL"]);
  });

  it("end with the client, and leave no timer", async () => {
    const { read, nodes, reader, clock, issuer } = split();
    nodes.A.mark.offset = 100;
    read("GET k");
    reader.rejectAll(() => new Error("closed"));
    expect(await issuer.ends()).toEqual(["!closed"]);
    expect(clock.pending).toBe(0);
  });
});
