import { expect, it } from "vitest";
import { editDistance, nearestName } from "../../../../src/client/options/nearest.js";

it.each([
  ["", "", 0],
  ["abc", "abc", 0],
  ["abc", "abd", 1],
  ["abc", "ab", 1],
  ["abc", "abcd", 1],
  ["abc", "acb", 1],
  ["abc", "ABC", 1.5],
  ["kitten", "sitting", 3],
])("from %j to %j it is %d", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

it("finds what was meant, and copes with a name that no one would write", () => {
  expect(nearestName("heartbeat", ["host", "heartbeatTimeoutMs", "readFrom"])).toBe("heartbeatTimeoutMs");
  expect(nearestName("x".repeat(1e6), ["a", "bb"])).toBe("a");
});
