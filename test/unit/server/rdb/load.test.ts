import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import { Config } from "../../../../src/server/config/config.js";
import { Database, type KeyspaceState } from "../../../../src/server/keyspace/database.js";
import { Lfu } from "../../../../src/server/memory/lfu.js";
import { RdbError } from "../../../../src/server/rdb/error.js";
import { type LoadOptions, loadAtOnce, loadInSlices, loadSteps } from "../../../../src/server/rdb/load.js";
import { fileOf, keyspaceState } from "./support.js";

/** So many keys with strings as values. */
const keys = (count: number): Buffer =>
  fileOf((writer) => {
    for (let i = 0; i < count; i++) writer.key(0, `k${i}`, { type: "string", value: "v" }, null);
  });

function databases(count: number, state: KeyspaceState = keyspaceState()): Database[] {
  return Array.from({ length: count }, (_, index) => new Database(index, state, 1));
}

const options = (more: Partial<LoadOptions> = {}): LoadOptions => ({
  clock: new ManualClock(),
  limits: new Config(),
  dropExpired: false,
  ...more,
});

describe("A load", () => {
  it("tells what a file holds beside its keys, and where it ends", () => {
    const file = fileOf((writer) => {
      const facts = { "repl-stream-db": "3", "repl-id": "a".repeat(40), "repl-offset": "123", "aof-base": "0" };
      for (const [name, value] of Object.entries(facts)) writer.aux(name, value);
      for (const code of ["one", "two"]) writer.functionLibrary(code);
      writer.key(0, "k", { type: "string", value: "v" }, null);
    });
    expect(loadAtOnce(Buffer.concat([file, Buffer.from("*1")]), databases(1), options())).toEqual({
      history: { replid: "a".repeat(40), offset: 123, streamDb: 3 },
      functions: ["one", "two"],
      keys: 1,
      expired: 0,
      emptyKeys: 0,
      end: file.length,
    });
    const { history } = loadAtOnce(keys(1), databases(1), options());
    expect(history).toEqual({ replid: "", offset: -1, streamDb: -1 });
  });

  it("puts each key where it belongs, and accounts for its memory as if it had been written", () => {
    const [one, other] = databases(2) as [Database, Database];
    const file = fileOf((writer) => {
      writer.key(0, "same", { type: "string", value: "first" }, null);
      writer.key(1, "same", { type: "list", items: ["a", "b"] }, 2_000_000);
    });
    loadAtOnce(file, [one, other], options());
    expect([one.peekAny("same")?.value, one.volatileSize]).toEqual(["first", 0]);
    expect([other.peekAny("same")?.expireAt, other.volatileSize]).toEqual([2_000_000, 1]);
    const [here, there] = databases(2) as [Database, Database];
    here.set("same", "first");
    const list = other.peekAny("same")?.value;
    expect(list).toHaveLength(2);
    there.set("same", list ?? "");
    expect([one.bytes, other.bytes]).toEqual([here.bytes, there.bytes]);
  });

  it("leaves out what has expired, for who wants that", () => {
    const clock = new ManualClock();
    const file = fileOf((writer) => {
      for (const inMs of [-1, 0, 1]) writer.key(0, `k${inMs}`, { type: "string", value: "v" }, clock.epoch() + inMs);
    });
    const dropped: string[] = [];
    const told = { clock, dropped: (db: number, key: string): unknown => dropped.push(`${db} ${key}`) };
    const [all] = databases(1) as [Database];
    expect(loadAtOnce(file, [all], options(told))).toMatchObject({ keys: 3, expired: 0 });
    expect([all.size, dropped]).toEqual([3, []]);
    const [some] = databases(1) as [Database];
    expect(loadAtOnce(file, [some], options({ ...told, dropExpired: true }))).toMatchObject({ keys: 1, expired: 2 });
    expect([some.size, dropped]).toEqual([1, ["0 k-1", "0 k0"]]);
    expect(some.peekAny("k1")?.expireAt).toBe(clock.epoch() + 1);
  });

  it("leaves out keys without elements, and names the first ten", () => {
    const file = fileOf((writer) => {
      for (let i = 0; i < 12; i++) writer.key(0, `empty${i}`, { type: "set", members: [] }, null);
      writer.key(0, "full", { type: "set", members: ["a"] }, null);
    });
    const named: string[] = [];
    const [db] = databases(1) as [Database];
    const loaded = loadAtOnce(file, [db], options({ empty: (key) => named.push(key) }));
    expect([loaded.keys, loaded.emptyKeys, db.size]).toEqual([1, 12, 1]);
    expect(named).toEqual(Array.from({ length: 10 }, (_, i) => `empty${i}`));
  });

  it("is refused where a key comes twice, or an element, or a database that is not there", () => {
    const twice = fileOf((writer) => {
      for (const value of ["1", "2"]) writer.key(0, "k", { type: "string", value }, null);
    });
    expect(() => loadAtOnce(twice, databases(1), options())).toThrow("the RDB names a key twice");
    const same = fileOf((writer) => writer.key(0, "k", { type: "set", members: ["a", "a"] }, null));
    expect(() => loadAtOnce(same, databases(1), options())).toThrow("the RDB names an element twice");
    const second = fileOf((writer) => writer.key(1, "k", { type: "string", value: "v" }, null));
    expect(() => loadAtOnce(second, databases(1), options())).toThrow(RdbError);
    expect(loadAtOnce(second, databases(2), options()).keys).toBe(1);
  });

  it("compares the checksum unless it shall not", () => {
    const file = keys(1);
    file[file.length - 1] = (file[file.length - 1] as number) ^ 1;
    expect(() => loadAtOnce(file, databases(1), options())).toThrow("wrong RDB checksum");
    expect(loadAtOnce(file, databases(1), options({ checksum: false })).keys).toBe(1);
  });

  it("pauses behind every 128 keys, those that are left out included, and says how far it is", () => {
    const clock = new ManualClock();
    const file = fileOf((writer) => {
      for (let i = 0; i < 300; i++)
        writer.key(0, String(1000 + i), { type: "string", value: "v" }, i % 2 ? clock.epoch() : null);
    });
    const positions: number[] = [];
    const progress = (bytes: number): unknown => positions.push(bytes);
    const steps = loadSteps(file, databases(1), options({ clock, dropExpired: true, progress }));
    expect([...steps]).toEqual([128, 128]);
    // 10 bytes of header and database in two, and then for two keys: 2 × (type, 5 of key, 2 of value), 9 of time.
    expect(positions).toEqual([11 + 64 * 25, 11 + 128 * 25]);
  });

  it.each([
    ["by time", null, [1000 - 7, 1000, 1000]],
    [
      "by frequency",
      new Lfu(seededRandom(1), { logFactor: 10, decayMinutes: 1 }, () => 600_000),
      [0xa05, 0xa09, 0xa05],
    ],
  ])("keeps what a file says of a key's usage as far as it is counted: %s", (_, lfu, stamps) => {
    const [db] = databases(1, { ...keyspaceState(), lfu }) as [Database];
    const file = fileOf((writer) => {
      for (const [key, usage] of Object.entries({ idle: { idleS: 7 }, freq: { freq: 9 }, none: null }))
        writer.key(0, key, { type: "string", value: "v" }, null, usage);
    });
    loadAtOnce(file, [db], options());
    expect(["idle", "freq", "none"].map((key) => db.peekAny(key)?.accessedS)).toEqual(stamps);
  });
});

/** A clock on which each look at it takes a millisecond; it counts the turns of the event loop that were waited for. */
class TickingClock extends ManualClock {
  turns = 0;
  waits: number[] = [];

  override now(): number {
    super.advance(1);
    return super.now();
  }

  override setImmediate(run: () => void): void {
    this.turns++;
    queueMicrotask(run);
  }

  override setTimer(run: () => void, ms: number): { id: unknown } {
    this.waits.push(ms);
    queueMicrotask(run);
    return { id: null };
  }
}

describe("A load in slices", () => {
  const inSlices = (clock: ManualClock, more: { keyDelayMicros?: number; wanted?: () => boolean } = {}) =>
    loadInSlices(keys(128 * 20), databases(1), {
      ...options({ clock }),
      sliceMs: 4,
      keyDelayMicros: 0,
      wanted: () => true,
      ...more,
    });

  it("lets others have their turn when a slice is over, and only then", async () => {
    const clock = new TickingClock();
    expect((await inSlices(clock)).keys).toBe(128 * 20);
    // Four steps end within a slice, the fifth ends it.
    expect([clock.turns, clock.waits]).toEqual([4, []]);
  });

  it("waits as if each key took so long, in place of a turn", async () => {
    const clock = new TickingClock();
    await inSlices(clock, { keyDelayMicros: 100 });
    expect([clock.turns, clock.waits]).toEqual([0, Array.from({ length: 20 }, () => 12.8)]);
  });

  it("is given up when it is not wanted any more behind a pause", async () => {
    const clock = new TickingClock();
    let asked = 0;
    await expect(inSlices(clock, { wanted: () => ++asked < 3 })).rejects.toThrow("the link was closed meanwhile");
    expect([asked, clock.turns]).toEqual([3, 3]);
  });
});
