import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pending, PendingList } from "../../../../src/server/keyspace/pending-list.js";
import { Stream } from "../../../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../../../src/server/keyspace/stream-group.js";
import {
  idText,
  MAX_ID,
  MIN_ID,
  msOf,
  nextId,
  parseU64,
  previousId,
  seqOf,
  streamId,
} from "../../../../src/server/keyspace/stream-id.js";

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const limits = { maxEntries: 3, maxBytes: 4096 };

describe("ids of streams", () => {
  it("compare as the two numbers do, and give them back", () => {
    fc.assert(
      fc.property(u64, u64, u64, u64, (ms, seq, otherMs, otherSeq) => {
        const id = streamId(ms, seq);
        const other = streamId(otherMs, otherSeq);
        expect([BigInt(msOf(id)), BigInt(seqOf(id))]).toEqual([ms, seq]);
        expect(idText(id)).toBe(`${ms}-${seq}`);
        expect(id < other).toBe(ms < otherMs || (ms === otherMs && seq < otherSeq));
      }),
    );
  });

  it("have neighbours, but for the ends", () => {
    fc.assert(
      fc.property(u64, u64, (ms, seq) => {
        const id = streamId(ms, seq);
        const next = nextId(id);
        if (next === undefined) expect(id).toBe(MAX_ID);
        else expect(previousId(next)).toBe(id);
      }),
    );
    expect(idText(nextId(streamId(5, 2n ** 64n - 1n)) ?? "")).toBe("6-0");
    expect(idText(nextId(streamId(5, Number.MAX_SAFE_INTEGER)) ?? "")).toBe("5-9007199254740992");
    expect(nextId(MAX_ID)).toBeUndefined();
    expect(previousId(MIN_ID)).toBeUndefined();
  });

  it.each([
    ["0", 0],
    ["007", 7n],
    ["18446744073709551615", 18446744073709551615n],
    ["18446744073709551616", undefined],
    ["-1", undefined],
    ["-01", 18446744073709551615n],
    ["", undefined],
    ["1x", undefined],
  ])("read %j as %s", (text, value) => {
    expect(parseU64(text)).toEqual(value);
  });
});

describe("a stream", () => {
  /** A plain model: an array of ids. */
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant({ kind: "add" as const }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), at: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("length" as const), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("id" as const), at: fc.nat(40) }) },
  );

  const trimmedToDeleted = [
    { kind: "add" as const },
    { kind: "add" as const },
    { kind: "delete" as const, at: 2 },
    { kind: "id" as const, at: 2 },
  ];

  it("holds what an array of its entries would, whatever is added, deleted and trimmed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(45), fc.nat(45), fc.nat(5), (steps, from, to, limit) => {
        const stream = new Stream();
        let model: string[] = [];
        let last = 0;
        for (const action of steps) {
          if (action.kind === "add") {
            const id = streamId(++last, 0);
            stream.append(id, ["f", String(last)], limits);
            model.push(id);
          } else if (action.kind === "delete") {
            const id = streamId(action.at, 0);
            expect(stream.delete(id)).toBe(model.includes(id));
            model = model.filter((other) => other !== id);
          } else {
            const before = model.length;
            const id = streamId(action.at, 0);
            model =
              action.kind === "length"
                ? model.slice(Math.max(0, model.length - action.at))
                : model.filter((other) => other >= id);
            const common = { approximate: false, limit: 0 };
            const trim =
              action.kind === "length"
                ? ({ by: "length", length: action.at, ...common } as const)
                : ({ by: "id", id, ...common } as const);
            expect(stream.trim(trim)).toBe(before - model.length);
          }
        }
        expect(stream.length).toBe(model.length);
        expect(stream.firstId).toBe(model[0] ?? MIN_ID);
        expect(stream.lastValidId()).toBe(model.at(-1) ?? MIN_ID);
        expect(stream.entriesAdded).toBe(last);
        const [low, high] = [streamId(from, 0), streamId(to, 5)];
        const inside = model.filter((id) => id >= low && id <= high);
        const most = limit === 0 ? undefined : limit;
        expect(stream.range(low, high, limit).map(({ id }) => id)).toEqual(inside.slice(0, most));
        const backwards = [...inside].reverse().slice(0, most);
        expect(stream.range(low, high, limit, true).map(({ id }) => id)).toEqual(backwards);
        // A trim by id leaves a node whose last entry, deleted before, has that id: Redis counts it as a key, too.
        for (const node of stream.nodes.slice(1)) expect(node.live).toBeGreaterThan(0);
      }),
      { examples: [[trimmedToDeleted, 0, 0, 0]] },
    );
  });

  it("trims whole nodes only where that may be", () => {
    const stream = new Stream();
    for (let ms = 1; ms <= 8; ms++) stream.append(streamId(ms, 0), ["f", "v"], limits);
    expect(stream.trim({ by: "length", length: 6, approximate: true, limit: 0 })).toBe(0);
    expect(stream.trim({ by: "length", length: 1, approximate: true, limit: 5 })).toBe(3);
    expect(stream.trim({ by: "id", id: streamId(7, 0), approximate: true, limit: 0 })).toBe(3);
    expect(stream.length).toBe(2);
  });

  it("shares nothing with its copy", () => {
    const stream = new Stream();
    stream.append(streamId(1, 0), ["f", "v"], limits);
    const group = new StreamGroup(MIN_ID, 0);
    const consumer = new StreamConsumer("c", 5);
    group.consumers.set("c", consumer);
    group.deliver(streamId(1, 0), consumer, 7);
    stream.groups.set("g", group);
    const copy = stream.copy();
    expect(copy.nodes[0]?.bytes).toBe(stream.nodes[0]?.bytes);
    stream.delete(streamId(1, 0));
    group.acknowledge(streamId(1, 0));
    expect(copy.length).toBe(1);
    const pending = copy.groups.get("g")?.pending.first();
    expect(pending?.consumer).toBe(copy.groups.get("g")?.consumers.get("c"));
    expect(pending?.consumer).not.toBe(consumer);
  });
});

describe("a list of pending entries", () => {
  const owner = new StreamConsumer("c", 0);
  const step = fc.record({ add: fc.boolean(), at: fc.nat(150) });

  it("is a sorted map, whatever is added and removed, also while it is walked", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat(150), (steps, from) => {
        const list = new PendingList();
        const model = new Set<string>();
        for (const { add, at } of steps) {
          const id = streamId(at, 0);
          if (add) {
            list.set(new Pending(id, owner, 0, 1));
            model.add(id);
          } else expect(list.delete(id)).toBe(model.delete(id));
        }
        const sorted = [...model].sort();
        expect(list.size).toBe(sorted.length);
        expect(list.first()?.id).toBe(sorted[0]);
        expect(list.last()?.id).toBe(sorted.at(-1));
        const seen: string[] = [];
        for (const { id } of list.from(streamId(from, 0))) {
          seen.push(id);
          list.delete(id);
        }
        expect(seen).toEqual(sorted.filter((id) => id >= streamId(from, 0)));
        expect(list.size).toBe(sorted.length - seen.length);
      }),
    );
  });
});
