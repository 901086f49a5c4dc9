import { describe, expect, it } from "vitest";
import { doubleText } from "../../../../../src/protocol/resp/double-text.js";
import { parseDouble, scanDouble } from "../../../../../src/server/commands/support/double.js";
import { addInteger, parseInteger } from "../../../../../src/server/commands/support/integer.js";
import {
  addLongDouble,
  longDoubleText,
  parseLongDouble,
} from "../../../../../src/server/commands/support/long-double.js";

describe("parseInteger", () => {
  it.each([
    ["0", 0],
    ["-1", -1],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9223372036854775808", undefined],
    ["-9223372036854775809", undefined],
    ["99999999999999999999", undefined],
    ["-0", undefined],
    ["+1", undefined],
    ["01", undefined],
    ["", undefined],
    ["-", undefined],
    [" 1", undefined],
    ["1 ", undefined],
    ["1.0", undefined],
    ["1\x00", undefined],
  ])("%j → %s", (text, expected) => expect(parseInteger(text)).toBe(expected));
});

describe("addInteger", () => {
  it.each([
    [1, 2, 3],
    [9007199254740991, 1, 9007199254740992n],
    [9007199254740993n, -2, 9007199254740991],
    [9223372036854775807n, 1, undefined],
    [-9223372036854775808n, -1, undefined],
    [9223372036854775807n, -9223372036854775808n, -1],
  ])("%s + %s → %s", (left, right, expected) => expect(addInteger(left, right)).toBe(expected));
});

describe("doubleText prints %.17g", () => {
  it.each([
    [3.1, "3.1000000000000001"],
    [0.1, "0.10000000000000001"],
    [1.5, "1.5"],
    [-2, "-2"],
    [-0, "-0"],
    [1e15, "1000000000000000"],
    [1e16, "10000000000000000"],
    [1e17, "1e+17"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e-4, "0.0001"],
    [1e-5, "1.0000000000000001e-05"],
    [5e-324, "4.9406564584124654e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    // Ties go to the even digit, as in C, where JavaScript goes up.
    [100000000000000.125, "100000000000000.12"],
    [100000000000000.375, "100000000000000.38"],
    [1000000000000000.25, "1000000000000000.2"],
    [1000000000000000.75, "1000000000000000.8"],
  ])("%s → %s", (value, expected) => expect(doubleText(value)).toBe(expected));
});

describe("parseDouble", () => {
  it.each([
    ["1.5", 1.5],
    [".5", 0.5],
    ["5.", 5],
    ["-1e3", -1000],
    ["+2", 2],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
    ["0x1F", 31],
    ["0x.8p1", 1],
    ["-0", -0],
    ["0e99999", 0],
    ["nan", undefined],
    ["", undefined],
    [" 1", undefined],
    ["1 ", undefined],
    ["1e400", undefined],
    ["1e-400", undefined],
    ["1e", undefined],
    ["0x", undefined],
    ["1_0", undefined],
    ["1\x00", undefined],
  ])("%j → %s", (text, expected) => expect(parseDouble(text)).toBe(expected));

  it("is scanDouble with nothing left over", () => {
    expect(scanDouble("  12abc")).toEqual({ value: 12, length: 4, outOfRange: false });
    expect(scanDouble("abc")).toEqual({ value: 0, length: 0, outOfRange: false });
    expect(scanDouble("1e400")).toEqual({ value: Infinity, length: 5, outOfRange: true });
  });
});

describe("long doubles", () => {
  it.each([
    ["10.5", "0.1", "10.6"],
    ["0.1", "0.2", "0.3"],
    ["3.0e3", "200", "3200"],
    ["5.0e3", "-5000", "0"],
    ["1", "-1e-17", "0.99999999999999999"],
    ["0", "1e-18", "0"],
    ["0", "-1e-18", "0"],
    ["9007199254740993", "1", "9007199254740994"],
    ["18446744073709551615", "1", "18446744073709551616"],
    ["1e20", "1", "100000000000000000000"],
    ["0x10", "0x.8", "16.5"],
    ["1e400", "-1e400", "0"],
    // Half way between two numbers of 64 bits: to the even one, down and up.
    ["36893488147419103232", "2", "36893488147419103232"],
    ["36893488147419103236", "2", "36893488147419103240"],
  ])("%s + %s → %s", (left, right, expected) => {
    const sum = addLongDouble(parseLongDouble(left) ?? "inf", parseLongDouble(right) ?? "inf");
    expect(sum === undefined ? sum : longDoubleText(sum)).toBe(expected);
  });

  it.each(["", " 1", "1 ", "nan", "abc", ".", "0x", "e5", "1e5000", "1e-5000", "1e99999999999", "1".repeat(6000)])(
    "refuses %j",
    (text) => expect(parseLongDouble(text)).toBeUndefined(),
  );

  it("adds no infinities", () => {
    expect(addLongDouble(parseLongDouble("inf") ?? "-inf", { mantissa: 1n, exponent: 0 })).toBeUndefined();
    expect(addLongDouble(parseLongDouble("1e4932") ?? "inf", parseLongDouble("1e4932") ?? "inf")).toBeUndefined();
  });
});
