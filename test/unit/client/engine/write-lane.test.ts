import { describe, expect, it } from "vitest";
import { causalSession } from "./support/causal-session.js";
import { errorReply } from "./support/fake-connection.js";
import { BUSY, EXECABORT, LOADING, laneOf, NOREPLICAS, READONLY } from "./support/lane.js";

describe("the write lane keeps the order of issue", () => {
  it.each([
    ["READONLY", READONLY],
    ["LOADING", LOADING],
    ["BUSY", BUSY],
    ["NOREPLICAS", NOREPLICAS],
  ])("over a refusal with %s: what was issued behind the refused one is sent behind it", async (_name, refusal) => {
    const { issue, connect, lane, issuer } = laneOf();
    const a = connect("A");
    issue("RPUSH l 1");
    issue("RPUSH l 2");
    a.answer(refusal);
    issue("RPUSH l 3");
    expect(a.wire.length).toBe(2);
    expect(lane.idle).toBe(false);
    a.answer(refusal);
    expect(lane.idle).toBe(true);
    const b = connect("B");
    expect(b.log).toEqual(["RPUSH l 1", "RPUSH l 2", "RPUSH l 3"]);
    b.answer(1, 2, 3);
    expect(await issuer.ends()).toEqual([1, 2, 3]);
  });

  // An error was made of each of the thousand writes that a planned failover had frozen, in front of the question that was
  // to find the new master.
  it("makes no error of a refusal whose command goes again, and one if its time runs out", async () => {
    const { issue, connect, clock, issuer, lane } = laneOf();
    const made: string[] = [];
    const refuse = (): void => {
      const [operation] = a.unanswered;
      a.drop();
      const taken = operation?.refuse(READONLY.slice(1), (text) => {
        made.push(text);
        return errorReply(text);
      });
      expect(taken).toBe(true);
    };
    const a = connect("A");
    issue("SET a 1");
    issue("SET b 1");
    refuse();
    refuse();
    expect(lane.waiting).toBe(2);
    expect(made).toEqual([]);
    clock.advance(1000);
    expect(await issuer.ends()).toEqual([`!${READONLY.slice(1)}`, `!${READONLY.slice(1)}`]);
    expect(made).toHaveLength(2);
  });

  // Seed 329 of the simulation: SET refused, GET answered behind it with what was before, SET sent again and applied.
  it("a read that was answered behind a refused write of its key is read again behind that write, others are not", async () => {
    const { issue, connect, issuer, lane } = laneOf();
    const a = connect("A");
    issue("SET k new");
    issue("GET k");
    issue("GET other");
    a.answer(BUSY, "old", "x");
    expect(await issuer.ends()).toEqual(["…", "…", "x"]);
    expect(lane.waiting).toBe(2);
    const b = connect("A");
    expect(b.log).toEqual(["SET k new", "GET k"]);
    b.answer("OK", "new");
    expect(await issuer.ends()).toEqual(["OK", "new", "x"]);
  });

  // Torture, master short of replicas: the first read of a pipeline went again behind a refused write of its key, and the
  // pipeline's last read, which did not, had seen less than the first.
  it("a causal session's reads behind one that goes again go again with it, in their order", async () => {
    const { issue, unit, connect, issuer, lane } = laneOf();
    const a = connect("A");
    issue("SET k new");
    const reads = unit(["GET other", "GET k", "GET third"], {}, 0, causalSession());
    issue("GET fourth");
    a.answer(NOREPLICAS, "o", "old", "t", "f");
    expect(await issuer.ends()).toEqual(["…", "o", "…", "…", "f"]);
    expect(lane.waiting).toBe(3);
    expect(reads.map(({ settled }) => settled)).toEqual([true, false, false]);
    const b = connect("A");
    expect(b.log).toEqual(["SET k new", "GET k", "GET third"]);
    b.answer("OK", "new", "t2");
    expect(await issuer.ends()).toEqual(["OK", "o", "new", "t2", "f"]);
  });

  it("a causal session's read behind its own refused write goes again behind it, whatever its key", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    const session = causalSession();
    unit(["SET k new"], {}, 0, session);
    unit(["GET other"], {}, 0, session);
    unit(["GET third"], {}, 0, causalSession());
    a.answer(NOREPLICAS, "o", "t");
    expect(await issuer.ends()).toEqual(["…", "…", "t"]);
    expect(connect("A").log).toEqual(["SET k new", "GET other"]);
  });

  it("a MULTI of reads that was answered behind a refused write of its key is read again behind it", async () => {
    const { issue, unit, connect, issuer } = laneOf();
    const a = connect("A");
    issue("SET k new");
    unit(["MULTI", "GET j", "GET k", "EXEC"]);
    unit(["MULTI", "GET other", "EXEC"]);
    a.answer(NOREPLICAS, "OK", "QUEUED", "QUEUED", ["j", "old"], "OK", "QUEUED", ["x"]);
    expect(await issuer.ends()).toEqual(["…", "…", "…", "…", "…", "OK", "QUEUED", ["x"]]);
    const b = connect("A");
    expect(b.log).toEqual(["SET k new", "MULTI", "GET j", "GET k", "EXEC"]);
    b.answer("OK", "OK", "QUEUED", "QUEUED", ["j", "new"]);
    expect((await issuer.ends()).slice(0, 5)).toEqual(["OK", "OK", "QUEUED", "QUEUED", ["j", "new"]]);
  });

  it("keeps nothing waiting for a master when that is hopeless, and waits again when it is not any more", async () => {
    const { issue, issuer, world, pending, connect } = laneOf();
    world.hopeless = new Error("WRONGPASS");
    issue("SET a 1");
    expect(pending.size).toBe(0);
    world.hopeless = null;
    issue("SET b 1");
    connect("A").answer("OK");
    expect(await issuer.ends()).toEqual(["!WRONGPASS", "OK"]);
  });

  it("a write that was refused is not sent again once a later write of its key was applied (SET first, SET second)", async () => {
    const { issue, connect, issuer, pending } = laneOf();
    const a = connect("A");
    issue("SET ord first");
    issue("SET other x");
    issue("SET ord second");
    a.answer(BUSY, BUSY, "OK");
    const b = connect("A");
    expect(b.log).toEqual(["SET other x"]);
    b.answer("OK");
    expect(await issuer.ends()).toEqual([`!${BUSY.slice(1)}`, "OK", "OK"]);
    expect(pending.size).toBe(0);
  });

  it("a transaction that was refused is not sent again either once a later write of its key was applied", async () => {
    const { issue, unit, connect, issuer, pending } = laneOf();
    const a = connect("A");
    unit(["MULTI", "SET ord first", "EXEC"]);
    issue("SET ord second");
    a.answer("OK", BUSY, EXECABORT, "OK");
    const b = connect("A");
    expect(b.log).toEqual([]);
    const ends = await issuer.ends();
    expect(ends[3]).toBe("OK");
    expect(ends[2]).toBe(`!${EXECABORT.slice(1)}`);
    expect(ends).not.toContain("…");
    expect(pending.size).toBe(0);
  });

  it("a refused read goes again though a later write of its key was applied", async () => {
    const { issue, connect, issuer } = laneOf();
    const a = connect("A");
    issue("GET k");
    issue("SET k 2");
    a.answer(BUSY, "OK");
    const b = connect("A");
    expect(b.log).toEqual(["GET k"]);
    b.answer("2");
    expect(await issuer.ends()).toEqual(["2", "OK"]);
  });

  it("a pipeline goes on from its refused commands, and what was applied is not sent twice", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    unit(["INCR a", "INCR b", "INCR c"]);
    a.answer(1, READONLY, READONLY);
    const b = connect("B");
    expect(b.log).toEqual(["INCR b", "INCR c"]);
    b.answer(1, 1);
    expect(await issuer.ends()).toEqual([1, 1, 1]);
  });

  it("what comes back stands in front of what waits, whatever came back first", () => {
    const { issue, connect } = laneOf();
    const a = connect("A");
    issue("INCR a");
    issue("INCR b");
    a.answer(READONLY);
    issue("INCR c");
    a.cut();
    expect(connect("B").log).toEqual(["INCR a", "INCR c"]);
  });

  it("hands over the first of many that have waited while it prepares the others, and few all at once", () => {
    const { issue, connect, lane } = laneOf();
    for (let i = 0; i < 40; i++) issue(`RPUSH l ${i}`);
    const a = connect("A");
    expect(a.wire.map(({ command }) => command.args[1])).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
    expect(a.wire.filter((operation) => a.asReal.wasSent(operation)).length).toBe(32);
    a.cut();
    expect(lane.waiting).toBe(8);
    const b = connect("B");
    expect(b.wire.length).toBe(8);
    expect(b.wire.filter((operation) => b.asReal.wasSent(operation)).length).toBe(0);
  });

  // Each of the writes that a script held up counted as one more refusal, and the next try was half a second later.
  it("tells of refusals that arrive together once, of each kind, and again of those that come later", () => {
    const { issue, unit, connect, told } = laneOf();
    const a = connect("A");
    for (let i = 0; i < 4; i++) issue(`SET k${i} v`);
    unit(["MULTI", "SET l v", "EXEC"]);
    a.answer(BUSY, BUSY, LOADING, LOADING, "OK", LOADING, EXECABORT);
    expect(told.filter((line) => line.startsWith("refused"))).toEqual(["refused SET busy", "refused SET loading"]);
    for (let i = 0; i < 2; i++) {
      const b = connect("A");
      b.answer(BUSY);
      b.answer(BUSY, BUSY, BUSY, "OK", BUSY, EXECABORT);
    }
    expect(told.filter((line) => line === "refused SET busy").length).toBe(5);
  });

  it("is told that it may be opened again only once all that was sent is answered", () => {
    const { issue, connect, told } = laneOf();
    const a = connect("A");
    issue("INCR a");
    issue("INCR b");
    a.answer(READONLY);
    expect(told).toEqual(["refused INCR readonly"]);
    a.answer(READONLY);
    expect(told).toEqual(["refused INCR readonly", "refused INCR readonly", "drained"]);
  });

  it("does not write to a master that was not heard of for too long before it was looked at again", () => {
    const { issue, connect, lane, told, clock } = laneOf();
    const a = connect("A");
    lane.trustedUntil = 5;
    clock.advance(6);
    issue("INCR a");
    expect(a.log).toEqual([]);
    expect(told).toContain("stale");
    lane.trustedUntil = 100;
    lane.open(a.asReal);
    expect(a.log).toEqual(["INCR a"]);
  });
});

describe("the write lane, when a connection is cut", () => {
  it("a write that was handed to the socket is of unknown outcome and is never sent again", async () => {
    const { issue, connect, issuer, told, pending } = laneOf();
    const a = connect("A");
    issue("INCR n");
    a.flush();
    a.cut();
    expect(connect("A").log).toEqual([]);
    expect(await issuer.ends()).toEqual(["!UNKNOWN_OUTCOME"]);
    expect(told).toContain("unknown INCR n");
    expect(pending.size).toBe(0);
  });

  it("a write that had not left yet is sent on the next connection", async () => {
    const { issue, connect, issuer } = laneOf();
    const a = connect("A");
    issue("INCR n");
    a.flush();
    issue("INCR m");
    a.cut();
    const b = connect("A");
    expect(b.log).toEqual(["INCR m"]);
    b.answer(1);
    expect(await issuer.ends()).toEqual(["!UNKNOWN_OUTCOME", 1]);
  });

  it("a connection that is closed and not yet known to be rejects in the call: the command waits, nothing spins", async () => {
    const { issue, connect, issuer, lane, told } = laneOf();
    const a = connect("A");
    a.cut();
    issue("INCR n");
    expect(lane.isOpen).toBe(false);
    expect(lane.waiting).toBe(1);
    expect(told.filter((word) => word === "drained").length).toBe(1);
    const b = connect("A");
    b.answer(1);
    expect(await issuer.ends()).toEqual([1]);
  });

  it("retryUnknown sends what may be applied twice again, marked on the connection that it was cut from", async () => {
    const { issue, connect, issuer } = laneOf();
    const a = connect("A");
    issue("SET k v", { retryUnknown: true });
    a.flush();
    a.cut();
    const b = connect("A");
    expect(b.log).toEqual(["SET k v"]);
    b.answer("OK");
    expect(await issuer.ends()).toEqual(["OK"]);
    expect(a.unansweredWrites).toBe(true);
    expect(b.unansweredWrites).toBe(false);
  });

  // An LRANGE over the output buffer limit was read again 895 times in ten seconds, each time with the connection of
  // everybody.
  it("a read that lost two connections goes alone, and fails after two more", async () => {
    const { issue, connect, issuer, lane, polls } = laneOf();
    issue("LRANGE big 0 -1");
    issue("GET k");
    for (let i = 0; i < 2; i++) {
      const shared = connect("A");
      expect(shared.log).toEqual(["LRANGE big 0 -1", "GET k"]);
      shared.flush();
      shared.cut();
      polls.answered("A", 1);
    }
    for (let i = 0; i < 2; i++) {
      const alone = connect("A");
      issue(`SET later ${i}`);
      expect(alone.log).toEqual(["LRANGE big 0 -1"]);
      alone.flush();
      alone.cut();
      polls.answered("A", 1);
    }
    const last = connect("A");
    expect(last.log).toEqual(["GET k"]);
    last.answer("v");
    expect(last.log).toEqual(["GET k", "SET later 0", "SET later 1"]);
    last.answer("OK", "OK");
    expect(await issuer.ends()).toEqual(["!CUT_OFF", "v", "OK", "OK"]);
    expect(lane.outstanding).toBe(0);
  });

  it("a read that lost two connections elsewhere goes alone too: it waits for what is on its way, and is waited for", async () => {
    const { issue, connect, issuer, lane } = laneOf();
    const a = connect("A");
    issue("SET k v");
    const suspect = issuer.make("LRANGE big 0 -1");
    suspect.losses = [{ verdict: "open" }, { verdict: "alone" }];
    lane.submit([suspect]);
    issue("SET l v");
    expect(a.log).toEqual(["SET k v"]);
    a.answer("OK");
    expect(a.log).toEqual(["SET k v", "LRANGE big 0 -1"]);
    a.answer([]);
    expect(a.log).toEqual(["SET k v", "LRANGE big 0 -1", "SET l v"]);
    a.answer("OK");
    lane.submit([Object.assign(issuer.make("GET big"), { losses: suspect.losses })]);
    expect(a.log.at(-1)).toBe("GET big");
    a.answer("b");
    expect(await issuer.ends()).toEqual(["OK", [], "OK", "b"]);
  });

  it("a write that may be repeated fails after four, its outcome unknown", async () => {
    const { issue, connect, issuer, polls, pending } = laneOf();
    issue("SET k v", { retryUnknown: true });
    for (let i = 0; i < 4; i++) {
      const connection = connect("A");
      connection.flush();
      connection.cut();
      polls.answered("A", 1);
    }
    expect(connect("A").log).toEqual([]);
    expect(await issuer.ends()).toEqual(["!UNKNOWN_OUTCOME"]);
    expect(pending.size).toBe(0);
  });

  // CLIENT KILL TYPE normal ended every connection of the client four times, and a read failed with CutOffError.
  it("a read is not blamed for connections that ended with all others, however many", async () => {
    const { issue, connect, issuer, polls } = laneOf();
    issue("GET k");
    for (let i = 0; i < 12; i++) {
      const connection = connect("A");
      expect(connection.log).toEqual(["GET k"]);
      connection.flush();
      connection.cut();
      polls.answered("A", i + 2);
    }
    connect("A").answer("v");
    expect(await issuer.ends()).toEqual(["v"]);
  });

  it("connections that were ended from here are no sign against a read", async () => {
    const { issue, connect, issuer } = laneOf();
    issue("GET k");
    for (let i = 0; i < 6; i++) {
      const hung = connect("A");
      hung.flush();
      hung.destroy("the node does not answer");
    }
    connect("A").answer("v");
    expect(await issuer.ends()).toEqual(["v"]);
  });

  it("a read is read again", async () => {
    const { issue, connect, issuer } = laneOf();
    const a = connect("A");
    issue("GET k");
    a.flush();
    a.cut();
    const b = connect("A");
    b.answer("v");
    expect(await issuer.ends()).toEqual(["v"]);
    expect(a.unansweredWrites).toBe(false);
  });

  it("refused writes in front of one of unknown outcome are not applied behind it", async () => {
    const { issue, connect, issuer, pending } = laneOf();
    const a = connect("A");
    issue("SET ord first");
    issue("SET ord second");
    a.answer(BUSY);
    a.cut();
    expect(connect("A").log).toEqual([]);
    expect(await issuer.ends()).toEqual([`!${BUSY.slice(1)}`, "!UNKNOWN_OUTCOME"]);
    expect(pending.size).toBe(0);
  });
});

describe("the write lane and MULTI … EXEC", () => {
  it("sends it whole again after EXECABORT for a refusal", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.answer("OK", READONLY, EXECABORT);
    const b = connect("B");
    expect(b.log).toEqual(["MULTI", "INCR a", "EXEC"]);
    b.answer("OK", "QUEUED", [1]);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", [1]]);
  });

  it("asks replicas for a durable one as a whole, once it was executed and if it writes (`ack` was ignored there)", async () => {
    const { unit, connect, issuer, told } = laneOf();
    const a = connect("A");
    const ack = { replicas: 1, timeoutMs: 100 };
    unit(["MULTI", "INCR a", "EXEC"], { ack });
    unit(["MULTI", "GET a", "EXEC"], { ack });
    unit(["MULTI", "INCR a", "EXEC"], { ack });
    a.answer("OK", "QUEUED", [1], "OK", "QUEUED", ["1"], "OK", "-ERR unknown command", EXECABORT);
    expect(told.filter((line) => line.startsWith("durable"))).toEqual(["durable EXEC"]);
    expect((await issuer.ends()).slice(0, 6)).toEqual(["OK", "QUEUED", [1], "OK", "QUEUED", ["1"]]);
  });

  it("not after an EXECABORT for the caller's own mistake", async () => {
    const { unit, connect, issuer, told } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.answer("OK", "-ERR unknown command", EXECABORT);
    expect(await issuer.ends()).toEqual(["OK", "!ERR unknown command", `!${EXECABORT.slice(1)}`]);
    expect(told).toContain("notApplied INCR a");
  });

  it("a refusal inside EXEC's reply is the script's or the command's own word, and final", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    unit(["MULTI", "EVAL x 0", "EXEC"]);
    a.answer("OK", "QUEUED", [new Error(READONLY)]);
    expect((await issuer.ends())[0]).toBe("OK");
    expect(connect("B").log).toEqual([]);
  });

  it("EXEC that answers an error other than EXECABORT may have left commands applied one by one", async () => {
    const { unit, connect, told } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.answer("-NOPERM no MULTI for you", 1, "-ERR EXEC without MULTI");
    expect(told).toContain("acked INCR a");
  });

  it("nil (a watched key changed) applied nothing", async () => {
    const { unit, connect, told, issuer } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.answer("OK", "QUEUED", null);
    expect(told).toContain("notApplied INCR a");
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", null]);
  });

  it("cut after some of its replies: every command of it ends, all of unknown outcome", async () => {
    const { unit, connect, issuer, pending } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.answer("OK", "QUEUED");
    a.cut();
    expect(await issuer.ends()).toEqual(["!UNKNOWN_OUTCOME", "!UNKNOWN_OUTCOME", "!UNKNOWN_OUTCOME"]);
    expect(connect("A").log).toEqual([]);
    expect(pending.size).toBe(0);
  });

  it("cut before any of it left: sent whole again", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    unit(["MULTI", "INCR a", "EXEC"]);
    a.cut();
    const b = connect("A");
    expect(b.log).toEqual(["MULTI", "INCR a", "EXEC"]);
    b.answer("OK", "QUEUED", [1]);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", [1]]);
  });

  it("retryUnknown repeats it whole, also when a part was answered", async () => {
    const { unit, connect, issuer } = laneOf();
    const a = connect("A");
    unit(["MULTI", "SET a 1", "EXEC"], { retryUnknown: true });
    a.answer("OK");
    a.cut();
    const b = connect("A");
    expect(b.log).toEqual(["MULTI", "SET a 1", "EXEC"]);
    b.answer("OK", "QUEUED", ["OK"]);
    expect(await issuer.ends()).toEqual(["OK", "QUEUED", ["OK"]]);
  });

  it("is not sent once its caller was told that it had not been", async () => {
    const { unit, connect, pending } = laneOf();
    const operations = unit(["MULTI", "INCR a", "EXEC"]);
    for (const operation of operations) operation.fail(new Error("aborted"));
    expect(connect("A").log).toEqual([]);
    expect(pending.size).toBe(0);
  });

  it("expires whole, though its last command was issued a little later than its first", async () => {
    const { unit, connect, issuer, clock } = laneOf();
    unit(["MULTI", "INCR a", "EXEC"], {}, 1);
    clock.advance(997);
    expect(await issuer.ends()).toEqual(["…", "…", "…"]);
    clock.advance(1);
    expect(await issuer.ends()).toEqual(["!NO_MASTER", "!NO_MASTER", "!NO_MASTER"]);
    expect(connect("A").log).toEqual([]);
  });

  it("nothing comes between its commands when the bytes in flight are limited", () => {
    const { issue, unit, connect, lane } = laneOf({ inFlightBytesPerNode: 15 });
    issue("INCR x");
    issue("INCR y");
    unit(["MULTI", "INCR a", "EXEC"]);
    issue("INCR z");
    const a = connect("A");
    expect(a.log).toEqual(["INCR x", "INCR y"]);
    a.answer(1);
    expect(a.log).toEqual(["INCR x", "INCR y", "MULTI", "INCR a", "EXEC"]);
    a.answer(1, "OK", "QUEUED", [1]);
    expect(a.log[5]).toBe("INCR z");
    expect(lane.waiting).toBe(0);
  });
});

describe("the write lane's limits", () => {
  it("queuedCommands: the one too many is refused, and its place in the ledger given back", async () => {
    const { issue, issuer, told } = laneOf({ queuedCommands: 2 });
    issue("INCR a");
    issue("INCR b");
    issue("INCR c");
    expect(await issuer.ends()).toEqual(["…", "…", "!QUEUE_FULL"]);
    expect(told).toEqual(["abandoned INCR c"]);
    expect((issuer.outcomes[2]?.value as Error).message).toContain("limits.queuedCommands is 2");
  });

  it("queuedBytes, whatever the arguments are made of", async () => {
    const { issue, issuer } = laneOf({ queuedBytes: 50 });
    issue(`SET a ${"x".repeat(60)}`);
    issue("SET b 1");
    expect(await issuer.ends()).toEqual(["…", "!QUEUE_FULL"]);
    expect((issuer.outcomes[1]?.value as Error).message).toContain("limits.queuedBytes is 50");
  });

  it("inFlightBytesPerNode: beyond it commands wait in order, and go as replies come", async () => {
    const { issue, connect, issuer } = laneOf({ inFlightBytesPerNode: 20 });
    const a = connect("A");
    for (const key of ["a", "b", "c", "d"]) issue(`INCR ${key}`);
    expect(a.log).toEqual(["INCR a", "INCR b"]);
    a.answer(1);
    expect(a.log).toEqual(["INCR a", "INCR b", "INCR c"]);
    a.answer(1, 1, 1);
    expect(await issuer.ends()).toEqual([1, 1, 1, 1]);
  });

  it("the wait for a master: the error is that of the last refusal, or lists the nodes", async () => {
    const { issue, connect, issuer, clock } = laneOf();
    const a = connect("A");
    issue("INCR a");
    clock.advance(10);
    a.answer(READONLY);
    issue("INCR b");
    clock.advance(989);
    expect(await issuer.ends()).toEqual(["…", "…"]);
    clock.advance(1);
    expect(await issuer.ends()).toEqual([`!${READONLY.slice(1)}`, "…"]);
    clock.advance(10);
    expect(await issuer.ends()).toEqual([`!${READONLY.slice(1)}`, "!NO_MASTER"]);
    expect(clock.pending).toBe(0);
  });

  it("a command that was settled while it waited is not sent, and its place in the ledger given back", async () => {
    const { issue, connect, told } = laneOf();
    const operation = issue("INCR a");
    issue("INCR b");
    operation.fail(new Error("aborted"));
    expect(connect("A").log).toEqual(["INCR b"]);
    expect(told).toEqual(["abandoned INCR a"]);
  });

  it("a command that was settled while on the wire is still acknowledged to the ledger, or unknown to it", () => {
    const { issue, connect, pending, told } = laneOf();
    const a = connect("A");
    const operations = [issue("INCR a"), issue("INCR b")];
    for (const operation of operations) operation.fail(new Error("aborted"));
    a.answer(1);
    a.cut();
    expect(told.slice(0, 2)).toEqual(["acked INCR a", "unknown INCR b"]);
    expect(pending.size).toBe(0);
  });
});

describe("the write lane in a hold", () => {
  it("keeps the replies to writes, and gives them out when the node has won", async () => {
    const { issue, connect, lane, issuer } = laneOf();
    const a = connect("A");
    issue("INCR a");
    lane.close();
    lane.park(true);
    a.answer(1);
    expect(await issuer.ends()).toEqual(["…"]);
    expect(lane.idle).toBe(false);
    lane.park(false);
    expect(await issuer.ends()).toEqual([1]);
    expect(lane.idle).toBe(true);
  });

  it("gives them up when the node has lost, transactions whole", async () => {
    const { issue, unit, connect, lane, issuer } = laneOf();
    const a = connect("A");
    issue("INCR a");
    unit(["MULTI", "INCR b", "EXEC"]);
    lane.close();
    lane.park(true);
    a.answer(1, "OK", "QUEUED", [1]);
    lane.surrender(() => new Error("lost"));
    expect(await issuer.ends()).toEqual(["!lost", "!lost", "!lost", "!lost"]);
  });

  it("rejects what is kept when the client ends", async () => {
    const { issue, unit, connect, lane, issuer, clock } = laneOf();
    const a = connect("A");
    issue("INCR a");
    unit(["MULTI", "INCR b", "EXEC"]);
    lane.close();
    lane.park(true);
    a.answer(1, "OK", "QUEUED", [1]);
    lane.rejectAll(() => new Error("closed"));
    expect(await issuer.ends()).toEqual(["!closed", "!closed", "!closed", "!closed"]);
    expect(clock.pending).toBe(0);
  });

  it("does not keep them for ever: a hold that outlasts the wait ends them as unknown", async () => {
    const { issue, connect, lane, issuer, clock } = laneOf();
    const a = connect("A");
    issue("INCR a");
    lane.close();
    lane.park(true);
    a.answer(1);
    clock.advance(999);
    expect(await issuer.ends()).toEqual(["…"]);
    clock.advance(1);
    expect(await issuer.ends()).toEqual(["!UNKNOWN_OUTCOME"]);
    expect(lane.idle).toBe(true);
  });
});

it("a scan that waited for its home goes to no other master", async () => {
  const { issuer, lane, connect } = laneOf();
  let repeated = 0;
  for (const home of ["A", "B"]) {
    const scan = issuer.make("SCAN 17");
    scan.home = home;
    scan.repeat = () => void repeated++;
    lane.submit([scan]);
  }
  expect(connect("B").log).toEqual(["SCAN 17"]);
  expect(repeated).toBe(1);
});

it("what was refused between MULTI and DISCARD is not sent alone afterwards: nobody meant it to be applied", async () => {
  const { unit, connect, issuer, lane, pending, told } = laneOf();
  const a = connect("A");
  unit(["MULTI", "SET k v", "DISCARD", "GET k"]);
  a.answer("OK", READONLY, "OK", "old");
  expect(lane.isOpen).toBe(true);
  expect(lane.waiting).toBe(0);
  expect(await issuer.ends()).toEqual(["OK", `!${READONLY.slice(1)}`, "OK", "old"]);
  expect(told).not.toContain("acked SET k v");
  expect(pending.size).toBe(0);
});
