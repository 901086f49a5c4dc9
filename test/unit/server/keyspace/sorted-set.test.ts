import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedSet } from "../../../../src/server/keyspace/sorted-set.js";

const score = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(Infinity, -Infinity, 0.5));
const member = fc.nat({ max: 400 }).map((number) => `m${number}`);

/** What a sorted set is to hold, in order, by the plainest means. */
function ordered(model: ReadonlyMap<string, number>): { member: string; score: number }[] {
  return [...model]
    .map(([name, value]) => ({ member: name, score: value }))
    .sort((left, right) => left.score - right.score || (left.member < right.member ? -1 : 1));
}

/** Infinity - Infinity is NaN, which no sort survives: compare it as equal. */
function compareSafe(model: ReadonlyMap<string, number>): { member: string; score: number }[] {
  const finite = new Map([...model].map(([name, value]) => [name, Math.max(-1e9, Math.min(1e9, value))]));
  return ordered(finite).map(({ member: name }) => ({ member: name, score: model.get(name) ?? 0 }));
}

describe("SortedSet", () => {
  it("keeps the order, ranks and ranges of what was put in, moved and taken out", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(member, score) },
      { weight: 1, arbitrary: fc.tuple(member, fc.constant(null)) },
    );
    const property = fc.property(fc.array(operation, { maxLength: 1200, size: "max" }), (operations) => {
      const set = new SortedSet();
      const model = new Map<string, number>();
      for (const [name, value] of operations) {
        if (value === null) {
          expect(set.delete(name)).toBe(model.delete(name));
        } else {
          set.set(name, value);
          model.set(name, value);
        }
      }
      const expected = compareSafe(model);
      expect(set.size).toBe(expected.length);
      expect(set.slice(0, set.size)).toEqual(expected);
      for (const [rank, entry] of expected.entries()) {
        expect(set.rank(entry.member)).toBe(rank);
        expect(set.at(rank)).toEqual(entry);
      }
      expect(set.slice(3, 7)).toEqual(expected.slice(3, 7));
      expect(set.countWhile((entry) => entry.score < 2)).toBe(expected.filter((entry) => entry.score < 2).length);
    });
    fc.assert(property, { numRuns: 40, seed: 1, interruptAfterTimeLimit: 10_000 });
  });

  it("stays right through ten thousand members in order, in reverse and taken away from both ends", () => {
    const set = new SortedSet();
    for (let i = 0; i < 5000; i++) set.set(`up${i}`, i);
    for (let i = 5000; i > 0; i--) set.set(`down${i}`, -i);
    expect([set.size, set.rank("down5000"), set.rank("up0"), set.rank("up4999")]).toEqual([10_000, 0, 5000, 9999]);
    for (let i = 0; i < 4999; i++) {
      set.delete(set.at(0)?.member ?? "");
      set.delete(set.at(set.size - 1)?.member ?? "");
    }
    expect(set.slice(0, 9)).toEqual([
      { member: "down1", score: -1 },
      { member: "up0", score: 0 },
    ]);
    set.delete("down1");
    set.delete("up0");
    set.set("again", 1);
    expect([set.size, set.at(0), set.at(1), set.rank("gone")]).toEqual([
      1,
      { member: "again", score: 1 },
      undefined,
      undefined,
    ]);
  });

  it("orders members of one score by their bytes", () => {
    const set = new SortedSet([
      ["b", 0],
      ["", 0],
      ["\xff", 0],
      ["B", 0],
      ["a\x00", 0],
      ["a", 0],
    ]);
    expect(set.slice(0, 6).map((entry) => entry.member)).toEqual(["", "B", "a", "a\x00", "b", "\xff"]);
  });
});
