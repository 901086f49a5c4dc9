import { describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { type Random, seededRandom } from "../../../../src/core/random.js";
import { Config } from "../../../../src/server/config/config.js";
import { Database } from "../../../../src/server/keyspace/database.js";
import type { Image } from "../../../../src/server/keyspace/image.js";
import type { List } from "../../../../src/server/keyspace/list.js";
import { Stream } from "../../../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../../../src/server/keyspace/stream-group.js";
import { streamId } from "../../../../src/server/keyspace/stream-id.js";
import type { Value } from "../../../../src/server/keyspace/values.js";
import { fromRdb, toRdb } from "../../../../src/server/rdb/convert.js";
import { digestValue } from "../../../../src/server/rdb/digest.js";
import { loadSteps } from "../../../../src/server/rdb/load.js";
import { readRdb } from "../../../../src/server/rdb/read.js";
import { Snapshot } from "../../../../src/server/rdb/snapshot.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";
import { keyspaceState } from "./support.js";

const COUNT = 6000;
const names = Array.from({ length: COUNT }, (_, i) => `element:${i}`);
const stream = new Stream();
// Its last node has room left, so that what is appended goes there.
for (let i = 1; i <= COUNT - 50; i++)
  stream.append(streamId(i, 0), ["field", String(i)], { maxEntries: 100, maxBytes: 4096 });

const values: readonly RdbValue[] = [
  { type: "list", items: names },
  { type: "set", members: names },
  { type: "hash", pairs: names.flatMap((name, i) => [name, String(i)]) },
  { type: "zset", members: names, scores: names.map((_, i) => i) },
  { type: "stream", stream },
];

describe("A large value", () => {
  it.each(values)("is read and taken in with a pause at least every thousand elements: %#", (value) => {
    const chunks: Buffer[] = [];
    const writer = new RdbWriter((chunk) => chunks.push(chunk));
    writer.key(0, "large", value, null);
    writer.finish();
    const db = new Database(0, keyspaceState(), 1);
    const positions: number[] = [];
    const steps = loadSteps(Buffer.concat(chunks), [db], {
      clock: new ManualClock(),
      limits: new Config(),
      dropExpired: false,
      progress: (bytes) => positions.push(bytes),
    });
    const pauses = [...steps];
    expect(pauses.every((keys) => keys === 0)).toBe(true);
    expect(pauses.length).toBeGreaterThanOrEqual(COUNT / 1024 - 1);
    expect(new Set(positions).size).toBeGreaterThanOrEqual(COUNT / 1024 - 1);
    // What is not behind a part that was read is behind one that was taken in, into what the keyspace holds.
    expect(pauses.length - positions.length).toBe(value.type === "stream" ? 0 : Math.floor(COUNT / 1024));
    const gaps = positions.map((position, i) => position - (positions[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(64 * 1024);
    const loaded = db.peek("large")?.value;
    expect(loaded && digestValue(toRdb(loaded), false)).toBe(digestValue(value, false));
  });

  it.each(["list", "set", "hash", "zset", "stream"] as const)(
    "changes while it is written, which writes nothing ahead and changes nothing of what is written: %s",
    (type) => {
      for (const steps of [0, 1, 2, 4]) {
        const db = new Database(0, keyspaceState(), 1);
        db.set("large", kept(type));
        const before = described(db.peek("large")?.value as Value);
        const chunks: Buffer[] = [];
        const history = { replid: "", offset: 0, streamDb: 0 };
        const snapshot = new Snapshot([db], 0, (chunk) => chunks.push(chunk), { history });
        for (let i = 0; i < steps; i++) snapshot.step();
        const written = chunks.length;
        const random = seededRandom(steps);
        for (let i = 0; i < 300; i++) alter(db.lookup("large")?.value as Value, random);
        expect(chunks.length).toBe(written);
        while (!snapshot.step()) alter(db.lookup("large")?.value as Value, random);
        expect(described(db.peek("large")?.value as Value)).not.toBe(before);
        const items = [...readRdb(Buffer.concat(chunks))].filter((item) => item.kind === "key");
        expect(items.map(({ value }) => described(fromRdb(value, new Config())))).toEqual([before]);
      }
    },
  );

  it.each(["list", "stream"] as const)(
    "is given up with the snapshot: who changes a %s then changes no copies",
    (type) => {
      const db = new Database(0, keyspaceState(), 1);
      const value = kept(type) as List | Stream;
      db.set("large", value);
      const snapshot = new Snapshot([db], 0, () => undefined, { history: { replid: "", offset: 0, streamDb: 0 } });
      const image = vi.spyOn(value as { image(watch: boolean): Image<unknown> }, "image");
      while (image.mock.results.length === 0) snapshot.step();
      const taken = image.mock.results[0]?.value as Image<unknown>;
      const [part] = taken.parts();
      expect(taken.holds(part)).toBe(true);
      snapshot.end();
      expect(taken.holds(part)).toBe(false);
    },
  );
});

function kept(type: "list" | "set" | "hash" | "zset" | "stream"): Value {
  if (type !== "stream") return fromRdb(values.find((value) => value.type === type) as RdbValue, new Config());
  const made = stream.copy();
  const group = new StreamGroup(streamId(0, 0), 0);
  made.groups.set("group", group);
  const consumer = new StreamConsumer("consumer", 0);
  group.consumers.set("consumer", consumer);
  for (let i = 1; i <= 3000; i++) group.deliver(streamId(i, 0), consumer, 1000 + i);
  return made;
}

/** All of a value, in an order of its own. */
function described(value: Value): string {
  const rdb = toRdb(value);
  return rdb.type === "stream" ? RdbWriter.dump(rdb) : digestValue(rdb, false);
}

/** Something that a command may do to a value, at its ends or in its middle. */
function alter(value: Value, random: Random): void {
  const any = random.int(COUNT);
  const name = `element:${any}`;
  if (typeof value === "string") return;
  switch (value.type) {
    case "list": {
      const changes = [
        () => value.pushLeft("new"),
        () => value.pushRight("new"),
        () => value.popLeft(),
        () => value.popRight(),
        () => value.set(any % value.length, "new"),
        () => value.insert(any % value.length, "new"),
        () => value.remove(any % value.length, 1 + random.int(12)),
        () => value.retain((item) => item !== name),
      ];
      return void changes[random.int(changes.length)]?.();
    }
    case "set":
      if (random.int(2) === 0) value.members.delete(name);
      else value.members.add(`new:${any}`);
      return;
    case "hash":
      if (random.int(3) === 0) value.fields.delete(name);
      else value.fields.set(random.int(2) === 0 ? name : `new:${any}`, "changed");
      return;
    case "zset":
      if (random.int(3) === 0) value.delete(name);
      else value.set(random.int(2) === 0 ? name : `new:${any}`, any / 2);
      return;
    case "stream": {
      const group = value.groups.get("group") as StreamGroup;
      const changes = [
        () => value.append(streamId(COUNT + value.entriesAdded, 0), ["f", "v"], { maxEntries: 100, maxBytes: 4096 }),
        () => value.delete(streamId(any, 0)),
        () => value.trim({ by: "length", length: value.length - random.int(150), approximate: false, limit: 0 }),
        () => group.pending.delete(streamId(any % 3000, 0)),
        () => group.deliver(streamId(any, 0), group.consumers.get("consumer") as StreamConsumer, 5),
      ];
      changes[random.int(changes.length)]?.();
    }
  }
}
