import { describe, expect, it, vi } from "vitest";
import { Database } from "../../../../src/server/keyspace/database.js";
import { HashValue } from "../../../../src/server/keyspace/values.js";
import { readRdb } from "../../../../src/server/rdb/read.js";
import { Snapshot, type SnapshotOptions, writeSnapshot } from "../../../../src/server/rdb/snapshot.js";
import type { RdbItem } from "../../../../src/server/rdb/value.js";
import { keyspaceState } from "./support.js";

const NOBODY = { replid: "", offset: 0, streamDb: 0 };
const EPOCH_MS = 1_700_000_001_999;

function databaseOf(contents: Readonly<Record<string, string>>, index = 0): Database {
  const db = new Database(index, keyspaceState(), 1);
  for (const [key, value] of Object.entries(contents)) db.set(key, value);
  return db;
}

/** A snapshot that is begun, and the file when it is complete. */
function begun(databases: readonly Database[], options: Partial<SnapshotOptions> = {}) {
  const chunks: Buffer[] = [];
  const snapshot = new Snapshot(databases, EPOCH_MS, (chunk) => chunks.push(chunk), { history: NOBODY, ...options });
  const finish = (): Buffer => {
    while (!snapshot.step());
    return Buffer.concat(chunks);
  };
  return { snapshot, finish };
}

const fileOf = (databases: readonly Database[], options: Partial<SnapshotOptions> = {}): Buffer =>
  begun(databases, options).finish();

type Key = Extract<RdbItem, { kind: "key" }>;
const keysOf = (file: Buffer): Key[] => [...readRdb(file)].filter((item) => item.kind === "key");

/** Names and values ahead of the keys. */
function factsOf(file: Buffer): string[] {
  return [...readRdb(file)].flatMap((item) =>
    item.kind === "aux" ? [`${item.name}=${item.value}`] : item.kind === "function" ? [item.code] : [],
  );
}

describe("A snapshot's file", () => {
  it("says what it is of, in front of everything else", () => {
    const head = ["redis-ver=7.0.15", "redis-bits=64", "ctime=1700000001"];
    const file = (options: Partial<SnapshotOptions>): string[] => factsOf(fileOf([databaseOf({ k: "v" })], options));
    expect(file({})).toEqual([...head, "aof-base=0"]);
    expect(file({ aofBase: true, functions: ["one", "two"] })).toEqual([...head, "aof-base=1", "one", "two"]);
    const history = { replid: "a".repeat(40), offset: 7, streamDb: 0 };
    const named = [`repl-id=${history.replid}`, "repl-offset=7"];
    expect(file({ history })).toEqual([...head, "repl-stream-db=0", ...named, "aof-base=0"]);
    expect(file({ history: { ...history, streamDb: -1 } })).toEqual([...head, ...named, "aof-base=0"]);
  });

  it("says how many keys there are, and how many of them expire", () => {
    const [one, other] = [databaseOf({ a: "1", b: "2", c: "3" }), databaseOf({ a: "1" }, 5)];
    one.setExpireAt("b", 2_000_000);
    const text = fileOf([one, databaseOf({}, 1), other]).toString("latin1");
    expect(text).toContain("\x08aof-base\x010\xfe\0");
    expect(text).toContain("\xfe\0\xfb\x03\x01\xfe\x05\xfb\x01\0");
  });

  it("holds the time at which a key expires, where it does", () => {
    const db = databaseOf({ a: "1", b: "2" });
    db.setExpireAt("b", 2_000_000);
    const found = keysOf(fileOf([db])).map(({ key, expireAt }) => [key, expireAt]);
    expect(new Map(found as [string, number | null][])).toEqual(
      new Map<string, number | null>([
        ["a", null],
        ["b", 2_000_000],
      ]),
    );
  });

  it("holds no keys where none are asked for, and the databases need not tell", () => {
    const db = databaseOf({ k: "v" });
    const { snapshot, finish } = begun([db], { withoutData: true, functions: ["code"] });
    db.set("k", "w");
    expect([snapshot.total, snapshot.written]).toEqual([0, 0]);
    const file = finish();
    expect(keysOf(file)).toEqual([]);
    expect(factsOf(file)).toContain("code");
  });

  it.each([
    ["idle", 3, undefined],
    ["freq", undefined, 1_699_999_998 & 255],
    [null, undefined, undefined],
  ] as const)("tells how a key was used, if that is asked for: %s", (usage, idleS, freq) => {
    const db = databaseOf({ k: "v" });
    db.setAccessed("k", 1_699_999_998);
    expect(keysOf(fileOf([db], { usage }))).toMatchObject([{ idleS, freq }]);
    db.setAccessed("k", 1_700_000_009);
    if (usage === "idle") expect(keysOf(fileOf([db], { usage }))).toMatchObject([{ idleS: 0 }]);
  });

  it("is compressed, and has a checksum, as it is asked for", () => {
    const db = databaseOf({ k: "again and again ".repeat(100) });
    const [plain, packed] = [fileOf([db]), fileOf([db], { compress: true })];
    expect(packed.length).toBeLessThan(plain.length / 4);
    expect(keysOf(packed)).toMatchObject(keysOf(plain).map(({ key, value }) => ({ key, value })));
    expect(plain.subarray(-8).equals(Buffer.alloc(8))).toBe(false);
    expect(fileOf([db], { checksum: false })).toEqual(Buffer.concat([plain.subarray(0, -8), Buffer.alloc(8)]));
  });
});

describe("A snapshot that is being written", () => {
  const valuesOf = (file: Buffer): unknown[] => keysOf(file).map(({ value }) => value);
  const OLD = { type: "string", value: "old" };

  it("is whole when something changes before its first step", () => {
    const db = databaseOf({ k: "old" });
    const { snapshot, finish } = begun([db]);
    db.set("k", "new");
    expect([snapshot.written, snapshot.aheadBytes]).toEqual([1, databaseOf({ k: "old" }).bytes]);
    const file = finish();
    expect(valuesOf(file)).toEqual([OLD]);
    expect([...readRdb(file)].map(({ kind }) => kind)).toEqual(["aux", "aux", "aux", "aux", "key"]);
  });

  it("is told of changes although another is written at once meanwhile", () => {
    const db = databaseOf({ k: "old" });
    const { finish } = begun([db]);
    const chunks: Buffer[] = [];
    writeSnapshot([db], EPOCH_MS, (chunk) => chunks.push(chunk), { history: NOBODY });
    db.set("k", "new");
    expect(valuesOf(finish())).toEqual([OLD]);
    expect(valuesOf(Buffer.concat(chunks))).toEqual([OLD]);
  });

  it("is told of changes although one before it is given up again", () => {
    const db = databaseOf({ k: "old" });
    const first = begun([db]);
    first.snapshot.end();
    const second = begun([db]);
    first.snapshot.end();
    expect(first.snapshot.step()).toBe(true);
    db.set("k", "new");
    expect(valuesOf(second.finish())).toEqual([OLD]);
    expect(first.snapshot.written).toBe(0);
  });

  it("is told of nothing any more when it is given up", () => {
    const db = databaseOf({ k: "old" });
    const { snapshot } = begun([db]);
    snapshot.end();
    db.set("k", "new");
    expect([snapshot.step(), snapshot.written, snapshot.aheadBytes]).toEqual([true, 0, 0]);
  });

  it("holds what changes while a large value is half written, compressed as the rest, and then goes on in its database", () => {
    const long = "again and again ".repeat(100);
    const [one, other] = [databaseOf({}), databaseOf({ a: long, b: "old" }, 1)];
    const large = new HashValue(new Map(Array.from({ length: 5000 }, (_, i) => [`f${i}`, "v"])));
    one.set("large", large);
    for (let i = 0; i < 50; i++) one.set(`k${i}`, "old");
    const { snapshot, finish } = begun([one, other], { compress: true });
    const image = vi.spyOn(large.fields, "image");
    while (image.mock.calls.length === 0) snapshot.step();
    // It is begun, and one of three pieces of it is written.
    for (let i = 0; i < 2; i++) snapshot.step();
    const { written } = snapshot;
    expect(written).toBeLessThan(50);
    other.set("a", "new");
    expect(snapshot.written).toBe(written + 1);
    const file = finish();
    const found = keysOf(file);
    expect(new Set(found.map(({ db, key }) => `${db} ${key}`)).size).toBe(53);
    expect(found).toHaveLength(53);
    expect(found.filter(({ db }) => db === 1).map(({ key, value }) => [key, value])).toEqual([
      ["a", { type: "string", value: long }],
      ["b", OLD],
    ]);
    expect(file.length).toBeLessThan(5000 * 8 + long.length);
    expect([snapshot.written, snapshot.total]).toEqual([53, 53]);
  });
});
