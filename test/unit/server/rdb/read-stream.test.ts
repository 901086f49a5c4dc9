import { describe, expect, it } from "vitest";
import { Stream } from "../../../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../../../src/server/keyspace/stream-group.js";
import { streamId } from "../../../../src/server/keyspace/stream-id.js";
import { RdbError } from "../../../../src/server/rdb/error.js";
import { Input } from "../../../../src/server/rdb/input.js";
import { ListpackWriter } from "../../../../src/server/rdb/listpack-writer.js";
import { readValue, readValueInPieces } from "../../../../src/server/rdb/read-value.js";
import { streamPieces } from "../../../../src/server/rdb/write-stream.js";

/** A length, below 64. */
const byte = (length: number): string => String.fromCharCode(length);
const string = (bytes: string): string => byte(bytes.length) + bytes;
const TIME = "\0".repeat(8);
/** What a group has pending, and what a consumer has. */
const given = (id: string): string => `${id}${TIME}\x01`;
const [one, two] = [streamId(1, 1), streamId(1, 2)];

interface Parts {
  readonly nodeId: string;
  /** Numbers and words of a node; two entries, of which the first has the fields of the node. */
  readonly node: readonly (number | string)[];
  readonly length: number;
  readonly last: number;
  readonly groups: readonly string[];
}

const NODE = [2, 0, 1, "f", 0, /* 5 */ 2, 0, 0, "v", 4, /* 10 */ 0, 0, 1, 1, "g", "w", 6] as const;

function bodyOf({ nodeId = one, node = NODE, length = 2, last = 2, groups = [] }: Partial<Parts> = {}): string {
  const pack = new ListpackWriter();
  for (const item of node) typeof item === "number" ? pack.integer(item) : pack.string(item);
  const counters = [length, 1, last, 1, 1, 0, 0, 2, groups.length].map(byte).join("");
  return byte(1) + string(nodeId) + string(pack.finish()) + counters + groups.join("");
}

function group(
  name: string,
  pending: readonly string[],
  consumers: readonly (readonly [string, ...string[]])[],
): string {
  const owners = consumers.map(([owner, ...ids]) => string(owner) + TIME + byte(ids.length) + ids.join(""));
  const all = byte(pending.length) + pending.map(given).join("");
  return `${string(name)}\x01\x01\x01${all}${byte(consumers.length)}${owners.join("")}`;
}

/** The node with other items from a place on. */
const nodeWith = (at: number, ...items: readonly (number | string)[]): Partial<Parts> => ({
  node: [...NODE.slice(0, at), ...items, ...NODE.slice(at + items.length)],
});

const read = (body: string, type = 19): unknown => readValue(new Input(Buffer.from(body, "latin1")), type);

const refused: Readonly<Record<string, readonly [parts: Partial<Parts>, message: string]>> = {
  "a node with a short key": [{ nodeId: one.slice(1) }, "key that is no id"],
  "more entries than there are": [{ length: 3 }, "says 3 entries and has 2"],
  "a last id below that of an entry": [{ last: 1 }, "last id is below"],
  "a node with more entries than it says": [nodeWith(0, 1), "does not hold what it says"],
  "a node that says fewer are alive": [nodeWith(0, 1, 1), "does not hold what it says"],
  "a node of no entries": [{ node: [0, 0, 1, "f", 0], length: 0 }, "does not hold what it says"],
  "a node with fewer entries than it says": [nodeWith(0, 3), "ends too early"],
  "a node that is cut off": [{ node: NODE.slice(0, 16) }, "ends too early"],
  "a node with a word for a number": [nodeWith(0, "word"), "no number where one belongs"],
  "a node that announces fields for ever": [nodeWith(2, 99), "node announces more than it has"],
  "a node that announces fewer than no fields": [nodeWith(2, -1), "node announces more than it has"],
  "an entry that announces fields for ever": [nodeWith(13, 99), "entry announces more than its node has"],
  "an entry that announces fewer than no fields": [nodeWith(13, -1), "entry announces more than its node has"],
  "an entry of the node's fields that is not as long as it says": [nodeWith(9, 5), "not as long as it says"],
  "an entry of its own fields that is not as long as it says": [nodeWith(16, 5), "not as long as it says"],
  "an entry with the id of the one before": [nodeWith(12, 0), "ids don't rise"],
  "an entry with a word for an id": [nodeWith(11, "word"), "no id where one belongs"],
  "an entry with a word for the rest of its id": [nodeWith(12, "word"), "no id where one belongs"],
  "a group twice": [{ groups: [group("g", [], []), group("g", [], [])] }, "names a group twice"],
  "an entry that is pending twice": [{ groups: [group("g", [one, one], [])] }, "pending twice"],
  "a consumer twice": [{ groups: [group("g", [], [["c"], ["c"]])] }, "Duplicate stream consumer"],
  "what is pending for a consumer alone": [{ groups: [group("g", [one], [["c", two]])] }, "what its group has not"],
  "what is pending for two": [
    {
      groups: [
        group(
          "g",
          [one],
          [
            ["c", one],
            ["d", one],
          ],
        ),
      ],
    },
    "pending for two consumers",
  ],
  "what is pending for none": [{ groups: [group("g", [one, two], [["c", two]])] }, "pending for no consumer"],
};

describe("A stream of an RDB", () => {
  it("is read as its parts say", () => {
    const groups = [
      group(
        "g",
        [one, two],
        [
          ["c", two],
          ["d", one],
        ],
      ),
      group("h", [], []),
    ];
    expect(read(bodyOf({ groups }))).toMatchObject({ type: "stream", stream: { length: 2, lastId: two } });
    // The one of the node's fields is deleted, then the one of its own.
    for (const [at, flags] of [
      [5, 3],
      [10, 1],
    ] as const) {
      const node = NODE.map((item, place) => (place === at ? flags : item));
      const parts = { node: [1, 1, ...node.slice(2)], length: 1 };
      expect(read(bodyOf(parts))).toMatchObject({ stream: { length: 1, nodes: [{ live: 1 }] } });
    }
  });

  it("is read as servers of other versions write it", () => {
    const [now, counters] = [bodyOf({ groups: [group("g", [one], [["c", one]])] }), "\x01\x01\0\0\x02\x01"];
    const at = now.indexOf(counters);
    expect(at).toBeGreaterThan(0);
    const ofGroup = { pending: { size: 1 }, entriesRead: 1 };
    const read7 = read(now) as { stream: Stream };
    expect(read7).toMatchObject({ stream: { firstId: one, entriesAdded: 2 } });
    expect(read7.stream.groups.get("g")).toMatchObject(ofGroup);
    // 5.0: no first id, no highest deleted one, no entries added, and nothing of what the group has read.
    const [head, tail] = [now.slice(0, at), now.slice(at + counters.length)];
    const old = `${head}\x01${tail.replace("\x01g\x01\x01\x01", "\x01g\x01\x01")}`;
    const read5 = read(old, 15) as { stream: Stream };
    expect(read5).toMatchObject({ stream: { firstId: one, entriesAdded: 2 } });
    expect(read5.stream.groups.get("g")).toMatchObject(ofGroup);
    // 7.2: also when a consumer was active.
    const read72 = read(now.replace(`\x01c${TIME}`, `\x01c${TIME}${TIME}`), 21) as { stream: Stream };
    expect(read72.stream.groups.get("g")).toMatchObject(ofGroup);
    expect(read72.stream.groups.get("g")?.consumers.get("c")?.pending.size).toBe(1);
  });

  it.each(Object.entries(refused))("is refused with the reason: %s", (_, [parts, message]) => {
    expect(() => read(bodyOf(parts))).toThrow(RdbError);
    expect(() => read(bodyOf(parts))).toThrow(message);
  });

  it("pauses behind every eighth node", () => {
    const stream = new Stream();
    for (let i = 1; i <= 40; i++) stream.append(streamId(i, 0), ["f", "v"], { maxEntries: 1, maxBytes: 0 });
    const node = [...streamPieces(stream)][1]?.length ?? 0;
    // Counted from the end; in front of the nodes stands their number.
    expect(pausesOf(stream).map((position) => (position - 1) / node)).toEqual([1, 9, 17, 25, 33]);
  });

  it("pauses behind every 1024 pending entries, of the group and of a consumer", () => {
    const stream = new Stream();
    const pending = new StreamGroup(streamId(0, 0), 0);
    const consumer = new StreamConsumer("c", 0);
    pending.consumers.set("c", consumer);
    stream.groups.set("g", pending);
    for (let i = 1; i <= 2048; i++) pending.deliver(streamId(i, 0), consumer, 0);
    const [first = 0, second, third = 0, fourth] = pausesOf(stream);
    expect([second, fourth]).toEqual([first + 1024 * 25, third + 1024 * 16]);
    expect(pausesOf(stream)).toHaveLength(4);
  });
});

/** Where the reading of a stream pauses. */
function pausesOf(stream: Stream): number[] {
  const input = new Input(Buffer.from([...streamPieces(stream)].join(""), "latin1"));
  const positions: number[] = [];
  const steps = readValueInPieces(input, 19);
  for (let step = steps.next(); !step.done; step = steps.next()) positions.push(input.position);
  return positions;
}
