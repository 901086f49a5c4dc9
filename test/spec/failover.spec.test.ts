import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCase, type Table } from "./failover-runner.js";

const files = readdirSync(import.meta.dirname).filter((name) => /^failover.*\.json$/.test(name));

for (const file of files) {
  const table = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Table;
  describe(`${file}: ${table.about}`, () => {
    it("is a table of distinct cases", () => {
      expect(Object.keys(table).sort()).toEqual(["about", "cases", "setups"]);
      expect(new Set(table.cases.map((each) => each.name)).size).toBe(table.cases.length);
      expect(table.cases.length).toBeGreaterThan(0);
    });
    for (const testCase of table.cases) {
      it(testCase.name, () => {
        expect(runCase(table, testCase)).toEqual([]);
      });
    }
  });
}

describe("the runner", () => {
  const table: Table = { about: "", setups: {}, cases: [] };
  const step = {
    at: 1,
    poll: "A",
    expect: { writable: "A", events: ["masterChanged ->A h1"], adopt: "A h1 first proven no link" },
  };
  const run = (change: object, over: object = {}) =>
    runCase(table, { name: "x", seeds: ["A"], ...over, steps: [{ ...step, ...change }] });

  it("passes what is right", () => expect(run({})).toEqual([]));
  it("finds what is wrong", () => expect(run({ role: "replica", of: "B" })).not.toEqual([]));
  it("refuses unknown keys of steps", () => expect(() => run({ ofset: 3 })).toThrow(/unknown key "ofset"/));
  it("refuses unknown expectations", () =>
    expect(() => run({ expect: { writeable: "A" } })).toThrow(/unknown key "writeable"/));
  it("refuses unknown settings", () =>
    expect(() => run({}, { config: { pollMs: 1 } })).toThrow(/unknown key "pollMs"/));
  it("refuses a case that expects nothing", () => expect(() => run({ expect: undefined })).toThrow(/expects nothing/));
  it("takes an event that no one expects for a difference", () => {
    expect(run({ expect: { writable: "A" } }).map((each) => each.what)).toEqual(["events", "adopt"]);
  });
});
