import { describe, expect, it } from "vitest";
import { Troubles } from "../../../../src/client/engine/troubles.js";
import type { TopologyInput } from "../../../../src/client/topology/input.js";
import type { PollFailure, TopologyState } from "../../../../src/client/topology/state.js";

type Note = Extract<TopologyInput, { type: "poll" | "pollFailed" }>;

function troublesOf(...nodes: string[]) {
  const told: string[] = [];
  const troubles = new Troubles((error) => told.push(error.message));
  const states = new Map(nodes.map((id) => [id, { id, reachable: false, failure: null as { reason: string } | null }]));
  const state = { nodes: states } as unknown as TopologyState;
  return {
    told,
    fails(node: string, kind: PollFailure, reason: string): void {
      states.set(node, { id: node, reachable: false, failure: { reason } });
      troubles.note({ type: "pollFailed", node, kind, reason } as Note, state);
    },
    answers(node: string): void {
      states.set(node, { id: node, reachable: true, failure: null });
      troubles.note({ type: "poll", node } as Note, state);
    },
    leaves(node: string): void {
      states.delete(node);
    },
    troubles,
  };
}

describe("what a person must act on", () => {
  it("a wrong password is told once, not per try, and again after it had been right", () => {
    const { told, fails, answers } = troublesOf("A", "B");
    for (let i = 0; i < 3; i++) fails("A", "auth", "WRONGPASS invalid");
    expect(told).toEqual([expect.stringMatching(/^A: WRONGPASS invalid; give a user name and password/)]);
    answers("A");
    fails("A", "auth", "WRONGPASS invalid");
    expect(told.length).toBe(2);
  });

  it("nodes that are gone are forgotten with what was told of them", () => {
    const { told, fails, answers, leaves } = troublesOf("A", "B");
    fails("A", "auth", "WRONGPASS invalid");
    leaves("A");
    answers("B");
    fails("A", "auth", "WRONGPASS invalid");
    expect(told.length).toBe(2);
  });

  it("a certificate that is refused is told at once", () => {
    const { told, fails } = troublesOf("A", "B");
    fails("A", "connect", "DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate");
    expect(told.length).toBe(1);
  });

  it("one node that is down is nobody's business; all of them are, once, with each reason", () => {
    const { told, fails, answers } = troublesOf("A", "B");
    fails("A", "connect", "refused");
    expect(told).toEqual([]);
    fails("B", "timeout", "no answer");
    fails("A", "connect", "refused");
    expect(told).toEqual(["no node can be reached: A: refused; B: no answer"]);
    answers("A");
    fails("A", "connect", "refused");
    expect(told.length).toBe(2);
  });

  it("no Sentinel that answers is told once", () => {
    const { told, troubles } = troublesOf();
    for (let i = 0; i < 2; i++) troubles.sentinelsDown([{ sentinel: "S", reason: "refused" }]);
    expect(told).toEqual(["no Sentinel can be reached: S: refused"]);
  });
});
