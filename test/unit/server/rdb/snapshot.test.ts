import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.js";
import { Database } from "../../../../src/server/keyspace/database.js";
import { List } from "../../../../src/server/keyspace/list.js";
import { SortedSet } from "../../../../src/server/keyspace/sorted-set.js";
import { copyValue, HashValue, SetValue, type Value } from "../../../../src/server/keyspace/values.js";
import { toRdb } from "../../../../src/server/rdb/convert.js";
import { digestValue } from "../../../../src/server/rdb/digest.js";
import { readRdb } from "../../../../src/server/rdb/read.js";
import { Snapshot } from "../../../../src/server/rdb/snapshot.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";
import { keyspaceState } from "./support.js";

type Contents = Map<string, { value: Value; expireAt: number }>;

/** The contents by database and key, sharing nothing with the databases. */
function copyOf(databases: readonly Database[]): Contents {
  const all: Contents = new Map();
  for (const db of databases) {
    for (const [key, entry] of db.entries()) {
      all.set(`${db.index} ${key}`, { value: copyValue(entry.value), expireAt: entry.expireAt });
    }
  }
  return all;
}

/** What a file holds, in the form of {@link comparable}; fails if it names a key twice. */
function read(chunks: readonly Buffer[]): Map<string, string> {
  const all = new Map<string, string>();
  for (const item of readRdb(Buffer.concat(chunks))) {
    if (item.kind !== "key") continue;
    const name = `${item.db} ${item.key}`;
    expect(all.has(name), `${name} is there once`).toBe(false);
    all.set(name, `${described(item.value)} ${item.expireAt ?? -1}`);
  }
  return new Map([...all].sort());
}

/** The same for values that are the same, in whatever order; groups of streams included. */
function described(value: RdbValue): string {
  if (value.type !== "stream") return digestValue(value, false);
  return `${digestValue(value, false)} ${createHash("sha1").update(RdbWriter.dump(value), "latin1").digest("hex")}`;
}

function comparable(contents: Contents): Map<string, string> {
  const all = [...contents].map(
    ([name, { value, expireAt }]) => [name, `${described(toRdb(value))} ${expireAt}`] as const,
  );
  return new Map(all.sort());
}

const SIZES = [1, 3, 20, 6000];

function randomValue(random: ReturnType<typeof seededRandom>): Value {
  const size = random.int(50) === 0 ? (SIZES[3] as number) : (SIZES[random.int(3)] as number);
  const names = Array.from({ length: size }, (_, i) => `m${i}`);
  switch (random.int(5)) {
    case 0:
      return new HashValue(new Map(names.map((name, i) => [name, String(i)])));
    case 1:
      return new SetValue(new Set(names));
    case 2:
      return new List(names);
    case 3:
      return new SortedSet(names.map((name, i) => [name, i / 2] as const));
    default:
      return "v".repeat(size % 100);
  }
}

/** Some change as a command makes it: looks the key up, then writes in place or puts something else there. */
function change(databases: readonly Database[], random: ReturnType<typeof seededRandom>): void {
  const db = databases[random.int(databases.length)] as Database;
  const other = databases[random.int(databases.length)] as Database;
  const key = random.int(3) === 0 ? `new${random.int(300)}` : `k${random.int(600)}`;
  switch (random.int(40)) {
    case 0:
      return db.swapContents(other);
    case 1:
      return random.int(6) === 0 ? db.clear() : undefined;
    case 2:
    case 3:
      db.delete(key);
      return;
    case 4:
    case 5:
      db.setExpireAt(key, 2_000_000 + random.int(1000));
      return;
    case 6:
    case 7:
    case 8:
      return db.set(key, randomValue(random));
    case 9: {
      const entry = db.lookup(key);
      if (entry === undefined || db.has(`${key}x`)) return;
      db.delete(key);
      db.set(`${key}x`, entry.value);
      return;
    }
    default: {
      const value = db.lookup(key)?.value;
      if (value === undefined || typeof value === "string") return;
      if (value.type === "hash") value.fields.set(`f${random.int(9)}`, "changed");
      else if (value.type === "set") value.members.add(`new${random.int(9)}`);
      else if (value.type === "list") value.popLeft();
      else if (value.type === "zset") value.set("m0", random.int(99));
      db.deleteIfEmpty(key, value);
    }
  }
}

describe("A snapshot", () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    "is what there was when it was begun, whatever changes meanwhile (seed %i)",
    (seed) => {
      const random = seededRandom(seed);
      const shared = keyspaceState();
      const databases = [0, 1, 2].map((index) => new Database(index, shared, 42));
      for (let i = 0; i < 600; i++) databases[random.int(2)]?.set(`k${i}`, randomValue(random));
      for (let i = 0; i < 100; i++) databases[random.int(2)]?.setExpireAt(`k${random.int(600)}`, 1_500_000 + i);
      const expected = comparable(copyOf(databases));
      const chunks: Buffer[] = [];
      const history = { replid: "", offset: 0, streamDb: 0 };
      const snapshot = new Snapshot(databases, 0, (chunk) => chunks.push(chunk), { history });
      while (!snapshot.step()) for (let i = random.int(8); i > 0; i--) change(databases, random);
      expect(read(chunks)).toEqual(expected);
      expect(snapshot.written).toBe(snapshot.total);
    },
  );

  it("leaves nothing behind when it is given up", () => {
    const db = new Database(0, keyspaceState(), 42);
    db.set("k", "v");
    let bytes = 0;
    const snapshot = new Snapshot(
      [db],
      0,
      (chunk) => {
        bytes += chunk.length;
      },
      { history: { replid: "", offset: 0, streamDb: 0 } },
    );
    snapshot.end();
    db.set("k", "w");
    expect(snapshot.step()).toBe(true);
    expect(bytes).toBe(0);
  });

  it("keeps reading commands from writing anything ahead", () => {
    const shared = keyspaceState();
    const db = new Database(0, shared, 42);
    db.set("h", new HashValue(new Map([["f", "v"]])));
    const snapshot = new Snapshot([db], 0, () => undefined, { history: { replid: "", offset: 0, streamDb: 0 } });
    shared.counting = true;
    db.get("h", "hash");
    expect(snapshot.written).toBe(0);
    shared.counting = false;
    db.get("h", "hash");
    expect(snapshot.written).toBe(1);
  });
});
