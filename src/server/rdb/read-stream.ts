import type { Bytes } from "../../protocol/resp/reply.js";
import { Pending } from "../keyspace/pending-list.js";
import { Stream } from "../keyspace/stream.js";
import { StreamConsumer, StreamGroup, UNKNOWN_READ } from "../keyspace/stream-group.js";
import { MAX_ID, MIN_ID, msOf, type StreamId, seqOf, streamId } from "../keyspace/stream-id.js";
import { StreamNode } from "../keyspace/stream-node.js";
import { checked } from "./error.js";
import type { Input } from "./input.js";
import { readListpack } from "./packed.js";
import { type InPieces, PIECE_ELEMENTS } from "./pieces.js";

/** Version of a stream's body by type byte: 15 as of Redis 5, 19 of 7.0, 21 of 7.2. */
const VERSIONS: ReadonlyMap<number, number> = new Map([
  [15, 1],
  [19, 2],
  [21, 3],
]);

const DELETED = 1;
const SAME_FIELDS = 2;

/** Nodes, of about a hundred entries each, between two pauses. */
const PIECE_NODES = 8;

/** Reads the body of a stream. What older versions don't say is worked out as Redis 7.0 does. */
export function* readStream(input: Input, type: number): InPieces<Stream> {
  const version = VERSIONS.get(type) ?? 1;
  const stream = new Stream();
  let last = "";
  for (let nodes = input.count(); nodes > 0; nodes--) {
    const masterId = input.string();
    if (masterId.length !== 16) input.fail("a stream's node has a key that is no id");
    const node = readNode(input, masterId, last);
    last = node.entries[node.entries.length - 1]?.id ?? last;
    stream.load(node);
    if (nodes % PIECE_NODES === 0) yield;
  }
  const length = Number(input.length64());
  if (length !== stream.length) input.fail(`a stream says ${length} entries and has ${stream.length}`);
  stream.lastId = readId(input);
  if (stream.lastId < last) input.fail("a stream's last id is below that of its last entry");
  stream.firstId = stream.range(MIN_ID, MAX_ID, 1)[0]?.id ?? MIN_ID;
  stream.entriesAdded = stream.length;
  if (version >= 2) {
    stream.firstId = readId(input);
    stream.maxDeletedId = readId(input);
    stream.entriesAdded = Number(input.length64());
  }
  for (let groups = input.count(); groups > 0; groups--) {
    const name = input.string();
    if (stream.groups.has(name)) input.fail("a stream names a group twice");
    stream.groups.set(name, yield* readGroup(input, version, stream));
  }
  return stream;
}

function readId(input: Input): StreamId {
  return streamId(input.length64(), input.length64());
}

function* readGroup(input: Input, version: number, stream: Stream): InPieces<StreamGroup> {
  const group = new StreamGroup(readId(input), UNKNOWN_READ);
  if (version >= 2) {
    const read = input.length64();
    group.entriesRead = typeof read === "bigint" ? UNKNOWN_READ : read;
  } else group.entriesRead = stream.readUpTo(group.lastId);
  const ownerless = new StreamConsumer("", 0);
  for (let pending = input.count(); pending > 0; pending--) {
    const id = input.text(16);
    const deliveredMs = Number(input.i64());
    if (group.pending.get(id) !== undefined) input.fail("a group has an entry pending twice");
    group.pending.set(new Pending(id, ownerless, deliveredMs, Number(input.length64())));
    if (pending % PIECE_ELEMENTS === 0) yield;
  }
  for (let consumers = input.count(); consumers > 0; consumers--) {
    const consumer = new StreamConsumer(input.string(), Number(input.i64()));
    if (version >= 3) input.i64();
    if (group.consumers.has(consumer.name)) input.fail("Duplicate stream consumer detected");
    group.consumers.set(consumer.name, consumer);
    for (let pending = input.count(); pending > 0; pending--) {
      const entry = group.pending.get(input.text(16)) ?? input.fail("a consumer has what its group has not");
      if (entry.consumer !== ownerless) input.fail("an entry is pending for two consumers");
      entry.consumer = consumer;
      consumer.pending.set(entry);
      if (pending % PIECE_ELEMENTS === 0) yield;
    }
  }
  for (const { consumer } of group.pending.from(MIN_ID)) {
    if (consumer === ownerless) input.fail("an entry is pending for no consumer");
  }
  return group;
}

/** A node from its listpack; its ids must lie above `above`. */
function readNode(input: Input, masterId: StreamId, above: StreamId): StreamNode {
  const items = checked("Stream listpack", input.blob(), readListpack);
  let at = 0;
  const next = (): Bytes => items[at++] ?? input.fail("a stream's node ends too early");
  const number = (): number => {
    const value = Number(next());
    return Number.isSafeInteger(value) ? value : input.fail("a stream's node has no number where one belongs");
  };
  const live = number();
  const deleted = number();
  const masterCount = number();
  if (masterCount < 0 || masterCount > items.length) input.fail("a stream's node announces more than it has");
  const master: Bytes[] = [];
  for (let field = 0; field < masterCount; field++) master.push(next(), "");
  next();
  const node = new StreamNode(masterId, master);
  let last = above;
  for (let left = live + deleted; left > 0; left--) {
    const flags = number();
    const id = addTo(input, masterId, next(), next());
    if (id <= last && (last !== "" || id < last)) input.fail("a stream's ids don't rise");
    last = id;
    const same = (flags & SAME_FIELDS) !== 0;
    const count = same ? masterCount : number();
    if (count < 0 || count > items.length) input.fail("a stream's entry announces more than its node has");
    const fields: Bytes[] = [];
    for (let field = 0; field < count; field++) fields.push(same ? (master[2 * field] as Bytes) : next(), next());
    if (number() !== (same ? count + 3 : 2 * count + 4)) input.fail("a stream's entry is not as long as it says");
    node.push(id, fields);
    if ((flags & DELETED) !== 0) node.deleteAt(node.entries.length - 1);
  }
  if (node.live !== live || live < 1 || at !== items.length) input.fail("a stream's node does not hold what it says");
  return node;
}

/** Ids of a node are kept as the distance from its first one. */
function addTo(input: Input, id: StreamId, ms: Bytes, seq: Bytes): StreamId {
  if (!/^-?\d{1,20}$/.test(ms) || !/^-?\d{1,20}$/.test(seq)) input.fail("a stream's node has no id where one belongs");
  return streamId(sum(msOf(id), ms), sum(seqOf(id), seq));
}

function sum(left: number | bigint, right: Bytes): number | bigint {
  const total = Number(left) + Number(right);
  if (total >= 0 && Number.isSafeInteger(total) && typeof left === "number" && right.length < 16) return total;
  return BigInt.asUintN(64, BigInt(left) + BigInt(right));
}
