import type { Bytes } from "../../protocol/resp/reply.js";
import { integerSize, stringSize } from "./listpack-size.js";
import { distance, msOf, type StreamId, seqOf } from "./stream-id.js";

/** An entry of a stream: fields and values, alternating; null once it is deleted. */
export class StreamEntry {
  constructor(
    readonly id: StreamId,
    public fields: readonly Bytes[] | null,
  ) {}
}

/**
 * Neighbouring entries, as many as Redis packs into one listpack: only whole nodes fall to an approximate trim.
 * Deleted entries stay as marks, as they do there, until their node goes.
 */
export class StreamNode {
  readonly entries: StreamEntry[] = [];
  /** Entries that are not deleted. */
  live = 0;
  /** Index before which everything is deleted. */
  start = 0;
  readonly #masterFields: readonly Bytes[];
  /** Bytes of the listpack but for the two counters at its head. */
  #bytes: number;

  /** @param fields of the first entry: those with the same fields are packed without them */
  constructor(
    readonly masterId: StreamId,
    fields: readonly Bytes[],
  ) {
    this.#masterFields = fields;
    this.#bytes = 7 + integerSize(fields.length / 2) + integerSize(0);
    for (let at = 0; at < fields.length; at += 2) this.#bytes += stringSize(fields[at] as Bytes);
  }

  /** Names of the fields that entries are packed against, with anything at the odd places. */
  get masterFields(): readonly Bytes[] {
    return this.#masterFields;
  }

  /** The size that Redis's listpack of this node has. */
  get bytes(): number {
    return this.#bytes + integerSize(this.live) + integerSize(this.entries.length - this.live);
  }

  /** Adds an entry behind all others. */
  push(id: StreamId, fields: readonly Bytes[]): void {
    this.entries.push(new StreamEntry(id, fields));
    this.live++;
    const same = this.hasMasterFields(fields);
    let size = 2 + this.#distance(id);
    if (!same) size += integerSize(fields.length / 2);
    for (let at = same ? 1 : 0; at < fields.length; at += same ? 2 : 1) size += stringSize(fields[at] as Bytes);
    this.#bytes += size + integerSize(same ? fields.length / 2 + 3 : fields.length + 4);
  }

  /** Whether an entry has the fields of the first one, in the same order. */
  hasMasterFields(fields: readonly Bytes[]): boolean {
    const master = this.#masterFields;
    if (master === fields) return true;
    if (master.length !== fields.length) return false;
    for (let at = 0; at < fields.length; at += 2) if (fields[at] !== master[at]) return false;
    return true;
  }

  /** The index of the first entry whose id is at least `id`, deleted or not. */
  indexOf(id: StreamId): number {
    let low = this.start;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle] as StreamEntry).id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Deletes the entry at `index`, which must not be deleted. */
  deleteAt(index: number): void {
    (this.entries[index] as StreamEntry).fields = null;
    this.live--;
    while (this.start < this.entries.length && this.entries[this.start]?.fields === null) this.start++;
  }

  /** The same node, sharing nothing that changes. */
  copy(): StreamNode {
    const copy = new StreamNode(this.masterId, this.#masterFields);
    for (const { id, fields } of this.entries) copy.entries.push(new StreamEntry(id, fields));
    copy.live = this.live;
    copy.start = this.start;
    copy.#bytes = this.#bytes;
    return copy;
  }

  #distance(id: StreamId): number {
    const { masterId } = this;
    const ms = distance(msOf(masterId), msOf(id));
    return integerSize(Number(ms)) + integerSize(Number(distance(seqOf(masterId), seqOf(id))));
  }
}
