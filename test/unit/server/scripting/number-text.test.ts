import { describe, expect, it } from "vitest";
import { numberText } from "../../../../src/server/scripting/lua/number-text.js";

describe("numbers as C's %g writes them", () => {
  it.each([
    [3, 14, "3"],
    [-0, 14, "-0"],
    [0.1, 14, "0.1"],
    [0.1, 17, "0.10000000000000001"],
    [3.7, 17, "3.7000000000000002"],
    [1e15, 14, "1e+15"],
    [1e14, 14, "1e+14"],
    [123456789012345, 14, "1.2345678901234e+14"],
    [1e16, 17, "10000000000000000"],
    [1e17, 17, "1e+17"],
    [1e100, 17, "1e+100"],
    [0.0001, 14, "0.0001"],
    [0.00001, 14, "1e-05"],
    [-2.5e-10, 14, "-2.5e-10"],
    [Number.POSITIVE_INFINITY, 14, "inf"],
    [Number.NEGATIVE_INFINITY, 14, "-inf"],
    [Number.NaN, 14, "nan"],
  ])("%d with %d digits: %s", (value, digits, expected) => {
    expect(numberText(value, digits)).toBe(expected);
  });
});
