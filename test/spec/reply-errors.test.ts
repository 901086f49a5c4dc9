import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classifyRefusal, keepsScriptsWhole } from "../../src/protocol/reply-errors.js";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly command: string;
  readonly inTransaction?: boolean;
  readonly wholeScripts?: boolean;
  readonly expect: unknown;
}

const KEYS = new Set(["name", "text", "command", "inTransaction", "wholeScripts", "expect"]);

function judge(each: Case): unknown {
  for (const key of Object.keys(each)) if (!KEYS.has(key)) throw new Error(`unknown key "${key}"`);
  return classifyRefusal(each.text, each.command, each.inTransaction, each.wholeScripts);
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

describe("a server lets a script that has written go on without replicas", () => {
  it.each<[string | null, boolean]>([
    ["7.0.2", false],
    ["7.0.3", true],
    ["7.0.15", true],
    ["7.2.0", true],
    ["8.0.1", true],
    ["10.0.0", true],
    ["6.2.14", false],
    ["255.255.255", true],
    ["unstable", false],
    [null, false],
  ])("of version %s: %s", (version, whole) => {
    expect(keepsScriptsWhole(version)).toBe(whole);
  });
});
