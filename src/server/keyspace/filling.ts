import type { Bytes } from "../../protocol/resp/reply.js";
import { Entry } from "./entry.js";
import { SLOT_COUNT, slotOf } from "./slots.js";
import type { Value } from "./values.js";

/** What a database holds, slot by slot. */
export interface Contents {
  readonly slots: (Map<Bytes, Entry> | undefined)[];
  readonly volatile: (Set<Bytes> | undefined)[];
  readonly size: number;
  readonly volatileSize: number;
}

/**
 * Many keys for a database that is empty. They are gathered first and sorted by slot at the end: to put a million keys into
 * four thousand maps that all grow at once takes twice as long, and leaves the garbage of all their sizes.
 */
export class Filling {
  readonly #keys: Bytes[] = [];
  readonly #entries: Entry[] = [];
  /** The slot of each key; grows by doubling. */
  #slots = new Uint16Array(1024);
  readonly #counts = new Uint32Array(SLOT_COUNT);

  constructor(private readonly seed: number) {}

  /** Takes in a key; `stamp` as in {@link Entry}. */
  add(key: Bytes, value: Value, expireAt: number, stamp: number): void {
    const at = this.#keys.length;
    if (at === this.#slots.length) {
      const wider = new Uint16Array(at * 2);
      wider.set(this.#slots);
      this.#slots = wider;
    }
    const slot = slotOf(key, this.seed);
    this.#slots[at] = slot;
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
    this.#keys.push(key);
    this.#entries.push(new Entry(value, expireAt, stamp));
  }

  /**
   * Makes the slots; yields now and then, so that others get their turn.
   * @returns null if a key was there twice
   */
  *finish(): Generator<undefined, Contents | null, undefined> {
    const total = this.#keys.length;
    const order = new Uint32Array(total);
    const starts = new Uint32Array(SLOT_COUNT + 1);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      starts[slot + 1] = (starts[slot] as number) + (this.#counts[slot] as number);
    }
    const next = starts.slice();
    for (let i = 0; i < total; i++) {
      const slot = this.#slots[i] as number;
      order[next[slot] as number] = i;
      next[slot] = (next[slot] as number) + 1;
      if ((i & 0xffff) === 0xffff) yield;
    }
    const slots = new Array<Map<Bytes, Entry> | undefined>(SLOT_COUNT).fill(undefined);
    const volatile = new Array<Set<Bytes> | undefined>(SLOT_COUNT).fill(undefined);
    let volatileSize = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const from = starts[slot] as number;
      const to = starts[slot + 1] as number;
      if (from === to) continue;
      const map = new Map<Bytes, Entry>();
      const expiring = new Set<Bytes>();
      for (let i = from; i < to; i++) {
        const key = this.#keys[order[i] as number] as Bytes;
        const entry = this.#entries[order[i] as number] as Entry;
        map.set(key, entry);
        if (entry.expireAt !== -1) expiring.add(key);
      }
      if (map.size !== to - from) return null;
      slots[slot] = map;
      if (expiring.size > 0) volatile[slot] = expiring;
      volatileSize += expiring.size;
      if ((slot & 7) === 7) yield;
    }
    return { slots, volatile, size: total, volatileSize };
  }
}
