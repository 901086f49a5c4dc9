import { describe, expect, it } from "vitest";
import { digestDataset, digestValue } from "../../../../src/server/rdb/digest.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";

// The digests are those that redis-server 7.0.15 gave for the same data.
const A: RdbValue = { type: "string", value: "1" };
const cases: readonly (readonly [RdbValue, string])[] = [
  [A, "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da"],
  [{ type: "list", items: ["1", "x"] }, "2e4ce9aa91c8778b2a46aa400c639bd231687794"],
  [{ type: "hash", pairs: ["f", "1"] }, "d47715da003487311ab1f7d3880da4fc042b9c1e"],
  [{ type: "set", members: ["b", "1"] }, "6e04cf8ce07c18af9dd57a02f6f31423d7774ed5"],
  [
    { type: "zset", members: ["m", "q", "r"], scores: [1.5, Number.POSITIVE_INFINITY, 3.1] },
    "151b6d4a4157db711d626d648b4ef68b4a04f799",
  ],
];

describe("DEBUG DIGEST", () => {
  it.each(cases)("is a real server's for one value: %j", (value, digest) => {
    expect(digestValue(value, false)).toBe(digest);
  });

  it("is a real server's for a dataset, zero for none, and no database without keys counts", () => {
    expect(digestDataset([[0, []]])).toBe("0".repeat(40));
    const one = [{ key: "a", value: A, hasTtl: false }];
    expect(digestDataset([[0, one]])).toBe("943d800368fb9c0e951138f1bc0e313ac769d91f");
    expect(
      digestDataset([
        [0, one],
        [1, []],
      ]),
    ).toBe("943d800368fb9c0e951138f1bc0e313ac769d91f");
    expect(digestDataset([[1, one]])).not.toBe("943d800368fb9c0e951138f1bc0e313ac769d91f");
  });

  it("differs with the order of a list, the database and a time to live, not with the order of a set", () => {
    expect(digestValue({ type: "list", items: ["x", "1"] }, false)).not.toBe(cases[1]?.[1]);
    expect(digestValue({ type: "set", members: ["1", "b"] }, false)).toBe(cases[3]?.[1]);
    expect(digestValue(A, true)).not.toBe(cases[0]?.[1]);
  });
});
