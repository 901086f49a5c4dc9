import { describe, expect, it } from "vitest";
import type { Operation } from "../../../../src/client/engine/operation.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";
import { FakeConnection } from "./support/fake-connection.js";
import { BUSY, EXECABORT, LOADING, MASTERDOWN } from "./support/lane.js";
import { HISTORY, readerOf } from "./support/reader.js";

const WROTE = new CommandTable().of("set", ["k", "v"]);

/** A reader whose key k was written at `offset`, which only some nodes have. */
function wroteAt(offset: number) {
  const made = readerOf();
  const { ledger } = made;
  const ticket = ledger.issue(0, "k");
  ledger.acked(ticket);
  ledger.fenceReplied(ledger.fenceSent(), offset);
  expect(WROTE.effects).toBe("keys");
  return made;
}

describe("a read hands out its value", () => {
  it("only after the fence behind it was judged good", async () => {
    const { read, only, nodes, reader, issuer } = readerOf();
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("v");
    expect(await issuer.ends()).toEqual(["…"]);
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["v"]);
  });

  it("never if the fence was bad: it is read elsewhere, and that value is handed out", async () => {
    const { read, only, nodes, reader, issuer } = readerOf();
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("stale");
    only("B");
    reader.reroute(flush);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("good");
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["good"]);
  });

  it("not if the node had been rolled back before it ran the read, though the fence behind is in order again", async () => {
    // Two flushes were under way. The first one's fence shows the rollback and restarts the mark; measured by that
    // mark the second one's fence is good, and its read is not.
    const { read, only, nodes, reader, issuer, sent } = wroteAt(90);
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("rolled back");
    only("B");
    reader.release(flush, 50, 100);
    expect(await issuer.ends()).toEqual(["…"]);
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
  });

  it("not by the fence of a flush out of which it was taken to be sent again", async () => {
    const { read, only, nodes, reader, issuer } = readerOf();
    only("A");
    const operation = read("GET k");
    const flush = nodes.A.connection.flush();
    operation.flush = null;
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["…"]);
  });

  it("at once with verifyReads: false, and with consistency: eventual", async () => {
    const { read, only, nodes, issuer } = readerOf();
    only("A");
    read("GET k", { verifyReads: false });
    read("GET k", { consistency: "eventual" });
    nodes.A.connection.answer("1", "2");
    expect(await issuer.ends()).toEqual(["1", "2"]);
  });

  it.each(["eventual", "session"] as const)(
    "with maxStalenessMs (%s) only if it was sent while its node was fresh enough: the turn may have taken long",
    async (consistency) => {
      const { read, only, nodes, reader, issuer, samples, clock } = readerOf();
      clock.advance(1000);
      samples.push(clock.now(), 100);
      clock.advance(30);
      only("A");
      const sendAfter = (ms: number, reply: string): void => {
        read("GET k", { consistency, maxStalenessMs: 50 });
        const flush = nodes.A.connection.flush();
        flush.sentAt = clock.now() + ms;
        nodes.A.connection.answer(reply);
        reader.release(flush, 100, 100);
      };
      sendAfter(20, "in time");
      expect(await issuer.ends()).toEqual(["in time"]);
      sendAfter(21, "too old");
      expect((await issuer.ends()).at(-1)).toBe("…");
      expect(nodes.A.connection.unanswered).toHaveLength(1);
    },
  );

  it.each([{ maxStalenessMs: 50 }, { maxLagBytes: 10 }])(
    "with a bound (%o) only behind a good fence, at every level: its node was re-pointed to one that is further behind",
    async (bound) => {
      const { read, only, nodes, reader, issuer, samples, clock } = readerOf();
      samples.push(clock.now(), 100);
      only("A");
      read("GET k", { consistency: "eventual", ...bound });
      const flush = nodes.A.connection.flush();
      nodes.A.connection.answer("rolled back");
      only("B");
      reader.reroute(flush);
      const second = nodes.B.connection.flush();
      nodes.B.connection.answer("fresh");
      reader.release(second, 100, 100);
      expect(await issuer.ends()).toEqual(["fresh"]);
    },
  );

  it("an error reply waits for the fence like a value", async () => {
    const { read, only, nodes, reader, issuer } = readerOf();
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("-WRONGTYPE Operation against a key holding the wrong kind of value");
    expect(await issuer.ends()).toEqual(["…"]);
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["!WRONGTYPE Operation against a key holding the wrong kind of value"]);
  });
});

describe("what is asked for while reads are bounded", () => {
  it.each([
    [{ maxStalenessMs: 40 }, [40]],
    [{ maxLagBytes: 10 }, [100]],
    [{ maxStalenessMs: 40, maxLagBytes: 10 }, [40, 100]],
    [{}, []],
  ])("%j: how far master and replicas are, four times in so many milliseconds", (view, expected) => {
    const { read, state } = readerOf();
    read("GET k", view);
    expect(state.demanded).toEqual(expected);
  });
});

describe("a read goes where its own write is", () => {
  it("to a replica that has it, not to one that hasn't", () => {
    const { read, nodes, sent } = wroteAt(110);
    nodes.B.mark.offset = 120;
    for (let i = 0; i < 5; i++) read("GET k");
    expect(new Set(sent())).toEqual(new Set(["B: GET k"]));
  });

  it("to the master while the write is on its way", () => {
    const { read, ledger, sent } = readerOf();
    ledger.issue(0, "k");
    read("GET k");
    expect(sent()).toEqual(["M: GET k"]);
  });

  it("behind a fence of its own where a replica probably has it; if it hasn't, elsewhere, and no second guess", async () => {
    const { read, nodes, reader, only, sent, issuer } = wroteAt(110);
    only("A", "M");
    nodes.A.likelyOffset = 115;
    read("GET k");
    expect(sent()).toEqual(["A: GET k"]);
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answerFront({ replid: HISTORY, offset: 109 });
    nodes.A.connection.answer("old");
    nodes.A.likelyOffset = 115;
    reader.release(flush, 100, 100);
    expect(sent()).toEqual(["M: GET k", "A: GET k"]);
    expect(await issuer.ends()).toEqual(["…"]);
  });

  it("and a fence in front that proves it is enough, whatever the mark was", async () => {
    const { read, nodes, reader, only, issuer } = wroteAt(110);
    only("A", "M");
    nodes.A.likelyOffset = 115;
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answerFront({ replid: HISTORY, offset: 110 });
    nodes.A.connection.answer("new");
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["new"]);
  });
});

describe("a read that fails at a node", () => {
  it.each([
    ["LOADING", LOADING, "loading"],
    ["MASTERDOWN", MASTERDOWN, "masterdown"],
    ["BUSY", BUSY, "busy"],
  ])("with %s goes to another one, and the node is doubted", async (_name, refusal, kind) => {
    const { read, only, nodes, reader, doubts, issuer } = readerOf();
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.B.serves = true;
    nodes.A.connection.answer(refusal);
    expect(doubts).toEqual([`A ${kind}`]);
    reader.release(flush, 100, 100);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("v");
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["v"]);
  });

  it("by the end of its connection is read again once, not once more for the fence that ended with it", () => {
    const { read, only, nodes, reader, sent } = readerOf();
    only("A", "B");
    nodes.B.serves = false;
    read("GET k");
    const flush = nodes.A.connection.flush();
    nodes.B.serves = true;
    nodes.A.connection.cut();
    // What the end of the connection makes of its fence.
    reader.reroute(flush);
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
  });

  it("because its connection is closed and not yet known to be: every node is tried once, then it waits for the master", () => {
    const { read, nodes, only, sent, toMaster } = readerOf();
    only("A", "B");
    nodes.A.connection.cut();
    nodes.B.connection.cut();
    read("GET k");
    expect(sent()).toEqual(["M: GET k"]);
    expect(toMaster.length).toBe(1);
  });

  it("is given up after failoverTimeoutMs, with the server's last word", async () => {
    const { read, only, nodes, reader, issuer, clock } = readerOf();
    only("A");
    read("GET k");
    const flush = nodes.A.connection.flush();
    clock.advance(1000);
    nodes.A.connection.answer(LOADING);
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual([`!${LOADING.slice(1)}`]);
  });
});

describe('readFrom: "replica"', () => {
  it("holds a read for an eligible replica, asks for marks meanwhile, and never goes to the master", async () => {
    const { read, only, nodes, sent, clock, state, issuer } = readerOf();
    only("M");
    read("GET k", { readFrom: "replica" });
    clock.advance(10);
    expect(sent()).toEqual([]);
    expect(state.refreshes).toBeGreaterThan(0);
    nodes.B.serves = true;
    clock.advance(2);
    expect(sent()).toEqual(["B: GET k"]);
    expect(await issuer.ends()).toEqual(["…"]);
  });

  it("holds no more of them than limits.queuedCommands, however often it looks at them", async () => {
    const { read, only, clock, issuer, nodes, sent } = readerOf({ started: false });
    only("M");
    for (let i = 0; i < 4; i++) read("GET k", { readFrom: "replica" });
    expect(await issuer.ends()).toEqual(["…", "…", "…", "!QUEUE_FULL"]);
    clock.advance(100);
    read("GET k", { readFrom: "replica" });
    expect(await issuer.ends()).toEqual(["…", "…", "…", "!QUEUE_FULL", "!QUEUE_FULL"]);
    nodes.B.serves = true;
    clock.advance(2);
    expect(sent()).toEqual(["B: GET k", "B: GET k", "B: GET k"]);
    only("M");
    read("GET k", { readFrom: "replica" });
    expect((await issuer.ends()).at(-1)).toBe("…");
  });

  it("rejects after readHoldMs", async () => {
    const { read, only, clock, issuer } = readerOf();
    only("M");
    read("GET k", { readFrom: "replica" });
    clock.advance(19);
    expect(await issuer.ends()).toEqual(["…"]);
    clock.advance(3);
    expect(await issuer.ends()).toEqual(["!NO_ELIGIBLE_REPLICA"]);
    expect(clock.pending).toBe(0);
  });

  it("waits as long as for a master while the client has not begun: there is no replica to be eligible yet", async () => {
    const { read, only, clock, issuer, state, nodes, sent } = readerOf({ started: false });
    only();
    read("GET k", { readFrom: "replica" });
    clock.advance(500);
    expect(await issuer.ends()).toEqual(["…"]);
    state.started = true;
    nodes.A.serves = true;
    clock.advance(2);
    expect(sent()).toEqual(["A: GET k"]);
  });

  it("and not longer", async () => {
    const { read, only, clock, issuer } = readerOf({ started: false });
    only();
    read("GET k", { readFrom: "replica" });
    clock.advance(1002);
    expect(await issuer.ends()).toEqual(["!NO_MASTER"]);
  });
});

describe("a readFrom function", () => {
  it("is asked in its order, and may name the master", () => {
    const { read, sent, nodes } = readerOf();
    read("GET k", { readFrom: () => [{ id: "nowhere" }, { id: "B" }] as never });
    nodes.B.serves = false;
    read("GET k", { readFrom: () => [{ id: "B" }, { id: "M" }] as never });
    expect(sent()).toEqual(["M: GET k", "B: GET k"]);
  });

  it("that throws rejects the read it was asked for, and no other", async () => {
    const { read, only, clock, issuer, nodes, sent } = readerOf();
    only();
    let calls = 0;
    read("GET a", {
      readFrom: () => {
        if (calls++ > 0) throw new Error("oops");
        return [];
      },
    });
    read("GET b", { readFrom: () => [{ id: "A" }] as never });
    nodes.A.serves = true;
    clock.advance(2);
    expect((await issuer.ends())[0]).toBe("!oops");
    expect(sent()).toEqual(["A: GET b"]);
  });

  it("that throws at the call rejects instead of throwing there", async () => {
    const { read, issuer } = readerOf();
    read("GET a", {
      readFrom: () => {
        throw new Error("oops");
      },
    });
    expect(await issuer.ends()).toEqual(["!oops"]);
  });
});

describe("a unit of reads", () => {
  it("goes whole to one node, which has what the most demanding of them needs", () => {
    const { unit, sent, nodes } = wroteAt(110);
    nodes.B.mark.offset = 110;
    unit(["GET a", "GET k", "GET b"]);
    expect(sent()).toEqual(["B: GET a", "B: GET k", "B: GET b"]);
  });

  it("of a causal session goes again to one node when its connection ends, in its order and without what was answered", async () => {
    // One by one they went to two nodes, and a session's second read was older than its first (seen on real servers).
    const { unit, only, nodes, sent, reader, issuer, causal } = readerOf();
    only("A");
    const [first] = unit(["GET a", "GET b", "GET c"], {}, causal());
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("from A");
    only("M", "B");
    nodes.A.connection.cut();
    reader.reroute(flush);
    expect(sent().filter((line) => !line.startsWith("A"))).toEqual([]);
    await issuer.ends();
    expect(sent().filter((line) => !line.startsWith("A"))).toEqual(["B: GET a", "B: GET b", "B: GET c"]);
    expect(new Set(nodes.B.connection.wire.map((operation) => operation.flush)).size).toBe(1);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("1", "2", "3");
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["1", "2", "3"]);
    expect(first?.settled).toBe(true);
  });

  it("of a causal session goes again with all that stands behind a refused one, which would see more than they", async () => {
    const { unit, only, nodes, reader, issuer, causal, sent } = readerOf();
    only("A");
    unit(["GET a", "GET b", "GET c"], {}, causal());
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("1", BUSY, "3");
    only("B");
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["1", "…", "…"]);
    expect(sent().filter((line) => line.startsWith("B"))).toEqual(["B: GET b", "B: GET c"]);
  });

  describe("of a causal session that left in two pieces, the first of them in vain", () => {
    /** GET a and GET b in one flush, GET c in the next, all of them answered; the fence behind the first is bad. */
    const inVain = async () => {
      const made = readerOf();
      const { unit, only, nodes, reader, causal, toMaster } = made;
      only("M");
      unit(["GET a", "GET b", "GET c"], {}, causal());
      const { connection } = nodes.M;
      const [a, b, c] = toMaster.splice(0) as [Operation, Operation, Operation];
      for (const read of [a, b]) connection.send(read);
      const first = connection.flush();
      connection.send(c);
      const second = connection.flush();
      connection.answer("old a", "old b");
      reader.reroute(first);
      await made.issuer.ends();
      connection.answer("old c");
      return { ...made, second, c };
    };

    it("hands out nothing that was read behind those that are read again, however good", async () => {
      const { second, reader, issuer, toMaster } = await inVain();
      expect(toMaster.map(({ command }) => command.args[0])).toEqual(["a", "b"]);
      reader.release(second, 100, 100);
      expect(await issuer.ends()).toEqual(["…", "…", "…"]);
    });

    it("reads the rest again when they have ended, and not before: it could see less", async () => {
      const { second, reader, issuer, toMaster, nodes } = await inVain();
      reader.release(second, 100, 100);
      await issuer.ends();
      for (const read of toMaster.splice(0)) nodes.M.connection.send(read);
      const again = nodes.M.connection.flush();
      nodes.M.connection.answer("a", "b");
      expect(toMaster).toEqual([]);
      reader.release(again, 120, 120);
      expect(await issuer.ends()).toEqual(["a", "b", "…"]);
      expect(toMaster.map(({ command }) => command.args[0])).toEqual(["c"]);
    });

    it("goes whole if those come back once more meanwhile", async () => {
      const { second, reader, issuer, toMaster, nodes } = await inVain();
      reader.release(second, 100, 100);
      await issuer.ends();
      for (const read of toMaster.splice(0)) nodes.M.connection.send(read);
      const again = nodes.M.connection.flush();
      nodes.M.connection.answer("a", "b");
      reader.reroute(again);
      expect(await issuer.ends()).toEqual(["…", "…", "…"]);
      expect(toMaster.map(({ command }) => command.args[0])).toEqual(["a", "b", "c"]);
    });

    it("ends with the client", async () => {
      const { second, reader, issuer, c } = await inVain();
      reader.release(second, 100, 100);
      await issuer.ends();
      reader.rejectAll(() => new Error("closed"));
      expect(c.settled).toBe(true);
      expect((await issuer.ends())[2]).toBe("!closed");
    });
  });

  it("of a causal session hands out MULTI … EXEC of reads behind the reads in front of it alone", async () => {
    const { unit, only, nodes, reader, issuer, causal, toMaster } = readerOf();
    only("M");
    unit(["GET a", "MULTI", "GET b", "EXEC"], {}, causal());
    const { connection } = nodes.M;
    const [a, ...transaction] = toMaster.splice(0);
    connection.send(a as Operation);
    const first = connection.flush();
    for (const one of transaction) connection.send(one);
    const second = connection.flush();
    connection.answer("old a");
    reader.reroute(first);
    await issuer.ends();
    connection.answer("OK", "QUEUED", ["old b"]);
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["…", "…", "…", "…"]);
  });

  it("of a causal session hands out MULTI … EXEC of reads and what follows it behind one good fence", async () => {
    const { unit, only, nodes, reader, issuer, causal } = readerOf();
    only("A");
    unit(["MULTI", "GET a", "EXEC", "GET b"], {}, causal());
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("OK", "QUEUED", ["a"], "b");
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", ["a"], "b"]);
  });

  it("of no session is made of reads for themselves: what was answered is not read again", async () => {
    const { unit, only, nodes, reader, issuer } = readerOf();
    only("A");
    unit(["GET a", "GET b", "GET c"]);
    const flush = nodes.A.connection.flush();
    nodes.A.connection.answer("1", BUSY, "3");
    only("B");
    reader.release(flush, 100, 100);
    expect(await issuer.ends()).toEqual(["1", "…", "3"]);
  });

  it("MULTI … EXEC of reads: a refusal at queueing sends the whole to another node", async () => {
    const { unit, only, nodes, reader, issuer } = readerOf();
    only("A");
    unit(["MULTI", "GET a", "EXEC"]);
    const flush = nodes.A.connection.flush();
    nodes.B.serves = true;
    nodes.A.connection.answer("OK", MASTERDOWN, EXECABORT);
    reader.release(flush, 100, 100);
    expect(nodes.B.connection.log).toEqual(["MULTI", "GET a", "EXEC"]);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("OK", "QUEUED", ["1"]);
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", ["1"]]);
  });

  it("the same without verification", async () => {
    const { unit, only, nodes, issuer } = readerOf();
    only("A");
    unit(["MULTI", "GET a", "EXEC"], { consistency: "eventual" });
    nodes.B.serves = true;
    nodes.A.connection.answer("OK", LOADING, EXECABORT);
    expect(nodes.B.connection.log).toEqual(["MULTI", "GET a", "EXEC"]);
    nodes.B.connection.answer("OK", "QUEUED", ["1"]);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", ["1"]]);
  });

  it("MULTI … EXEC of reads, cut in the middle: read again whole, once", async () => {
    const { unit, only, nodes, reader, sent } = readerOf();
    only("A");
    unit(["MULTI", "GET a", "EXEC"]);
    const flush = nodes.A.connection.flush();
    nodes.B.serves = true;
    nodes.A.connection.answer("OK");
    nodes.A.connection.cut();
    reader.reroute(flush);
    expect(sent().filter((line) => line.startsWith("B"))).toEqual(["B: MULTI", "B: GET a", "B: EXEC"]);
  });
});

describe("a command that carries a cursor", () => {
  it("is repeated by its own rule, never by that of all reads", () => {
    const { issuer, reader, nodes, sent } = readerOf();
    const scan = issuer.make("SCAN 17");
    let repeated = 0;
    scan.repeat = () => void repeated++;
    reader.sendTo(scan, nodes.A as never);
    nodes.A.connection.flush();
    nodes.A.connection.cut();
    expect(repeated).toBe(1);
    expect(sent()).toEqual(["A: SCAN 17"]);
  });
});

it("the client's end rejects what is held", async () => {
  const { read, only, reader, issuer, clock } = readerOf();
  only();
  read("GET k", { readFrom: "replica" });
  reader.rejectAll(() => new Error("closed"));
  expect(await issuer.ends()).toEqual(["!closed"]);
  expect(clock.pending).toBe(0);
});

describe("a read whose connections the server closes", () => {
  /** Sends it to A and B in turn; each time the connection ends without an answer. Then only A serves. */
  function cutOff(lines: readonly string[], times: number) {
    const made = readerOf();
    const { nodes, only, unit, reader } = made;
    only("A");
    unit(lines);
    for (let i = 0; i < times; i++) {
      const [here, next] = i % 2 === 0 ? (["A", "B"] as const) : (["B", "A"] as const);
      const { connection } = nodes[here];
      expect(connection.log).toEqual(lines);
      const flush = connection.flush();
      nodes[next].connection = new FakeConnection(next);
      nodes[next].serves = true;
      connection.cut();
      // The fence behind it had no answer either.
      reader.reroute(flush);
    }
    return made;
  }

  it("fails once it is known of four that they were closed alone, and not before", async () => {
    const made = cutOff(["LRANGE big 0 -1"], 4);
    expect(made.nodes.A.connection.log).toEqual([]);
    made.polls.answered("A", 1);
    expect(await made.issuer.ends()).toEqual(["…"]);
    made.polls.answered("B", 1);
    expect(await made.issuer.ends()).toEqual(["!CUT_OFF"]);
  });

  it("goes again where they turn out to have been closed with all others", async () => {
    const made = cutOff(["GET k"], 4);
    made.polls.answered("B", 2);
    expect(made.nodes.A.connection.log).toEqual([]);
    made.polls.answered("A", 2);
    const flush = made.nodes.A.connection.flush();
    made.nodes.A.connection.answer("v");
    made.reader.release(flush, 100, 100);
    expect(await made.issuer.ends()).toEqual(["v"]);
  });

  // Each command of it counted the loss of the one connection, and a MULTI of four reads failed with its first.
  it("is one with its MULTI: a connection counts once for all of it", async () => {
    const lines = ["MULTI", "GET a", "GET b", "EXEC"];
    const { nodes, issuer, polls } = cutOff(lines, 3);
    polls.answered("A", 1);
    polls.answered("B", 1);
    expect(nodes.B.connection.log).toEqual(lines);
    expect(await issuer.ends()).toEqual(["…", "…", "…", "…"]);
  });

  it("ends with its client while it is not known", async () => {
    const { reader, issuer, polls, nodes } = cutOff(["GET k"], 4);
    reader.rejectAll(() => new Error("closed"));
    polls.answered("A", 2);
    polls.answered("B", 2);
    expect(await issuer.ends()).toEqual(["!closed"]);
    expect(nodes.A.connection.log).toEqual([]);
  });
});
