import type { Bytes } from "../../protocol/resp/reply.js";
import type { Stream } from "../keyspace/stream.js";
import type { StreamGroup } from "../keyspace/stream-group.js";
import { distance, MIN_ID, msOf, type StreamId, seqOf } from "../keyspace/stream-id.js";
import type { StreamNode } from "../keyspace/stream-node.js";
import { ListpackWriter } from "./listpack-writer.js";

/**
 * The body of a stream (type 19) piece by piece: its nodes as listpacks, its counters, its groups with what is pending.
 * Entries that are deleted are left out.
 */
export function* streamPieces(stream: Stream): Generator<Bytes> {
  yield length(stream.nodes.length);
  for (const node of stream.nodes) yield nodePiece(node);
  yield* streamTail(stream);
}

/** How many nodes follow. */
export function streamHead(nodes: number): Bytes {
  return length(nodes);
}

export function nodePiece(node: StreamNode): Bytes {
  const pack = packNode(node);
  return length(node.masterId.length) + node.masterId + length(pack.length) + pack;
}

/** What stands behind the nodes; the counters are those of now, the groups those of when they are asked for. */
export function streamTail(stream: Stream): Iterator<Bytes> & Iterable<Bytes> {
  const counters =
    length(stream.length) +
    id(stream.lastId) +
    id(stream.firstId) +
    id(stream.maxDeletedId) +
    length(stream.entriesAdded) +
    length(stream.groups.size);
  return tailPieces(counters, stream);
}

function* tailPieces(counters: Bytes, { groups }: Stream): Generator<Bytes> {
  yield counters;
  for (const [name, group] of groups) yield* groupPieces(name, group);
}

function* groupPieces(name: Bytes, group: StreamGroup): Generator<Bytes> {
  // Unknown is -1, of which an unsigned number makes its largest.
  const read = group.entriesRead < 0 ? 0xffff_ffff_ffff_ffffn : group.entriesRead;
  yield string(name) + id(group.lastId) + length(read) + length(group.pending.size);
  for (const pending of group.pending.from(MIN_ID)) {
    yield pending.id + time(pending.deliveredMs) + length(pending.deliveries);
  }
  yield length(group.consumers.size);
  for (const consumer of group.consumers.values()) {
    yield string(consumer.name) + time(consumer.seenMs) + length(consumer.pending.size);
    for (const pending of consumer.pending.from(MIN_ID)) yield pending.id;
  }
}

const SAME_FIELDS = 2;

function packNode(node: StreamNode): Bytes {
  const pack = new ListpackWriter();
  const { masterFields, masterId } = node;
  pack
    .integer(node.live)
    .integer(0)
    .integer(masterFields.length / 2);
  for (let at = 0; at < masterFields.length; at += 2) pack.string(masterFields[at] as Bytes);
  pack.integer(0);
  for (const entry of node.entries) {
    const { fields } = entry;
    if (fields === null) continue;
    const same = node.hasMasterFields(fields);
    pack.integer(same ? SAME_FIELDS : 0);
    pack.integer(distance(msOf(masterId), msOf(entry.id))).integer(distance(seqOf(masterId), seqOf(entry.id)));
    if (!same) pack.integer(fields.length / 2);
    for (let at = same ? 1 : 0; at < fields.length; at += same ? 2 : 1) pack.string(fields[at] as Bytes);
    pack.integer(same ? fields.length / 2 + 3 : fields.length + 4);
  }
  return pack.finish();
}

function id(value: StreamId): Bytes {
  return length(msOf(value)) + length(seqOf(value));
}

function string(text: Bytes): Bytes {
  return length(text.length) + text;
}

function time(ms: number): Bytes {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(BigInt(ms));
  return bytes.toString("latin1");
}

/** A length of an RDB, here up to 64 bits. */
function length(value: number | bigint): Bytes {
  if (value < 64) return String.fromCharCode(Number(value));
  if (value < 16_384) return String.fromCharCode(0x40 | (Number(value) >>> 8), Number(value) & 255);
  const wide = value > 0xffff_ffff;
  const bytes = Buffer.allocUnsafe(wide ? 9 : 5);
  bytes[0] = wide ? 0x81 : 0x80;
  if (wide) bytes.writeBigUInt64BE(BigInt(value), 1);
  else bytes.writeUInt32BE(Number(value), 1);
  return bytes.toString("latin1");
}
