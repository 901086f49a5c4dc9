import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.js";
import { KeyTable } from "../../../../src/server/keyspace/key-table.js";
import { Shard } from "../../../../src/server/keyspace/shard.js";
import { hashOf, SLOT_COUNT, slotOf } from "../../../../src/server/keyspace/slots.js";
import { HashValue } from "../../../../src/server/keyspace/values.js";

/** Few hashes for many keys, so that buckets are shared. */
const crowded = (key: string): number => Math.imul(hashOf(key, 9) & 7, 0x0100_0401);

describe("Shard", () => {
  it("does what a map does, whatever is put in and taken out", () => {
    // Lengths on both sides of what a record takes, for the key, the value, and the room that an older value left.
    const key = fc.integer({ min: 0, max: 60 }).map((n) => `k${n}`.padEnd(n % 9 === 0 ? 255 + (n % 2) : 0, "."));
    const value = fc
      .tuple(fc.constantFrom(0, 1, 2, 3, 4, 20, 21, 90, 254, 255, 256, 1000), fc.integer({ min: 0, max: 255 }))
      .map(([length, byte]) => String.fromCharCode(byte).repeat(length));
    const step = fc.oneof(
      fc.record({ do: fc.constant("put" as const), key, value }),
      fc.record({ do: fc.constant("expire" as const), key, ms: fc.constantFrom(-1, 5, 1.8e12) }),
      fc.record({ do: fc.constant("remove" as const), key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const shard = new Shard();
        const model = new Map<string, { value: string; expireAt: number }>();
        for (const one of steps) {
          const place = shard.find(one.key, crowded(one.key));
          const known = model.get(one.key);
          expect(place >= 0).toBe(known !== undefined);
          if (one.do === "put") {
            if (place < 0) shard.insert(one.key, crowded(one.key), one.value, 1_700_000_000);
            else shard.setValue(place, one.value);
            model.set(one.key, { value: one.value, expireAt: known?.expireAt ?? -1 });
          } else if (known !== undefined && one.do === "expire") {
            shard.setExpireAt(place, one.ms);
            known.expireAt = one.ms;
          } else if (one.do === "remove" && place >= 0) {
            shard.remove(place);
            model.delete(one.key);
          }
        }
        const places = Array.from({ length: 64 }, (_, slot) => shard.placesOf(slot)).flat();
        const found = places.map((place) => {
          const { value, expireAt } = shard.entry(place);
          expect(shard.textLength(place)).toBe((value as string).length);
          return [shard.key(place), { value, expireAt }] as const;
        });
        expect(found.length).toBe(model.size);
        expect(new Map(found)).toEqual(model);
        expect(shard.size).toBe(model.size);
        expect(shard.volatileSize).toBe([...model.values()].filter(({ expireAt }) => expireAt !== -1).length);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("keeps what it holds when most of it goes, and when values outgrow the room they had", () => {
    const shard = new Shard();
    const model = new Map<string, string>();
    const put = (key: string, value: string): void => {
      const place = shard.find(key, hashOf(key, 5));
      if (place < 0) shard.insert(key, hashOf(key, 5), value, 0);
      else shard.setValue(place, value);
      model.set(key, value);
    };
    const check = (): void => {
      for (const [key, value] of model) expect(shard.value(shard.find(key, hashOf(key, 5)))).toBe(value);
      expect(shard.size).toBe(model.size);
    };
    // More than one chunk, with an end that no record fits into.
    for (let i = 0; i < 2000; i++) put(`key:${i}`, `${i}:`.repeat(i % 30));
    check();
    for (let i = 0; i < 2000; i++) {
      if (i % 50 === 0) continue;
      shard.remove(shard.find(`key:${i}`, hashOf(`key:${i}`, 5)));
      model.delete(`key:${i}`);
    }
    check();
    for (let round = 0; round < 250; round++) for (const key of [...model.keys()]) put(key, `${model.get(key)}x`);
    check();
    expect([...model.values()].some(({ length }) => length > 255)).toBe(true);
  });

  it("takes a collection in the place of a text, and the other way round", () => {
    const shard = new Shard();
    const hash = new HashValue();
    const place = shard.insert("k", 1, "text", 0);
    shard.setValue(place, hash);
    expect([shard.value(place), shard.textLength(place), shard.key(place)]).toEqual([hash, -1, "k"]);
    shard.setValue(place, "again");
    expect([shard.value(place), shard.textLength(place), shard.key(place)]).toEqual(["again", 5, "k"]);
  });

  it("knows of a value whether it is a text, and gives the place of a key that went to the next", () => {
    const shard = new Shard();
    const place = shard.insert("h", 1, new HashValue(), 1_700_000_000);
    expect(shard.textLength(place)).toBe(-1);
    shard.setForm(place, "raw");
    shard.remove(place);
    expect(shard.insert("k", 2, "v", 1_700_000_001)).toBe(place);
    expect(shard.entry(place)).toEqual({ value: "v", expireAt: -1, accessedS: 1_700_000_001, stringForm: null });
  });
});

describe("KeyTable", () => {
  const filled = (count: number, volatile = 0): KeyTable => {
    const table = new KeyTable();
    for (let i = 0; i < count; i++) table.add(`k${i}`, hashOf(`k${i}`, 3), "v", i < volatile ? 1000 + i : -1, 0);
    return table;
  };

  it("keeps a key in its slot however much it grows", () => {
    const table = filled(50_000);
    let seen = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      for (const [key] of table.slot(slot)) {
        expect(slotOf(hashOf(key, 3))).toBe(slot);
        seen++;
      }
    }
    expect(seen).toBe(50_000);
    expect(table.add("k7", hashOf("k7", 3), "again", -1, 0)).toBe(false);
    expect(table.size).toBe(50_000);
  });

  it("walks the keys with a time to live once each, in as many goes as it is asked to", () => {
    const table = filled(3000, 700);
    const seen: number[] = [];
    let cursor = 0;
    let goes = 0;
    do {
      cursor = table.walkVolatile(
        cursor,
        (_, expireAt) => seen.push(expireAt),
        () => false,
      );
      goes++;
    } while (cursor !== 0);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 700 }, (_, i) => 1000 + i));
    expect(goes).toBeGreaterThan(50);
  });

  it("samples keys that lie together: each once, all if so many are wanted", () => {
    const table = filled(500, 40);
    for (let seed = 1; seed <= 50; seed++) {
      expect(new Set(table.sample(seededRandom(seed), 500, false)).size).toBe(500);
      const volatile = table.sample(seededRandom(seed), 1000, true);
      expect([volatile.length, new Set(volatile).size]).toEqual([40, 40]);
      expect(table.sample(seededRandom(seed), 5, false)).toHaveLength(5);
    }
    expect(new KeyTable().sample(seededRandom(1), 5, false)).toEqual([]);
  });
});
