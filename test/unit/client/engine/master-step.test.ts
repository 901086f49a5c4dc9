import { expect, it } from "vitest";
import type { Knowledge } from "../../../../src/client/engine/knowledge.js";
import { MasterStep } from "../../../../src/client/engine/master-step.js";
import type { Adoption } from "../../../../src/client/engine/succession.js";
import type { TopologyState } from "../../../../src/client/topology/state.js";
import { laneOf } from "./support/lane.js";

const adoption: Adoption = {
  type: "adopt",
  node: "B",
  from: "old",
  replid: "new",
  runId: "b",
  link: { from: "old", to: "new", at: 101 },
  proven: true,
  reason: "evidence",
};

/** A write on its way to A, which is the master; `begin` is the step to B. */
function underWay(to = adoption) {
  const { lane, issue, connect, issuer, clock } = laneOf();
  const a = connect("A");
  issue("SET k v");
  a.flush();
  const knowledge = {
    history: { node: "A", replid: "old" },
    samples: { dropAfter() {} },
    enter: () => null,
    descends() {},
  } as unknown as Knowledge;
  const step = new MasterStep({
    clock,
    knowledge,
    lane,
    topology: () => ({ hold: null, nodes: new Map() }) as unknown as TopologyState,
    emit() {},
    entered() {},
  });
  return { a, clock, begin: () => step.begin(to), ends: () => issuer.ends() };
}

const FAREWELL = { role: "replica", replid: "old", offset: 100, replid2: null, secondReplOffset: -1 };

it("what the former master acknowledges during the step is not handed out before it is known whether the new one has it", async () => {
  const { a, begin, ends } = underWay();
  begin();
  a.answer("OK");
  expect(await ends()).toEqual(["…"]);
  a.answerFront(FAREWELL);
  expect(await ends()).toEqual(["OK"]);
});

it.each<[string, object | null, number]>([
  ["it says that it went further than the new one", { ...FAREWELL, offset: 101 }, 0],
  ["it says that it is a master still", { ...FAREWELL, role: "master" }, 0],
  ["it says nothing in time", null, 100],
])("of unknown outcome is what it acknowledged, where %s", async (_what, fence, afterMs) => {
  const { a, begin, ends, clock } = underWay();
  begin();
  a.answer("OK");
  if (fence !== null) a.answerFront(fence);
  clock.advance(afterMs);
  expect(await ends()).toEqual(["!UNKNOWN_OUTCOME"]);
});

it("a master that goes on under another name hands out what it acknowledges", async () => {
  const { a, begin, ends } = underWay({ ...adoption, node: "A" });
  begin();
  a.answer("OK");
  expect(await ends()).toEqual(["OK"]);
});
