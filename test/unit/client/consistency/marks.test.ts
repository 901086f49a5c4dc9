import { expect, test } from "vitest";
import { judgeFence } from "../../../../src/client/consistency/fence-check.js";
import type { FenceFacts } from "../../../../src/client/consistency/fence-facts.js";
import { Mark, type Observation } from "../../../../src/client/consistency/marks.js";

const fence: FenceFacts = {
  role: "replica",
  replid: "A",
  offset: 1000,
  syncInProgress: false,
  backlogFirstByte: 1,
  backlogLength: 1000,
};
const seen = (changes: Partial<FenceFacts> = {}, where: Partial<Observation> = {}): Observation => ({
  fence: { ...fence, ...changes },
  generation: 1,
  runId: "r1",
  seq: 2,
  sentAt: 20,
  ...where,
});

const full = { backlogFirstByte: 5_000, backlogLength: 1_050_000, backlogSize: 1_048_576 };

test.each<[name: string, next: Observation, change: string, offset: number]>([
  ["more applied raises it", seen({ offset: 1100, backlogLength: 1100 }), "raised", 1100],
  ["the same again confirms it", seen(), "same", 1000],
  ["a new generation starts again", seen({ offset: 1100 }, { generation: 2 }), "restarted", 1100],
  ["an old generation changes nothing", seen({ offset: 1100 }, { generation: 0 }), "ignored", 1000],
  ["another run_id starts again", seen({ offset: 1100 }, { runId: "r2" }), "restarted", 1100],
  ["another history starts again", seen({ replid: "B", offset: 1100 }), "restarted", 1100],
  ["a shrunken offset starts again", seen({ offset: 999 }), "restarted", 999],
  ["an overtaken answer changes nothing", seen({ offset: 999 }, { seq: 0, sentAt: 5 }), "same", 1000],
  ["a full resync voids it", seen({ syncInProgress: true }), "void", -1],
  [
    "rolled back and caught up: the backlog started anew",
    seen({ offset: 1100, backlogFirstByte: 901, backlogLength: 200 }),
    "restarted",
    1100,
  ],
  ["a backlog that starts earlier is another one", seen({ offset: 1100, backlogFirstByte: 0 }), "restarted", 1100],
  ["a full backlog that drops its oldest bytes is the same", seen({ offset: 2_000_000, ...full }), "raised", 2_000_000],
  [
    "one that dropped bytes without being full is another",
    seen({ offset: 2_000_000, ...full, backlogLength: 900_000 }),
    "restarted",
    2_000_000,
  ],
])("%s", (_name, next, change, offset) => {
  const mark = new Mark();
  expect(mark.learn(seen({}, { seq: 1, sentAt: 10 }))).toBe("raised");
  expect(mark.learn(next)).toBe(change);
  expect(mark.offset).toBe(offset);
  expect(mark.valid).toBe(offset >= 0);
});

test("a void mark begins again with the next good fence, but not with one of an older generation", () => {
  const mark = new Mark();
  mark.learn(seen());
  expect(mark.learn(seen({ syncInProgress: true }, { generation: 3 }))).toBe("void");
  expect(mark.learn(seen())).toBe("ignored");
  expect(mark.learn(seen({ syncInProgress: true }, { generation: 3 }))).toBe("same");
  expect(mark.learn(seen({ offset: 5 }, { generation: 3 }))).toBe("raised");
  expect(mark.void()).toBe(true);
  expect(mark.void()).toBe(false);
});

const expected = { role: "replica", replid: "A", offset: 1000, backlogFirstByte: 1 } as const;

test.each<[name: string, changes: Partial<FenceFacts>, verdict: string]>([
  ["as expected", {}, "ok"],
  ["further on", { offset: 1100 }, "ok"],
  ["promoted since", { role: "master" }, "role"],
  ["another history", { replid: "B" }, "replid"],
  ["in a full resync, which still shows the old offset", { syncInProgress: true }, "syncing"],
  ["one byte below the mark", { offset: 999 }, "offset"],
  ["rolled back and caught up", { backlogFirstByte: 901, backlogLength: 100 }, "backlog"],
])("a fence behind a read: %s", (_name, changes, verdict) => {
  expect(judgeFence({ ...fence, ...changes }, expected)).toBe(verdict);
});

test("a master's backlog may start anew, a node of which nothing is known has none", () => {
  const anew = { backlogFirstByte: 901, backlogLength: 100 };
  expect(judgeFence({ ...fence, ...anew, role: "master" }, { ...expected, role: "master" })).toBe("ok");
  expect(judgeFence({ ...fence, ...anew }, { ...expected, offset: -1, backlogFirstByte: -1 })).toBe("ok");
});
