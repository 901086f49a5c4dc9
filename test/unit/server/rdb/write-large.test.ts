import { describe, expect, it } from "vitest";
import { Config } from "../../../../src/server/config/config.js";
import { Database } from "../../../../src/server/keyspace/database.js";
import { Stream } from "../../../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../../../src/server/keyspace/stream-group.js";
import { streamId } from "../../../../src/server/keyspace/stream-id.js";
import type { Value } from "../../../../src/server/keyspace/values.js";
import { fromRdb } from "../../../../src/server/rdb/convert.js";
import { Snapshot } from "../../../../src/server/rdb/snapshot.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";
import { type Divisible, largeValue } from "../../../../src/server/rdb/write-large.js";
import { keyspaceState } from "./support.js";

const COUNT = 20_000;
/** A pause would be too long that is not taken after so many elements. */
const MOST_ELEMENTS = 2048;
/** The same of the nodes and of the pending entries of a stream. */
const MOST_OF_STREAM = 32;
const NODE_ENTRIES = 100;

/** Eight bytes, written as nine. */
const names = Array.from({ length: COUNT }, (_, i) => String(i).padStart(8, "x"));

/** Bytes of the value as each piece adds them, with what is written between the pieces. */
function piecesOf(value: Value): number[] {
  let bytes = 0;
  const writer = new RdbWriter((chunk) => (bytes += chunk.length), { header: "", checksum: false });
  const pieces: number[] = [];
  const writing = largeValue(value as Divisible, false).write(writer);
  for (let done = false, before = 0; !done; before = bytes) {
    done = writing.next().done === true;
    writer.flush();
    pieces.push(bytes - before);
  }
  return pieces;
}

/** `count` entries of which so many are pending. */
function streamOf(count: number, pending: number): Stream {
  const stream = new Stream();
  for (let i = 1; i <= count; i++)
    stream.append(streamId(i, 0), ["field", "value"], { maxEntries: NODE_ENTRIES, maxBytes: 0 });
  const group = new StreamGroup(streamId(0, 0), 0);
  const consumer = new StreamConsumer("consumer", 0);
  group.consumers.set("consumer", consumer);
  for (let i = 1; i <= pending; i++) group.deliver(streamId(i, 0), consumer, 1000);
  stream.groups.set("group", group);
  return stream;
}

describe("A large value is written in pieces", () => {
  const collections: readonly (readonly [RdbValue, bytesOfElement: number])[] = [
    [{ type: "list", items: names }, 9],
    [{ type: "set", members: names }, 9],
    [{ type: "hash", pairs: names.flatMap((name) => [name, "value"]) }, 15],
    [{ type: "zset", members: names, scores: names.map((_, i) => i) }, 17],
  ];

  it.each(collections)("of so many elements at most, and no more of them than that takes: %#", (value, bytes) => {
    const pieces = piecesOf(fromRdb(value, new Config()));
    expect(pieces.length).toBe(Math.ceil(COUNT / MOST_ELEMENTS));
    // Five bytes say how many elements there are.
    expect(pieces.shift()).toBe(5 + MOST_ELEMENTS * bytes);
    expect(pieces.pop()).toBe((COUNT % MOST_ELEMENTS) * bytes);
    expect(new Set(pieces)).toEqual(new Set([MOST_ELEMENTS * bytes]));
  });

  it("which of a stream are so many nodes", () => {
    const nodes = COUNT / NODE_ENTRIES;
    const pieces = piecesOf(streamOf(COUNT, 0));
    expect(pieces.length).toBe(Math.ceil(nodes / MOST_OF_STREAM));
    const node = piecesOf(streamOf(NODE_ENTRIES, 0)).reduce((sum, bytes) => sum + bytes);
    for (const piece of pieces) expect(piece).toBeLessThan((MOST_OF_STREAM + 1) * node);
  });

  it("or so many pending entries, of the group and then of the consumer", () => {
    const pending = 3000;
    const pieces = piecesOf(streamOf(1, pending));
    expect(pieces.length).toBeGreaterThanOrEqual(Math.floor((2 * pending) / MOST_OF_STREAM));
    // 16 bytes of id, 8 of time, 1 of how often; names and counters along with the first ones.
    for (const piece of pieces) expect(piece).toBeLessThan(MOST_OF_STREAM * 25 + 100);
  });

  it.each([
    ["hash", fromRdb(collections[2]?.[0] as RdbValue, new Config()), COUNT / MOST_ELEMENTS],
    ["stream", streamOf(COUNT, 0), COUNT / NODE_ENTRIES / MOST_OF_STREAM],
  ])("of which a snapshot writes one at a step: %s", (_, value, pieces) => {
    const steps = (db: Database): number => {
      const snapshot = new Snapshot([db], 0, () => undefined, { history: { replid: "", offset: 0, streamDb: 0 } });
      for (let count = 1; ; count++) if (snapshot.step()) return count;
    };
    const [small, large] = [new Database(0, keyspaceState(), 1), new Database(0, keyspaceState(), 1)];
    small.set("key", "value");
    large.set("key", value);
    // One more takes up the value.
    expect(steps(large) - steps(small)).toBe(Math.ceil(pieces) + 1);
  });
});
