import { beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.js";
import { Database, type KeyspaceState } from "../../../../src/server/keyspace/database.js";
import { KeyTable } from "../../../../src/server/keyspace/key-table.js";
import { hashOf, SLOT_COUNT, slotOf } from "../../../../src/server/keyspace/slots.js";
import { HashValue } from "../../../../src/server/keyspace/values.js";

interface Told extends KeyspaceState {
  readonly told: string[];
  tellsCreated: boolean;
}

function state(): Told {
  const told: string[] = [];
  return {
    told,
    nowMs: 1_000_000,
    expiry: "delete",
    counting: false,
    hits: 0,
    misses: 0,
    expired: (db, key) => told.push(`expired ${db.index} ${key}`),
    tellsCreated: false,
    created: (db, key) => told.push(`created ${db.index} ${key}`),
    watchedTouched: (db, key) => told.push(`touched ${db.index} ${key}`),
    volatileAdded: () => told.push("volatile"),
    tracker: null,
    lfu: null,
    awaitedReady: (db, key) => told.push(`ready ${db.index} ${key}`),
  };
}

describe("Database", () => {
  let shared: Told;
  let db: Database;
  beforeEach(() => {
    shared = state();
    db = new Database(0, shared, 42);
  });

  it("keeps values by key and type", () => {
    db.set("s", "text");
    db.set("h", new HashValue());
    expect(db.get("s", "string")).toBe("text");
    expect(db.get("nosuch", "string")).toBeNull();
    expect(() => db.get("h", "string")).toThrow("WRONGTYPE");
    expect(db.size).toBe(2);
    expect(db.delete("s")).toBe(true);
    expect(db.delete("s")).toBe(false);
    expect(db.deleteIfEmpty("h", new HashValue())).toBe(true);
    expect(db.size).toBe(0);
  });

  it("tells of a key that is created where somebody wants to hear it, and not of one that is overwritten", () => {
    db.set("before", "v");
    shared.tellsCreated = true;
    db.set("before", "w");
    db.set("k", "v");
    db.set("k", "w");
    db.delete("k");
    db.set("k", "v");
    expect(shared.told).toEqual(["created 0 k", "created 0 k"]);
  });

  it("holds a key until the millisecond after its time is over", () => {
    db.set("k", "v");
    db.setExpireAt("k", 1_000_500);
    shared.nowMs = 1_000_500;
    expect(db.has("k")).toBe(true);
    shared.nowMs = 1_000_501;
    expect(db.has("k")).toBe(false);
    expect(db.size).toBe(0);
    expect(shared.told).toEqual(["volatile", "expired 0 k"]);
  });

  it.each([
    ["hide", false, 1],
    ["ignore", true, 1],
    ["delete", false, 0],
  ] as const)("where expiry is %s: visible %s, keys left %i", (expiry, visible, left) => {
    db.set("k", "v");
    db.setExpireAt("k", 1);
    shared.expiry = expiry;
    expect(db.lookup("k") !== undefined).toBe(visible);
    expect(db.size).toBe(left);
    expect(shared.told.includes("expired 0 k")).toBe(expiry === "delete");
  });

  it("forgets the time to live with a new value, unless told to keep it", () => {
    db.set("k", "v");
    db.setExpireAt("k", 2_000_000);
    db.setKeepTtl("k", "w");
    expect(db.expireAt("k")).toBe(2_000_000);
    db.set("k", "x");
    expect(db.expireAt("k")).toBe(-1);
    expect(db.volatileSize).toBe(0);
  });

  it("counts hits, misses and accesses of reading commands alone", () => {
    db.set("k", "v");
    db.lookup("k");
    shared.counting = true;
    shared.nowMs += 5000;
    db.lookup("k");
    db.lookup("nosuch");
    db.peek("k");
    expect([shared.hits, shared.misses]).toEqual([1, 1]);
    expect(db.peek("k")?.accessedS).toBe(1005);
  });

  it("tells of watched keys that are touched, flushed, swapped or expire, and of no others", () => {
    const other = new Database(1, shared, 42);
    for (const key of ["a", "b", "gone"]) db.watched.add(key);
    db.set("a", "1");
    db.set("c", "1");
    db.touch("c");
    db.touch("a");
    db.swapContents(other);
    expect(shared.told).toEqual(["touched 0 a", "touched 0 a"]);
    shared.told.length = 0;
    db.set("b", "1");
    db.clear();
    expect(shared.told).toEqual(["touched 0 b"]);
  });

  it("tells those who wait for a key when it comes, changes hands or goes, also by a swap", () => {
    const other = new Database(1, shared, 42);
    db.awaited.add("q");
    db.set("q", "1");
    expect(shared.told).toEqual(["ready 0 q"]);
    db.set("q", "2");
    db.delete("q");
    expect(shared.told).toHaveLength(3);
    other.set("q", "3");
    db.swapContents(other);
    db.clear();
    db.clear();
    expect(shared.told).toEqual(new Array(5).fill("ready 0 q"));
  });

  it("removes expired keys step by step", () => {
    for (let i = 0; i < 1000; i++) {
      db.set(`k${i}`, "v");
      db.setExpireAt(`k${i}`, i % 2 === 0 ? 1 : 9_000_000);
    }
    let steps = 0;
    let looked = 0;
    for (let slot = 0, first = true; first || slot !== 0; first = false, steps++) {
      let inStep = 0;
      slot = db.expireSome(slot, (keys) => {
        looked += keys;
        inStep += keys;
        return inStep < 100;
      });
    }
    expect(looked).toBe(1000);
    expect(db.size).toBe(500);
    expect(db.volatileSize).toBe(500);
    expect(steps).toBeGreaterThan(5);
  });

  it("forgets where it has found a key when its contents are replaced", () => {
    db.set("k", "old value");
    const contents = new KeyTable();
    contents.add("other", db.hashOf("other"), "v", -1, 0);
    const hash = new HashValue(new Map([["f", "v"]]));
    contents.add("k", db.hashOf("k"), hash, -1, 0);
    db.fill(contents, 1000);
    expect(db.get("k", "hash")).toBe(hash);
    db.touch("k");
    expect(db.bytes).toBe(1000 + hash.account.bytes);
  });

  it("finds any key by chance", () => {
    expect(db.randomKey(seededRandom(1))).toBeUndefined();
    const random = seededRandom(3);
    db.set("only", "v");
    expect(db.randomKey(random)).toBe("only");
    for (let i = 0; i < 20; i++) db.set(`k${i}`, "v");
    const seen = new Set(Array.from({ length: 1000 }, () => db.randomKey(random)));
    expect(seen.size).toBe(21);
  });

  it("spreads keys evenly over its slots, differently for each seed", () => {
    const counts = new Array<number>(SLOT_COUNT).fill(0);
    for (let i = 0; i < SLOT_COUNT * 32; i++) counts[slotOf(hashOf(`user:${i}`, 7))]!++;
    expect(Math.max(...counts)).toBeLessThan(80);
    expect(Math.min(...counts)).toBeGreaterThan(5);
    const moved = Array.from({ length: 100 }, (_, i) => hashOf(`k${i}`, 1) !== hashOf(`k${i}`, 2)).filter(Boolean);
    expect(moved.length).toBeGreaterThan(95);
  });
});
