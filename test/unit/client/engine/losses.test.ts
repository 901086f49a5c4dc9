import { describe, expect, it } from "vitest";
import type { Loss } from "../../../../src/client/engine/losses.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { FakeConnection } from "./support/fake-connection.js";
import { lossesOf } from "./support/losses.js";

/** Node A, polled over connection 1 since 0; at 10 a data connection to it ends, over which a read was sent at 5. */
function lostAt10({ sentAt = 5, endpoint = false } = {}) {
  const clock = new ManualClock();
  const world = lossesOf(clock, new Set(endpoint ? ["A"] : []));
  world.answered("A", 1);
  clock.advance(10);
  const connection = new FakeConnection("A");
  const loss = world.losses.note(connection.asReal, sentAt);
  return { clock, ...world, connection, loss };
}

describe("a connection that the server closed while a read waited for its answer", () => {
  it("was closed alone if the one that polls go over answers a question asked after it", () => {
    const { loss, answered, checked } = lostAt10();
    expect([loss.verdict, checked]).toEqual(["open", ["A"]]);
    answered("A", 1);
    expect(loss.verdict).toBe("alone");
  });

  it("is not judged by an answer to a question from before, nor by another node's", () => {
    const { loss, answered, failed } = lostAt10();
    answered("A", 1, 9);
    answered("B", 1);
    failed("B", 1, "closed");
    expect(loss.verdict).toBe("open");
  });

  it("was closed with others if polls need another connection since", () => {
    const { loss, answered } = lostAt10();
    answered("A", 2);
    expect(loss.verdict).toBe("shared");
  });

  it.each(["closed", "connect", "timeout"] as const)("ended with its server if that does not answer: %s", (kind) => {
    const { loss, failed } = lostAt10();
    failed("A", 1, kind);
    expect(loss.verdict).toBe("shared");
  });

  it("was closed alone if the server is busy, and says so over the old connection", () => {
    const { loss, failed } = lostAt10();
    failed("A", 1, "busy");
    expect(loss.verdict).toBe("alone");
  });

  // CLIENT KILL had ended both; the witness was there again before the loss of the other one was noticed.
  it("tells nothing if its witness is younger than the read", () => {
    const { clock, losses, answered } = lostAt10();
    answered("A", 2);
    expect(losses.note(new FakeConnection("A").asReal, clock.now() - 1).verdict).toBe("shared");
    expect(losses.note(new FakeConnection("A").asReal, clock.now()).verdict).toBe("open");
    expect(losses.note(new FakeConnection("C").asReal, clock.now()).verdict).toBe("shared");
  });

  it("counts without a witness where there can be none: an address that leads to several servers", () => {
    expect(lostAt10({ endpoint: true }).loss.verdict).toBe("alone");
  });

  it("is one loss for all that was under way on it", () => {
    const { losses, connection, loss, checked } = lostAt10();
    expect(losses.note(connection.asReal, 7)).toBe(loss);
    expect(checked).toEqual(["A"]);
  });

  it("leaves nobody waiting: not for several nodes, and not for one that was removed", () => {
    const { losses, clock, loss, answered } = lostAt10();
    answered("B", 3);
    const other = losses.note(new FakeConnection("B").asReal, clock.now());
    const told: Loss["verdict"][] = [];
    losses.whenJudged([loss, other], () => told.push(loss.verdict, other.verdict));
    answered("A", 1);
    expect(told).toEqual([]);
    losses.removed("B");
    expect(told).toEqual(["alone", "shared"]);
    losses.whenJudged([loss, other], () => told.push("open"));
    expect(told).toHaveLength(3);
  });
});
