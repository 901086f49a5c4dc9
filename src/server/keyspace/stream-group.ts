import type { Bytes } from "../../protocol/resp/reply.js";
import { Pending, PendingList } from "./pending-list.js";
import { MIN_ID, type StreamId } from "./stream-id.js";

/** A consumer of a group, and what it has been given. */
export class StreamConsumer {
  readonly pending = new PendingList();
  constructor(
    readonly name: Bytes,
    /** Milliseconds since 1970 of its last command. */
    public seenMs: number,
  ) {}
}

/** `entriesRead` of a group that nothing is known of. */
export const UNKNOWN_READ = -1;

/** A consumer group. */
export class StreamGroup {
  readonly pending = new PendingList();
  readonly consumers = new Map<Bytes, StreamConsumer>();
  constructor(
    /** The last entry that was delivered to anyone. */
    public lastId: StreamId,
    /** Entries ever added to the stream up to `lastId`, or {@link UNKNOWN_READ}. */
    public entriesRead: number,
  ) {}

  /** Marks an entry as delivered to a consumer, whoever had it before. */
  deliver(id: StreamId, consumer: StreamConsumer, nowMs: number): Pending {
    const known = this.pending.get(id);
    if (known === undefined) {
      const pending = new Pending(id, consumer, nowMs, 1);
      this.pending.set(pending);
      consumer.pending.set(pending);
      return pending;
    }
    known.deliveredMs = nowMs;
    known.deliveries = 1;
    this.hand(known, consumer);
    return known;
  }

  /** Gives a pending entry to another consumer. */
  hand(pending: Pending, consumer: StreamConsumer): void {
    if (pending.consumer === consumer) return;
    pending.consumer.pending.delete(pending.id);
    pending.consumer = consumer;
    consumer.pending.set(pending);
  }

  /** Forgets that an entry is pending; false if it wasn't. */
  acknowledge(id: StreamId): boolean {
    const pending = this.pending.get(id);
    if (pending === undefined) return false;
    this.pending.delete(id);
    pending.consumer.pending.delete(id);
    return true;
  }

  /** Removes a consumer with what is pending for it; how much that was. */
  removeConsumer(consumer: StreamConsumer): number {
    for (const { id } of consumer.pending.from(MIN_ID)) this.pending.delete(id);
    this.consumers.delete(consumer.name);
    return consumer.pending.size;
  }

  copy(): StreamGroup {
    const copy = new StreamGroup(this.lastId, this.entriesRead);
    for (const { name, seenMs } of this.consumers.values()) copy.consumers.set(name, new StreamConsumer(name, seenMs));
    for (const { id, consumer, deliveredMs, deliveries } of this.pending.from(MIN_ID)) {
      const owner = copy.consumers.get(consumer.name) as StreamConsumer;
      const pending = new Pending(id, owner, deliveredMs, deliveries);
      copy.pending.set(pending);
      owner.pending.set(pending);
    }
    return copy;
  }
}

/** Values in the byte order of their names, as Redis lists groups and consumers. */
export function byName<T>(map: ReadonlyMap<Bytes, T>): (readonly [Bytes, T])[] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}
