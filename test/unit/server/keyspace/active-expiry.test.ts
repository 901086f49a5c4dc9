import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startCore } from "../dispatch/harness.js";

const KEYS = 10_000;

describe("active expiry", () => {
  let server: ReturnType<typeof startCore>;
  /** Keys removed in each millisecond from the first walk on, until none is left. */
  const removedPerStep = (): number[] => {
    const db = server.core.databases[0]!;
    const removed: number[] = [];
    for (let left = db.size; left > 0 && removed.length < KEYS; left = db.size) {
      server.clock.advance(1);
      removed.push(left - db.size);
    }
    return removed.slice(removed.findIndex((count) => count > 0));
  };

  beforeEach(() => {
    server = startCore();
    const db = server.core.databases[0]!;
    server.core.keyspace.nowMs = server.clock.epoch();
    for (let i = 0; i < KEYS; i++) {
      db.set(`key:${i}`, "v");
      db.setExpireAt(`key:${i}`, server.clock.epoch() + 1);
    }
  });
  afterEach(() => server.core.close());

  it("looks at 2000 keys in one go, and propagates each that has expired", () => {
    const removed = removedPerStep();
    expect(removed.length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...removed)).toBeLessThan(2200);
    expect(server.replication.stream).toHaveLength(KEYS);
  });

  it("ends a step that takes long, and goes on soon", () => {
    let now = server.clock.now();
    vi.spyOn(server.clock, "now").mockImplementation(() => now++);
    const removed = removedPerStep();
    expect(Math.max(...removed)).toBeLessThan(400);
    expect(Math.min(...removed.slice(0, -1))).toBeGreaterThan(0);
  });

  it("gives every database its turn", () => {
    const other = server.core.databases[5]!;
    for (let i = 0; i < 3000; i++) {
      other.set(`key:${i}`, "v");
      other.setExpireAt(`key:${i}`, server.clock.epoch() + 1);
    }
    server.clock.advance(150);
    expect(server.core.databases.map((db) => db.size)).toEqual(new Array(server.core.databases.length).fill(0));
  });

  it("leaves the rest for the next cycle where little has expired", () => {
    const db = server.core.databases[0]!;
    for (let i = 0; i < KEYS; i++) if (i % 50 !== 0) db.setExpireAt(`key:${i}`, server.clock.epoch() + 1_000_000);
    server.clock.advance(150);
    const afterOne = db.size;
    expect(afterOne).toBeGreaterThan(KEYS - 100);
    server.clock.advance(100);
    expect(db.size).toBeLessThan(afterOne);
  });
});
