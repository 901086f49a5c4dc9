import { describe, expect, it } from "vitest";
import { OfficeNames } from "../../../../src/client/engine/office-names.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { initialTopology } from "../../../../src/client/topology/reduce.js";
import type { NodeState, TopologyState } from "../../../../src/client/topology/state.js";

/** A topology of one node, which was the adopted master and says now, asked at 9, that it is `role`. */
function stateOf(role: "master" | "replica", adopted = true, troubledAt: number | null = 5): TopologyState {
  const id = "primary:6379";
  const empty = initialTopology(resolveOptions({ nodes: [id] }), [{ id, host: "primary", port: 6379 }]);
  const node = empty.nodes.get(id) as NodeState;
  const info = { role, replid: "h", linkUp: true, offset: 9 } as NonNullable<NodeState["info"]>;
  return {
    ...empty,
    nodes: new Map([[id, { ...node, reachable: true, info, goodSentAt: 9, troubledAt }]]),
    adopted: adopted ? { node: id, replid: "h", runId: "r", lastOffset: 9, at: 0, restartedFrom: null } : null,
  };
}

const names = (role: "master" | "replica" | "unknown") => new OfficeNames([{ id: "primary:6379", role }]);

describe("a name is looked behind anew", () => {
  it.each(["master", "unknown"] as const)("if it was given as %s and what answers there is a replica now", (role) => {
    expect(names(role).mayLeadElsewhere("primary:6379", stateOf("replica"), 0)).toBe(true);
  });

  it("every half second at most", () => {
    const one = names("master");
    const state = stateOf("replica");
    expect([0, 499, 500, 900, 1000].map((now) => one.mayLeadElsewhere("primary:6379", state, now))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it("without a bad sign before it said so, too", () => {
    expect(names("master").mayLeadElsewhere("primary:6379", stateOf("replica", true, null), 0)).toBe(true);
  });

  it.each([
    ["before it was asked what it is since the trouble began", "master", stateOf("replica", true, 9), "primary:6379"],
    ["while it is the master", "master", stateOf("master"), "primary:6379"],
    ["before there was a master", "master", stateOf("replica", false), "primary:6379"],
    ["if it was given as a replica", "replica", stateOf("replica"), "primary:6379"],
    ["if it was discovered", "master", stateOf("replica"), "10.0.0.1:6379"],
  ] as const)("not %s", (_when, role, state, node) => {
    expect(names(role).mayLeadElsewhere(node, state, 0)).toBe(false);
  });
});
