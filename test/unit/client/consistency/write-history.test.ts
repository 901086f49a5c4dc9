import { expect, test } from "vitest";
import { WriteHistory } from "../../../../src/client/consistency/write-history.js";

function written(history: WriteHistory, lo: number, hi: number | null, ...keys: string[]): void {
  const bracket = history.open(lo);
  for (const key of keys) {
    bracket.count++;
    history.note(bracket, key);
  }
  bracket.hi = hi;
}

test("a report names what is lost, what is unproven, where, and which keys", () => {
  const history = new WriteHistory();
  written(history, 0, 100, "a");
  written(history, 100, 200, "b", "c");
  written(history, 200, 300, "d", "d", "e");
  written(history, 300, null, "f");
  expect(history.judge(151)).toEqual({
    lost: { min: 4, max: 6 },
    unproven: 2,
    fromOffset: 150,
    toOffset: 300,
    keys: ["b", "c", "d", "e", "f"],
    keysComplete: true,
  });
  expect(history.judge(301)).toMatchObject({ lost: { min: 1, max: 1 }, unproven: 0, fromOffset: 300 });
  expect(history.judge(null)).toMatchObject({ lost: { min: 0, max: 7 }, unproven: 7, fromOffset: 0, toOffset: 300 });
});

test("nothing written, nothing lost", () => {
  expect(new WriteHistory().judge(1)).toEqual({
    lost: { min: 0, max: 0 },
    unproven: 0,
    fromOffset: 0,
    toOffset: 0,
    keys: [],
    keysComplete: true,
  });
});

test("beyond its bounds no write is forgotten: brackets widen and keys are no longer complete", () => {
  const history = new WriteHistory({ brackets: 16, keys: 10 });
  for (let i = 0; i < 1000; i++) written(history, i * 10, i * 10 + 10, `k${i}`);
  expect(history.size).toBeLessThanOrEqual(16);
  const report = history.judge(1);
  expect(report.lost).toEqual({ min: 1000, max: 1000 });
  expect(report.keys).toHaveLength(10);
  expect(report.keysComplete).toBe(false);
});

test("what is forgotten gives its room for keys back; the unresolved head is not passed over", () => {
  const history = new WriteHistory({ brackets: 16, keys: 2 });
  written(history, 0, 10, "a", "b");
  history.forget(10);
  expect(history.size).toBe(0);
  written(history, 10, null, "c");
  written(history, 10, 20, "d");
  history.forget(1000);
  expect(history.judge(11)).toMatchObject({ lost: { min: 2, max: 2 }, keys: ["c", "d"], keysComplete: true });
  history.continueIn(null);
  expect(history.judge(1).lost.max).toBe(0);
});

test("what every replica had is lost all the same when the master comes back without it: so many, nobody knows which", () => {
  const history = new WriteHistory();
  written(history, 0, 10, "a", "b");
  written(history, 10, 20, "c");
  history.forget(20);
  expect(history.judge(21).lost.max).toBe(0);
  const unknown = { lost: { min: 0, max: 3 }, unproven: 3, keys: [], keysComplete: false };
  expect(history.judge(15)).toMatchObject({ ...unknown, fromOffset: 14, toOffset: 20 });
  expect(history.judge(null)).toMatchObject({ ...unknown, fromOffset: 0, toOffset: 20 });
  history.continueIn(15);
  expect(history.judge(null).lost.max).toBe(0);
});

test("what survived one failover can be lost by the next, to a replica that was behind all the time", () => {
  const history = new WriteHistory();
  written(history, 0, 100, "kept");
  written(history, 100, 200, "survived");
  written(history, 200, 300, "lost");
  expect(history.judge(250)).toMatchObject({ unproven: 1, keys: ["lost"] });
  history.continueIn(250);
  expect(history.judge(101)).toMatchObject({ lost: { min: 1, max: 1 }, keys: ["survived"], keysComplete: true });
});

test("keys that are no text are shown by their bytes", () => {
  const history = new WriteHistory();
  written(history, 5, 6, "\ud800\u00ff\u0001");
  expect(history.judge(1).keys).toEqual(["\u00ff\u0001"]);
});
