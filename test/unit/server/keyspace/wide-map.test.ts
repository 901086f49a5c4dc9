import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WideMap } from "../../../../src/server/keyspace/wide-map.js";
import { WideSet } from "../../../../src/server/keyspace/wide-set.js";

describe("WideMap", () => {
  it("does what a map does, and its images show what it was, while it grows to many parts and shrinks", () => {
    const step = fc.record({ from: fc.nat(8000), count: fc.nat(4000), put: fc.boolean(), look: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const map = new WideMap<number>();
        const model = new Map<string, number>();
        let [image, then] = [map.image(true), new Map(model)];
        for (const [round, { from, count, put, look }] of steps.entries()) {
          if (look === 0) [image, then] = [map.image(true), new Map(model)];
          for (let i = from; i < from + count; i++) {
            if (put) {
              map.set(`k${i}`, i + round);
              model.set(`k${i}`, i + round);
            } else expect(map.delete(`k${i}`)).toBe(model.delete(`k${i}`));
          }
          expect(map.size).toBe(model.size);
          expect([map.get(`k${from}`), map.has(`k${from}`)]).toEqual([model.get(`k${from}`), model.has(`k${from}`)]);
        }
        expect(new Map(map)).toEqual(model);
        expect([...map.keys()].sort()).toEqual([...model.keys()].sort());
        expect([...map.values()].sort()).toEqual([...model.values()].sort());
        const shown = new Map<string, number>();
        for (const part of image.parts()) for (const [key, value] of part) shown.set(key, value);
        expect(shown).toEqual(then);
        expect(image.size).toBe(then.size);
      }),
      { seed: 3, numRuns: 15 },
    );
  });

  it("has parts of a few thousand entries however many there are, each of which takes a moment to copy or to divide", () => {
    const map = new WideMap<number>();
    for (let i = 0; i < 200_000; i++) map.set(`key:${i}`, i);
    const sizes = [...map.image(false).parts()].map((part) => part.size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(200_000);
    expect(Math.max(...sizes)).toBeLessThan(3 * 2048);
  });

  it("does the same where some parts are divided further than others", () => {
    // Around here the parts of the first division become too large, one by one.
    const count = 128 * 1024;
    const map = new WideMap<number>();
    for (let i = 0; i < count; i++) map.set(`key:${i}`, i);
    const image = map.image(true);
    // Some parts are first met by a change, others by a removal.
    for (let i = 0; i < count; i++) {
      if (i % 3 === 0) map.set(`key:${i}`, -1);
      else if (i % 3 === 1) map.delete(`key:${i}`);
    }
    const should = (i: number): number | undefined => [-1, undefined, i][i % 3];
    expect(Array.from({ length: count }, (_, i) => map.get(`key:${i}`)).findIndex((is, i) => is !== should(i))).toBe(
      -1,
    );
    const keys = [...map.keys()];
    expect([keys.length, new Set(keys).size]).toEqual([map.size, map.size]);
    const parts = [...image.parts()].map((part) => [...part]);
    const sizes = parts.map((part) => part.length);
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeGreaterThan(16);
    const shown = new Map(parts.flat());
    expect([parts.flat().length, shown.size]).toEqual([count, count]);
    expect(Array.from({ length: count }, (_, i) => shown.get(`key:${i}`)).findIndex((is, i) => is !== i)).toBe(-1);
  });

  it("keeps the order of insertion while it is small", () => {
    const members = Array.from({ length: 4096 }, (_, i) => `${(i * 7) % 4096}`);
    expect([...new WideSet(members)].findIndex((member, i) => member !== members[i])).toBe(-1);
  });
});
