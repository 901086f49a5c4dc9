import type { Bytes, Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import type { Pending } from "../../keyspace/pending-list.js";
import { StreamConsumer, type StreamGroup } from "../../keyspace/stream-group.js";
import { idText } from "../../keyspace/stream-id.js";
import type { StreamEntry } from "../../keyspace/stream-node.js";

/** `[id, [field, value …]]` */
export function entryReply(entry: StreamEntry): Reply {
  return [idText(entry.id), entry.fields];
}

export function entriesReply(entries: readonly StreamEntry[]): Reply[] {
  return entries.map(entryReply);
}

/** Puts into the stream what became of a pending entry, whichever command did it. */
export function propagateClaim(
  ctx: CommandContext,
  key: Bytes,
  group: StreamGroup,
  groupName: Bytes,
  pending: Pending,
  id: Bytes = idText(pending.id),
): void {
  ctx.alsoPropagate(
    ...["XCLAIM", key, groupName, pending.consumer.name, "0", id, "TIME", String(pending.deliveredMs)],
    ...["RETRYCOUNT", String(pending.deliveries), "FORCE", "JUSTID", "LASTID", idText(group.lastId)],
  );
}

/** Puts into the stream how far a group has read. */
export function propagateGroupId(ctx: CommandContext, key: Bytes, group: StreamGroup, groupName: Bytes): void {
  const { lastId, entriesRead } = group;
  ctx.alsoPropagate("XGROUP", "SETID", key, groupName, idText(lastId), "ENTRIESREAD", String(entriesRead));
}

/** A new consumer. The command that makes one has changed something. */
export function addConsumer(ctx: CommandContext, key: Bytes, group: StreamGroup, name: Bytes): StreamConsumer {
  const consumer = new StreamConsumer(name, ctx.nowMs);
  group.consumers.set(name, consumer);
  ctx.changed(null);
  ctx.notify("t", "xgroup-createconsumer", key);
  return consumer;
}
