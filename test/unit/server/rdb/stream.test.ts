import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Stream } from "../../../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../../../src/server/keyspace/stream-group.js";
import { idText, MAX_ID, MIN_ID, streamId } from "../../../../src/server/keyspace/stream-id.js";
import { Crc64 } from "../../../../src/server/rdb/crc64.js";
import { RdbError } from "../../../../src/server/rdb/error.js";
import { readListpack } from "../../../../src/server/rdb/packed.js";
import { readDump } from "../../../../src/server/rdb/read.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";
import { streamPieces } from "../../../../src/server/rdb/write-stream.js";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5 }).map((raw) => Buffer.from(raw).toString("latin1")),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.constantFrom(
    "",
    "x".repeat(63),
    "x".repeat(64),
    "x".repeat(4095),
    "x".repeat(4096),
    "x".repeat(17_000),
    "-0",
    "01",
  ),
);
const entry = fc.record({
  step: fc.oneof(fc.constant(1n), fc.bigInt({ min: 1n, max: 2n ** 62n })),
  fields: fc.array(fc.tuple(fc.constantFrom("f", "g", "12"), text), { minLength: 1, maxLength: 3 }),
});

function built(entries: readonly { step: bigint; fields: readonly (readonly [string, string])[] }[]): Stream {
  const stream = new Stream();
  let value = 0n;
  for (const { step, fields } of entries) {
    value += step;
    const id = streamId(value / 7n, value);
    if (id > stream.lastId) stream.append(id, fields.flat(), { maxEntries: 4, maxBytes: 0 });
  }
  return stream;
}

function read(stream: Stream): Stream {
  const value = readDump(Buffer.from(RdbWriter.dump({ type: "stream", stream }), "latin1"));
  if (value?.type !== "stream") throw new Error(`not a stream: ${JSON.stringify(value)}`);
  return value.stream;
}

function shown(stream: Stream): unknown {
  return {
    entries: stream.range(MIN_ID, MAX_ID, 0).map(({ id, fields }) => [idText(id), fields]),
    ids: [stream.firstId, stream.lastId, stream.maxDeletedId].map(idText),
    added: stream.entriesAdded,
    groups: [...stream.groups].map(([name, group]) => [
      name,
      idText(group.lastId),
      group.entriesRead,
      [...group.pending.from(MIN_ID)].map((one) => [
        idText(one.id),
        one.consumer.name,
        one.deliveredMs,
        one.deliveries,
      ]),
      [...group.consumers.values()].map(({ name, seenMs, pending }) => [name, seenMs, pending.size]),
    ]),
  };
}

describe("a stream in an RDB", () => {
  it("refuses an entry that is not as long as it says", () => {
    const stream = new Stream();
    stream.append(streamId(1, 1), ["f", "v"], { maxEntries: 4, maxBytes: 0 });
    const dump = Buffer.from(RdbWriter.dump({ type: "stream", stream }), "latin1");
    expect(readDump(dump, false)).not.toBeNull();
    // The last element of the listpack: as many elements as the entry has.
    const at = dump.indexOf(Buffer.from([4, 1, 0xff]));
    dump[at] = 5;
    expect(() => readDump(dump, false)).toThrow(RdbError);
  });

  it("comes back as it was, with its groups and what is pending", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(12), (entries, deleted) => {
        const stream = built(entries);
        const ids = stream.range(MIN_ID, MAX_ID, 0).map(({ id }) => id);
        const group = new StreamGroup(ids[0] ?? MIN_ID, ids.length > 3 ? -1 : ids.length);
        for (const name of ["a", "b"]) group.consumers.set(name, new StreamConsumer(name, 1_700_000_000_000));
        ids.forEach((id, at) => {
          group.deliver(id, group.consumers.get(at % 2 ? "a" : "b") as StreamConsumer, 1_700_000_000_000 + at);
        });
        stream.groups.set("g", group);
        if (ids[deleted] !== undefined) stream.delete(ids[deleted]);
        expect(shown(read(stream))).toEqual(shown(stream));
      }),
    );
  });

  it("has nodes of just the size that they are reckoned to have", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), (entries) => {
        const stream = built(entries);
        const [, first = ""] = [...streamPieces(stream)];
        // 1 byte length and 16 bytes key, then the listpack with its own length in front.
        const pack = Buffer.from(first.slice(17), "latin1");
        const head = (pack[0] as number) < 64 ? 1 : (pack[0] as number) < 0x80 ? 2 : 5;
        const blob = pack.subarray(head);
        expect(blob.length).toBe(blob.readUInt32LE(0));
        expect(stream.nodes[0]?.bytes).toBe(blob.length);
        const items = readListpack(blob);
        expect(items[0]).toBe(String(stream.nodes[0]?.live));
        // None is deleted, and a zero ends the names of the fields, on which redis-server insists.
        expect([items[1], items[3 + Number(items[2])]]).toEqual(["0", "0"]);
      }),
    );
  });

  it("as Redis 5 wrote it gets its counters from what is there", () => {
    const stream = built([
      { step: 7n, fields: [["f", "v"]] },
      { step: 7n, fields: [["f", "w"]] },
    ]);
    const body = [...streamPieces(stream)].join("");
    // Behind length and last id the new form has the first id, the highest deleted one and the number of entries added.
    const value = readDump(dumpOf(15, body.slice(0, -6) + body.slice(-1)));
    if (value?.type !== "stream") throw new Error(String(value));
    expect(shown(value.stream)).toEqual(shown(stream));
  });

  it.each([10, 30, 60, 90])("is refused when byte %i is missing, and never taken half", (at) => {
    const stream = built(Array.from({ length: 8 }, () => ({ step: 9n, fields: [["field", "value"]] as const })));
    const whole = [...streamPieces(stream)].join("");
    const cut = whole.slice(0, at) + whole.slice(at + 1);
    expect(() => readDump(dumpOf(19, cut))).toThrow(RdbError);
  });
});

/** A DUMP payload with a right checksum around any body. */
function dumpOf(type: number, body: string): Buffer {
  const data = Buffer.concat([Buffer.from([type]), Buffer.from(body, "latin1"), Buffer.from([10, 0])]);
  return Buffer.concat([data, new Crc64().update(data).digest()]);
}
