import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classifyRefusal } from "../../src/protocol/reply-errors.js";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly command: string;
  readonly inTransaction?: boolean;
  readonly expect: unknown;
}

const KEYS = new Set(["name", "text", "command", "inTransaction", "expect"]);

function judge(each: Case): unknown {
  for (const key of Object.keys(each)) if (!KEYS.has(key)) throw new Error(`unknown key "${key}"`);
  return classifyRefusal(each.text, each.command, each.inTransaction);
}

const table = JSON.parse(readFileSync(new URL("reply-errors.json", import.meta.url), "utf8")) as {
  about: string;
  cases: Case[];
};

describe(table.about, () => {
  it("is a table of distinct cases", () => {
    expect(Object.keys(table).sort()).toEqual(["about", "cases"]);
    expect(new Set(table.cases.map(({ name }) => name)).size).toBe(table.cases.length);
    expect(table.cases.length).toBeGreaterThan(50);
  });
  for (const each of table.cases) {
    it(each.name, () => {
      expect(judge(each)).toStrictEqual(each.expect);
    });
  }
});

describe("the runner", () => {
  it("refuses unknown keys", () => {
    expect(() => judge({ name: "", text: "", command: "", expect: null, extra: 1 } as Case)).toThrow(
      'unknown key "extra"',
    );
  });
});
