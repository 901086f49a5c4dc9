import type { Bytes } from "../../protocol/resp/reply.js";
import { Account } from "./account.js";
import { Image } from "./image.js";
import { type StreamGroup, UNKNOWN_READ } from "./stream-group.js";
import { MAX_ID, MIN_ID, type StreamId } from "./stream-id.js";
import { type StreamEntry, StreamNode } from "./stream-node.js";

/** stream-node-max-entries and stream-node-max-bytes; 0 = no limit. */
export interface NodeLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** What XADD and XTRIM are to leave over. `limit`: entries to remove at most, 0 = any number. */
export type Trim =
  | { readonly by: "length"; readonly length: number; readonly approximate: boolean; readonly limit: number }
  | { readonly by: "id"; readonly id: StreamId; readonly approximate: boolean; readonly limit: number };

/** No listpack grows beyond a gigabyte. */
const MAX_NODE_BYTES = 2 ** 30;

/** A stream: entries in the order of their ids, in nodes, and the consumer groups that read them. */
export class Stream {
  readonly type = "stream";
  readonly account = new Account();
  readonly groups = new Map<Bytes, StreamGroup>();
  /** Entries that are there. */
  length = 0;
  lastId: StreamId = MIN_ID;
  /** Of the first entry; 0-0 without entries. */
  firstId: StreamId = MIN_ID;
  /** The highest id that XDEL has removed. */
  maxDeletedId: StreamId = MIN_ID;
  /** Entries ever added. */
  entriesAdded = 0;
  #nodes: StreamNode[] = [];
  #image: Image<StreamNode> | null = null;

  /** Not to be changed by the caller. Each node has entries that are not deleted. */
  get nodes(): readonly StreamNode[] {
    return this.#nodes;
  }

  /** Adds an entry; `id` must be above `lastId`. */
  append(id: StreamId, fields: readonly Bytes[], limits: NodeLimits): void {
    let node = this.#own(this.#nodes.length - 1);
    if (node === undefined || isFull(node, fields, limits)) {
      node = new StreamNode(id, fields);
      this.#nodes.push(node);
    }
    node.push(id, fields);
    this.lastId = id;
    if (++this.length === 1) this.firstId = id;
    this.entriesAdded++;
  }

  /** Takes in a node as an RDB has it, behind those that are there. */
  load(node: StreamNode): void {
    this.#nodes.push(node);
    this.length += node.live;
  }

  /** The entry of this id, if it is there. */
  find(id: StreamId): StreamEntry | undefined {
    const node = this.#nodes[this.#nodeOf(id)];
    const entry = node?.entries[node.indexOf(id)];
    return entry?.id === id && entry.fields !== null ? entry : undefined;
  }

  /** Up to `limit` entries (0 = all) between two ids, both included, in rising or falling order. */
  range(from: StreamId, to: StreamId, limit: number, reverse = false): StreamEntry[] {
    const found: StreamEntry[] = [];
    const step = reverse ? -1 : 1;
    let nodeAt = Math.max(0, this.#nodeOf(reverse ? to : from));
    for (let node = this.#nodes[nodeAt]; node !== undefined; node = this.#nodes[(nodeAt += step)]) {
      let at = reverse ? node.entries.length - 1 : node.start;
      if (!reverse && from > node.masterId) at = node.indexOf(from);
      if (reverse && to !== MAX_ID) {
        at = node.indexOf(to);
        if (node.entries[at]?.id !== to) at--;
      }
      for (; at >= node.start && at < node.entries.length; at += step) {
        const entry = node.entries[at] as StreamEntry;
        if (reverse ? entry.id < from : entry.id > to) return found;
        if (entry.fields === null) continue;
        found.push(entry);
        if (found.length === limit) return found;
      }
    }
    return found;
  }

  /** The id of the last entry that is there; 0-0 without entries. */
  lastValidId(): StreamId {
    return this.length === 0 ? MIN_ID : (this.range(MIN_ID, MAX_ID, 1, true)[0] as StreamEntry).id;
  }

  /** Removes an entry, as XDEL does; false if it isn't there. */
  delete(id: StreamId): boolean {
    const nodeAt = this.#nodeOf(id);
    const node = this.#nodes[nodeAt];
    if (node === undefined) return false;
    const at = node.indexOf(id);
    const entry = node.entries[at];
    if (entry?.id !== id || entry.fields === null) return false;
    if (node.live === 1) this.#nodes.splice(nodeAt, 1);
    else this.#own(nodeAt)?.deleteAt(at);
    this.length--;
    if (id > this.maxDeletedId) this.maxDeletedId = id;
    if (id === this.firstId) this.#findFirst();
    return true;
  }

  /** Removes entries from the front; how many. An approximate trim removes whole nodes only. */
  trim(trim: Trim): number {
    let removed = 0;
    let whole = 0;
    for (const node of this.#nodes) {
      if (trim.by === "length" && this.length <= trim.length) break;
      if (trim.limit > 0 && removed + node.live > trim.limit) break;
      if (fallsWhole(node, trim, this.length)) {
        whole++;
        this.length -= node.live;
        removed += node.live;
        continue;
      }
      if (!trim.approximate) removed += this.#trimNode(this.#own(whole) as StreamNode, trim);
      break;
    }
    if (whole > 0) this.#nodes.splice(0, whole);
    if (removed > 0) this.#findFirst();
    return removed;
  }

  #trimNode(node: StreamNode, trim: Trim): number {
    let removed = 0;
    for (let at = node.start; at < node.entries.length; at++) {
      const entry = node.entries[at] as StreamEntry;
      if (trim.by === "length" ? this.length <= trim.length : entry.id >= trim.id) break;
      if (entry.fields === null) continue;
      node.deleteAt(at);
      this.length--;
      removed++;
    }
    return removed;
  }

  /** How many entries were ever added up to `id`, where that can be told; else {@link UNKNOWN_READ}. */
  readUpTo(id: StreamId): number {
    if (this.entriesAdded === 0) return 0;
    if (this.length === 0 && id <= this.lastId) return this.entriesAdded;
    if (id === this.lastId) return this.entriesAdded;
    if (id > this.lastId) return UNKNOWN_READ;
    if (this.maxDeletedId === MIN_ID || this.maxDeletedId < this.firstId) {
      if (id < this.firstId) return this.entriesAdded - this.length;
      if (id === this.firstId) return this.entriesAdded - this.length + 1;
    }
    return UNKNOWN_READ;
  }

  /** Whether XDEL may have made holes from `id` on. */
  hasHolesFrom(id: StreamId): boolean {
    return this.length > 0 && this.maxDeletedId !== MIN_ID && id <= this.maxDeletedId;
  }

  /** Notes that a group has been given this entry. */
  advance(group: StreamGroup, id: StreamId): void {
    if (id <= group.lastId) return;
    if (group.entriesRead !== UNKNOWN_READ && !this.hasHolesFrom(id)) group.entriesRead++;
    else if (this.entriesAdded > 0) group.entriesRead = this.readUpTo(id);
    group.lastId = id;
  }

  /** Entries that a group has yet to be given; null where that can't be told. */
  lagOf(group: StreamGroup): number | null {
    if (this.entriesAdded === 0) return 0;
    if (group.entriesRead !== UNKNOWN_READ && !this.hasHolesFrom(group.lastId)) {
      return this.entriesAdded - group.entriesRead;
    }
    const read = this.readUpTo(group.lastId);
    return read === UNKNOWN_READ ? null : this.entriesAdded - read;
  }

  copy(): Stream {
    const copy = new Stream();
    for (const node of this.#nodes) copy.load(node.copy());
    copy.lastId = this.lastId;
    copy.firstId = this.firstId;
    copy.maxDeletedId = this.maxDeletedId;
    copy.entriesAdded = this.entriesAdded;
    for (const [name, group] of this.groups) copy.groups.set(name, group.copy());
    return copy;
  }

  /** The entries that it holds now; `watch` false: it will not change before the image is done with. */
  image(watch: boolean): Image<StreamNode> {
    const image = new Image(this.#nodes, this.length);
    if (watch) this.#image = image;
    return image;
  }

  /** A node that may be changed; undefined if there is none. */
  #own(index: number): StreamNode | undefined {
    const node = this.#nodes[index];
    if (node === undefined || !this.#image?.holds(node)) return node;
    return (this.#nodes[index] = node.copy());
  }

  #findFirst(): void {
    this.firstId = this.length === 0 ? MIN_ID : (this.range(MIN_ID, MAX_ID, 1)[0] as StreamEntry).id;
  }

  /** The index of the last node that begins at or before `id`; -1 if there is none. */
  #nodeOf(id: StreamId): number {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#nodes[middle] as StreamNode).masterId <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function isFull(node: StreamNode, fields: readonly Bytes[], limits: NodeLimits): boolean {
  const maxBytes = limits.maxBytes === 0 || limits.maxBytes > MAX_NODE_BYTES ? MAX_NODE_BYTES : limits.maxBytes;
  let added = 0;
  for (const text of fields) added += text.length;
  if (node.bytes + added >= maxBytes) return true;
  return limits.maxEntries > 0 && node.entries.length >= limits.maxEntries;
}

function fallsWhole(node: StreamNode, trim: Trim, length: number): boolean {
  if (trim.by === "length") return length - node.live >= trim.length;
  return (node.entries[node.entries.length - 1] as StreamEntry).id < trim.id;
}
