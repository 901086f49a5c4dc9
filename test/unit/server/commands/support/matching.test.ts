import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../../src/core/random.js";
import { cursorArg, type Scannable, scanMembers } from "../../../../../src/server/commands/support/collection-scan.js";
import { globMatch } from "../../../../../src/server/commands/support/glob.js";
import { indexRange, parseLexRange, parseScoreRange } from "../../../../../src/server/commands/support/ranges.js";
import {
  distinctNumbers,
  pickDistinct,
  pickOne,
  pickRepeating,
  takeOne,
} from "../../../../../src/server/commands/support/sampling.js";
import { SetValue } from "../../../../../src/server/keyspace/values.js";

describe("globMatch", () => {
  it.each([
    ["*", "anything", true],
    ["*", "", false],
    ["", "", true],
    ["", "a", false],
    ["h?llo", "hello", true],
    ["h?llo", "hllo", false],
    ["h*llo", "heeeello", true],
    ["h[ae]llo", "hillo", false],
    ["h[^e]llo", "hallo", true],
    ["h[^e]llo", "hello", false],
    ["h[a-b]llo", "hbllo", true],
    ["h[b-a]llo", "hallo", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["a\\", "a\\", true],
    ["[a", "a", true],
    ["[a", "b", false],
    ["[]", "a", false],
    ["[^]", "a", true],
    ["[\\]]", "]", true],
    ["[a\\-c]", "b", false],
    ["a*b*c", "aXbXbXc", true],
    ["a*b*c", "aXbXbX", false],
    ["a**", "a", true],
    ["**a", "ba", true],
    ["*a", "a", true],
    ["\xff*", "\xff\x00", true],
  ])("%j on %j → %s", (pattern, text, expected) => expect(globMatch(pattern, text)).toBe(expected));

  it("ignores the case of ASCII letters if told so", () => {
    expect(globMatch("HEL[L-M]*", "hello", true)).toBe(true);
    expect(globMatch("\xc4", "\xe4", true)).toBe(false);
  });

  it("takes no exponential time over stars", () => {
    expect(globMatch(`${"a*".repeat(2000)}b`, "a".repeat(4000))).toBe(false);
  });
});

describe("ranges", () => {
  it("reads scores as strtod does", () => {
    expect(parseScoreRange("(1.5", "+inf")).toEqual({
      min: 1.5,
      minExclusive: true,
      max: Infinity,
      maxExclusive: false,
    });
    expect(parseScoreRange("", " 2")).toEqual({ min: 0, minExclusive: false, max: 2, maxExclusive: false });
    for (const bad of ["a", "nan", "2 ", "((1"]) expect(parseScoreRange(bad, "1")).toBeUndefined();
  });

  it("reads members only behind a bracket", () => {
    expect(parseLexRange("-", "(b")).toEqual({ min: "-", max: { member: "b", exclusive: true } });
    for (const bad of ["", "a", "-x", "+x"]) expect(parseLexRange(bad, "+")).toBeUndefined();
  });

  it.each([
    [0, -1, 5, [0, 5]],
    [-2, -1, 5, [3, 5]],
    [-100, 100, 5, [0, 5]],
    [3, 1, 5, [0, 0]],
    [5, 9, 5, [0, 0]],
    [0, -6, 5, [0, 0]],
    [0, 0, 0, [0, 0]],
  ])("indices %i … %i of %i → %j", (start, stop, length, expected) => {
    expect(indexRange(start, stop, length)).toEqual(expected);
  });
});

describe("sampling", () => {
  const items = ["a", "b", "c", "d"];
  const few = new SetValue(new Set(items));

  it("gives every item, and every pair, its chance", () => {
    const random = seededRandom(3);
    const ones = new Map<string | undefined, number>();
    const twos = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const one = pickOne(few, few.members, random);
      ones.set(one, (ones.get(one) ?? 0) + 1);
      const two = pickDistinct(few, few.members, 2, random).join("");
      twos.set(two, (twos.get(two) ?? 0) + 1);
    }
    expect([...ones.keys()].sort()).toEqual(items);
    for (const count of ones.values()) expect(Math.abs(count - 1500)).toBeLessThan(200);
    expect([...twos.keys()].sort()).toEqual(["ab", "ac", "ad", "bc", "bd", "cd"]);
    for (const count of twos.values()) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });

  it("gives all there are, or as many as asked with repetitions", () => {
    const random = seededRandom(3);
    expect(pickDistinct(few, few.members, 9, random)).toEqual(items);
    expect(pickRepeating(few, few.members, 50, random)).toHaveLength(50);
    const none = new SetValue();
    expect(pickOne(none, none.members, random)).toBeUndefined();
  });

  it("of a large set knows what was added, removed and put back meanwhile", () => {
    const random = seededRandom(5);
    const set = new SetValue(new Set(Array.from({ length: 100 }, (_, i) => `m${i}`)));
    const add = (member: string): void => {
      if (set.members.has(member)) return;
      set.members.add(member);
      if (set.sample !== null && !set.sample.added(member)) set.sample = null;
    };
    for (let round = 0; round < 300; round++) {
      const taken = takeOne(set, set.members, random) as string;
      expect(set.members.delete(taken)).toBe(true);
      if (round % 3 === 0) set.members.delete(`m${random.int(100)}`);
      add(`m${random.int(120)}`);
      add(`m${random.int(120)}`);
      add(taken);
      const picked = pickDistinct(set, set.members, 10, random);
      expect(new Set(picked).size).toBe(10);
      for (const member of picked) expect(set.members.has(member)).toBe(true);
    }
    const counts = new Map<string, number>();
    for (const member of pickRepeating(set, set.members, 100 * set.members.size, random)) {
      counts.set(member, (counts.get(member) ?? 0) + 1);
    }
    expect(counts.size).toBe(set.members.size);
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
  });

  it("of numbers gives different ones, each with its chance", () => {
    const random = seededRandom(7);
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 4000; i++) {
      const picked = distinctNumbers(8, 2, random);
      expect(new Set(picked).size).toBe(2);
      for (const number of picked) (counts[number] as number)++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(distinctNumbers(5, 5, random).sort()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("scanning a collection", () => {
  const scannable = (members: Set<string>): Scannable => ({
    owner: members,
    size: members.size,
    members: () => members,
    has: (member) => members.has(member),
  });

  function scanAll(members: Set<string>, between: () => void): string[] {
    const found: string[] = [];
    let cursor = 0n;
    do {
      const [next, some] = scanMembers(scannable(members), cursor, { match: null, count: 10 });
      found.push(...some);
      cursor = cursorArg(next);
      between();
    } while (cursor !== 0n);
    return found;
  }

  it("returns whoever is a member all the time, while others come and go", () => {
    const members = new Set(Array.from({ length: 3000 }, (_, i) => `stay${i}`));
    let added = 0;
    const found = scanAll(members, () => {
      for (let i = 0; i < 20; i++) members.add(`new${added++}`);
      members.delete(`new${added - 5}`);
      // Another scan that begins in the meantime takes nothing from this one.
      if (added % 100 === 0) scanMembers(scannable(members), 0n, { match: null, count: 1 });
    });
    const seen = new Set(found);
    for (let i = 0; i < 3000; i++) expect(seen.has(`stay${i}`)).toBe(true);
  });

  it("needs several calls for a large collection and one for a small one, and ends when it shrinks", () => {
    const large = new Set(Array.from({ length: 2000 }, (_, i) => `m${i}`));
    let calls = 0;
    expect(new Set(scanAll(large, () => calls++))).toEqual(large);
    expect(calls).toBeGreaterThan(50);
    const [next] = scanMembers(scannable(large), 0n, { match: null, count: 10 });
    for (let i = 100; i < 2000; i++) large.delete(`m${i}`);
    const [end, rest] = scanMembers(scannable(large), cursorArg(next), { match: "m1*", count: 10 });
    expect([end, new Set(rest)]).toEqual(["0", new Set([...large].filter((name) => name.startsWith("m1")))]);
  });
});
