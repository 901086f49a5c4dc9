import { describe, expect, it } from "vitest";
import { Queue } from "../torture/support/queue.js";

/** A queue in which a and b were put with success, c nobody knows. */
function offered(popped: readonly string[], unknownPops = 0): Queue {
  const queue = new Queue();
  for (const value of ["a", "b"]) queue.offer(value, "ok");
  queue.offer("c", "info");
  for (const value of popped) queue.pop(value);
  for (let i = 0; i < unknownPops; i++) queue.unknownPop();
  return queue;
}

describe("a queue of blocking pops", () => {
  it.each([
    ["all were popped, the doubtful one too", offered(["a", "b", "c"]), [], []],
    ["what was not popped is there", offered(["a"]), ["b"], []],
    ["a pop of unknown outcome took one", offered(["a"], 1), [], []],
    ["one was popped twice", offered(["a", "b", "a"]), [], ["a was popped twice"]],
    ["one is still there", offered(["a", "b"]), ["b"], ["1 were popped and are still there: b"]],
    ["one pop took two", offered([], 1), [], ["2 are gone by 1 pops of unknown outcome: a"]],
    ["one is gone by nobody", offered(["b"]), [], ["1 are gone by 0 pops of unknown outcome: a"]],
    ["a stranger was popped", offered(["x"]), ["a", "b"], ["x was popped, which nobody offered"]],
  ])("%s", (_, queue, left, wrong) => {
    expect(queue.judge(left, false).wrong).toEqual(wrong);
  });

  it("is excused by a loss that was told, but for what nobody offered", () => {
    expect(offered(["a", "a"]).judge(["a"], true).wrong).toEqual([]);
    expect(offered(["x"]).judge([], true).wrong).toEqual(["x was popped, which nobody offered"]);
  });

  it("counts what it looked at", () => {
    expect(offered(["a", "c"]).judge(["b"], false).checked).toBe(4);
  });
});
