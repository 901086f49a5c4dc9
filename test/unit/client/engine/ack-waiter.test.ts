import { describe, expect, it } from "vitest";
import { AckWaiter } from "../../../../src/client/engine/ack-waiter.js";
import type { NodeLink } from "../../../../src/client/engine/node-link.js";
import { Transaction } from "../../../../src/client/engine/transaction.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { Issuer } from "./support/commands.js";

/** A master with replicas that have applied what `marks` says, and one durable write. */
function waiting(wanted: number | "all" | "majority", marks: readonly number[]) {
  const clock = new ManualClock();
  const links = new Map<string, NodeLink>();
  const put = (id: string, isMaster: boolean, offset: number, runId = ""): void =>
    void links.set(id, { id, isMaster, mark: { replid: "h", offset, runId } } as unknown as NodeLink);
  put("M", true, 0);
  marks.forEach((offset, i) => put(`R${i}`, false, offset));
  const options = { limits: { queuedCommands: 1 } };
  const host = { clock, options, links, history: { replid: "h" } as { replid: string } | null, refreshMarks() {} };
  const acks = new AckWaiter(host);
  const issuer = new Issuer(clock, { replied() {}, failed() {} });
  const write = issuer.make("SET k v", { ack: { replicas: wanted, timeoutMs: 100 } });
  acks.wait(write, "OK", () => write.succeed("OK"));
  return {
    clock,
    acks,
    host,
    issuer,
    write,
    mark: (id: string, offset: number, runId?: string) => put(id, id === "M", offset, runId),
  };
}

describe("a durable write", () => {
  it("is not confirmed by marks before it is known where it lies", async () => {
    const { acks, issuer } = waiting(1, [500]);
    acks.check();
    expect(await issuer.ends()).toEqual(["…"]);
    acks.masterAt(120);
    acks.check();
    expect(await issuer.ends()).toEqual(["OK"]);
  });

  it.each([
    [1, [120, 119, 0], "OK"],
    [2, [120, 119, 0], "…"],
    ["majority", [120, 119, 0], "…"],
    ["majority", [120, 121, 0], "OK"],
    ["all", [120, 121, 119], "…"],
    ["all", [120, 121, 122], "OK"],
  ] as const)("asking for %s with replicas at %j, at offset 120: %s", async (wanted, marks, outcome) => {
    const { acks, issuer } = waiting(wanted, marks);
    acks.masterAt(120);
    acks.check();
    expect(await issuer.ends()).toEqual([outcome]);
  });

  it("of which as many wait as may is refused before it is sent; what waits for nobody is not", async () => {
    const { acks, issuer } = waiting(1, [0]);
    const ack = { replicas: 1, timeoutMs: 100 };
    expect(acks.refusal(issuer.make("SET k w", { ack }))).toMatchObject({ code: "IOREPLICA_QUEUE_FULL", sent: "no" });
    expect(acks.refusal(issuer.make("GET k", { ack }))).toBeNull();
    expect(acks.refusal(issuer.make("SET k w", {}))).toBeNull();
    acks.stop(() => new Error("closed"));
    expect(acks.refusal(issuer.make("SET k w", { ack }))).toBeNull();
  });

  // A reader endpoint may lead to a replica that is known by its own address as well, or to the master.
  it("counts servers, not addresses", async () => {
    const { acks, issuer, mark } = waiting(2, []);
    mark("M", 130, "run-m");
    mark("R0", 120, "run-a");
    mark("endpoint", 125, "run-a");
    mark("other endpoint", 130, "run-m");
    acks.masterAt(120);
    acks.check();
    expect(await issuer.ends()).toEqual(["…"]);
    mark("R1", 120, "run-b");
    acks.check();
    expect(await issuer.ends()).toEqual(["OK"]);
  });

  it("rejects in time with the reply, what was confirmed and what was wanted; it is applied", async () => {
    const { acks, issuer, clock } = waiting(2, [120, 0]);
    acks.masterAt(120);
    clock.advance(102);
    expect(await issuer.ends()).toEqual(["!NOT_REPLICATED"]);
    expect(issuer.outcomes[0]?.value).toMatchObject({ reply: "OK", acked: 1, wanted: 2, sent: "yes" });
    expect(clock.pending).toBe(0);
  });

  it("is not confirmed by a new history: what the replicas have there says nothing of it", async () => {
    const { acks, issuer, host, mark } = waiting(1, [0]);
    acks.masterAt(120);
    host.history = { replid: "other" };
    mark("R0", 500);
    acks.check();
    expect(await issuer.ends()).toEqual(["!NOT_REPLICATED"]);
  });

  it("of a transaction EXEC rejects, and its commands keep what they were told", async () => {
    const { acks, issuer, clock } = waiting(1, [120]);
    acks.masterAt(100);
    acks.check();
    const transaction = new Transaction();
    const lines = ["MULTI", "INCR a", "EXEC"].map((line) =>
      issuer.make(line, { ack: { replicas: 2, timeoutMs: 100 } }),
    );
    for (const [place, one] of lines.entries()) {
      transaction.add(one);
      transaction.collect(one, ["OK", "QUEUED", [1]][place], null);
    }
    acks.wait(transaction.exec, [1], () => transaction.settle());
    acks.masterAt(120);
    clock.advance(102);
    expect(await issuer.ends()).toEqual(["OK", "OK", "QUEUED", "!NOT_REPLICATED"]);
  });

  it("rejects when the client ends, and leaves no timer", async () => {
    const { acks, issuer, clock } = waiting(1, [0]);
    acks.stop(() => new Error("closed"));
    expect(await issuer.ends()).toEqual(["!closed"]);
    expect(clock.pending).toBe(0);
  });
});
