import type { StreamConsumer } from "./stream-group.js";
import type { StreamId } from "./stream-id.js";

/** An entry that was delivered and is not acknowledged. */
export class Pending {
  constructor(
    readonly id: StreamId,
    public consumer: StreamConsumer,
    /** Milliseconds since 1970 of the last delivery. */
    public deliveredMs: number,
    public deliveries: number,
  ) {}
}

/**
 * Pending entries by id. Deliveries come in rising order and acknowledgements in about the same: a sorted array with
 * marks for what is gone, rebuilt when more is gone than there.
 */
export class PendingList {
  #ids: StreamId[] = [];
  #items: (Pending | undefined)[] = [];
  #start = 0;
  #size = 0;
  /** Changes whenever indexes lose their meaning. */
  #version = 0;

  get size(): number {
    return this.#size;
  }

  get(id: StreamId): Pending | undefined {
    const at = this.#search(id);
    return this.#ids[at] === id ? this.#items[at] : undefined;
  }

  /** Puts an entry in its place; it takes the place of one with the same id. */
  set(pending: Pending): void {
    const { id } = pending;
    const { length } = this.#ids;
    if (length === 0 || (this.#ids[length - 1] as StreamId) < id) {
      this.#ids.push(id);
      this.#items.push(pending);
      this.#size++;
      return;
    }
    const at = this.#search(id);
    if (this.#ids[at] === id) {
      if (this.#items[at] === undefined) this.#size++;
      this.#items[at] = pending;
    } else {
      this.#ids.splice(at, 0, id);
      this.#items.splice(at, 0, pending);
      this.#size++;
      this.#version++;
    }
    if (at < this.#start) this.#start = at;
  }

  delete(id: StreamId): boolean {
    const at = this.#search(id);
    if (this.#ids[at] !== id || this.#items[at] === undefined) return false;
    this.#items[at] = undefined;
    this.#size--;
    if (at === this.#start) while (this.#start < this.#ids.length && !this.#items[this.#start]) this.#start++;
    const gone = this.#ids.length - this.#size;
    if (gone > 64 && gone > this.#size) this.#rebuild();
    return true;
  }

  first(): Pending | undefined {
    return this.#items[this.#start];
  }

  last(): Pending | undefined {
    for (let at = this.#items.length - 1; at >= this.#start; at--) if (this.#items[at]) return this.#items[at];
    return undefined;
  }

  /** From `id` on, in rising order. Entries may be added and deleted meanwhile. */
  *from(id: StreamId): IterableIterator<Pending> {
    let version = this.#version;
    for (let at = this.#search(id); at < this.#ids.length; at++) {
      const item = this.#items[at];
      if (item === undefined) continue;
      yield item;
      if (version === this.#version) continue;
      version = this.#version;
      at = this.#search(item.id);
      if (this.#ids[at] !== item.id) at--;
    }
  }

  /** The first index whose id is at least `id`. */
  #search(id: StreamId): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] as StreamId) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #rebuild(): void {
    const items = this.#items.filter((item) => item !== undefined);
    this.#items = items;
    this.#ids = items.map((item) => item.id);
    this.#start = 0;
    this.#version++;
  }
}
