import { describe, expect, it } from "vitest";
import { readerOf } from "./support/reader.js";

/** A reader in which A is asked first, and then keeps its readers waiting. */
function hedged(options: { hedgePercent?: number } = {}) {
  const made = readerOf(options);
  made.only("A", "M");
  const read = (view = {}) => {
    const operation = made.read("GET k", { hedgeAfterMs: 10, ...view });
    made.nodes.B.serves = true;
    return operation;
  };
  return { ...made, read };
}

describe("a read that is not answered in time", () => {
  it("is sent to another replica too, once, and not before its time", () => {
    const { read, sent, clock } = hedged();
    read();
    clock.advance(9);
    expect(sent()).toEqual(["A: GET k"]);
    clock.advance(1);
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
    clock.advance(1000);
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
  });

  it("takes the answer of the second one, whose fence is its own; the late first one is dropped", async () => {
    const { read, nodes, reader, issuer, clock } = hedged();
    read();
    clock.advance(10);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("from B");
    expect(await issuer.ends()).toEqual(["…"]);
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["from B"]);
    nodes.A.connection.answer("from A");
    expect(await issuer.ends()).toEqual(["from B"]);
  });

  it("takes the answer of the first one if that comes before", async () => {
    const { read, nodes, reader, issuer, clock } = hedged();
    read();
    const first = nodes.A.connection.flush();
    clock.advance(10);
    const second = nodes.B.connection.flush();
    nodes.A.connection.answer("from A");
    reader.release(first, 100, 100);
    nodes.B.connection.answer("from B");
    reader.release(second, 100, 100);
    expect(await issuer.ends()).toEqual(["from A"]);
  });

  it("drops the second answer whose fence was bad, and asks nobody a third time for it", async () => {
    const { read, nodes, reader, issuer, clock, sent } = hedged();
    read();
    const first = nodes.A.connection.flush();
    clock.advance(10);
    const second = nodes.B.connection.flush();
    nodes.B.connection.answer("rolled back");
    reader.reroute(second);
    expect(await issuer.ends()).toEqual(["…"]);
    nodes.A.connection.answer("from A");
    reader.release(first, 100, 100);
    expect(await issuer.ends()).toEqual(["from A"]);
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
  });

  it("goes on alone when the second node refuses or is lost", async () => {
    const { read, nodes, reader, issuer, clock, sent } = hedged();
    read({ verifyReads: false });
    clock.advance(10);
    nodes.B.connection.cut();
    expect(sent()).toEqual(["A: GET k", "B: GET k"]);
    nodes.A.connection.answer("from A");
    expect(await issuer.ends()).toEqual(["from A"]);
    expect(reader.hedger.sent).toBe(1);
  });

  it("is not given up with the first node, whose loss sends it elsewhere by itself", async () => {
    const { read, nodes, issuer, clock } = hedged();
    read({ verifyReads: false });
    clock.advance(10);
    nodes.A.connection.cut();
    nodes.B.connection.answer("from B");
    expect(await issuer.ends()).toEqual(["from B"]);
  });

  it("ends with the command's own error, whoever tells it", async () => {
    const { read, nodes, issuer, clock } = hedged();
    read({ verifyReads: false });
    clock.advance(10);
    nodes.B.connection.answer("-WRONGTYPE Operation against a key holding the wrong kind of value");
    expect(await issuer.ends()).toEqual(["!WRONGTYPE Operation against a key holding the wrong kind of value"]);
  });
});

describe("no second node is asked", () => {
  it("that has not applied what the read needs, or rests, or is the master", () => {
    const { read, nodes, sent, clock, ledger } = hedged();
    const ticket = ledger.issue(0, "k");
    ledger.acked(ticket);
    ledger.fenceReplied(ledger.fenceSent(), 110);
    nodes.A.mark.offset = 110;
    read();
    clock.advance(10);
    expect(sent()).toEqual(["A: GET k"]);
    nodes.B.mark.offset = 110;
    (nodes.B as { resting: boolean }).resting = true;
    read();
    clock.advance(10);
    expect(sent()).toEqual(["A: GET k", "A: GET k"]);
  });

  it("for what this client wrote since the read was sent, until the second one has it", () => {
    const { read, sent, clock, ledger } = hedged();
    read();
    ledger.issue(0, "k");
    clock.advance(10);
    expect(sent()).toEqual(["A: GET k"]);
  });

  it("without the option, for a unit, for a read at the master", () => {
    const { read, unit, only, nodes, sent, clock } = hedged();
    read({ hedgeAfterMs: null });
    only("A", "M");
    unit(["GET a", "GET b"], { hedgeAfterMs: 10 });
    read({ readFrom: "master" });
    nodes.B.serves = true;
    clock.advance(100);
    expect(sent().filter((line) => line.startsWith("B"))).toEqual([]);
  });

  it("once the answer is there and only its fence is waited for", () => {
    const { read, nodes, sent, clock } = hedged();
    read();
    nodes.A.connection.answer("v");
    clock.advance(10);
    expect(sent()).toEqual(["A: GET k"]);
  });

  it("by a readFrom function that names no other, or throws at the second question", () => {
    const { read, sent, clock } = hedged();
    let asked = 0;
    read({ readFrom: (nodes: readonly { id: string }[]) => nodes.filter(({ id }) => id === "A") });
    read({
      readFrom: (nodes: readonly { id: string }[]) => {
        if (asked++ > 0) throw new Error("no more");
        return nodes.filter(({ id }) => id === "A");
      },
    });
    clock.advance(10);
    expect(sent()).toEqual(["A: GET k", "A: GET k"]);
    expect(asked).toBe(2);
  });

  it("beyond the budget: of 200 reads, 5 % and what was saved", () => {
    const { read, reader, clock, nodes } = hedged({ hedgePercent: 5 });
    for (let i = 0; i < 200; i++) {
      nodes.B.serves = false;
      read();
      clock.advance(10);
    }
    expect(reader.hedger.sent).toBe(11);
  });
});
