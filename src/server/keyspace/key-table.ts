import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Entry } from "./entry.js";
import { anyKey, someKeys } from "./pick.js";
import { SHARD_BITS, Shard } from "./shard.js";
import { SLOT_COUNT } from "./slots.js";
import type { Value } from "./values.js";

const SHARD_COUNT = 1 << SHARD_BITS;
/** Gives the slot's number within its shard. */
const SLOT_MASK = SLOT_COUNT / SHARD_COUNT - 1;
/** Places that a walk looks at between two questions whether to go on. */
const STRIDE = 64;

/** Nothing: what a shard is that nobody has put a key into. */
const EMPTY = new Shard();

/**
 * What a database holds. The keys are spread over shards, each a table of its own, so that none takes long to grow; a
 * hash has its shard in its uppermost bits, and its slot in those and the next.
 */
export class KeyTable {
  size = 0;
  volatileSize = 0;
  readonly #shards: Shard[] = [];

  /** Where a key of this hash is, if it is here. Not to be written into: for that there is {@link home}. */
  shard(hash: number): Shard {
    return this.#shards[hash >>> (32 - SHARD_BITS)] ?? EMPTY;
  }

  /** Where a key of this hash belongs. */
  home(hash: number): Shard {
    if (this.#shards.length === 0) for (let i = 0; i < SHARD_COUNT; i++) this.#shards.push(EMPTY);
    const index = hash >>> (32 - SHARD_BITS);
    let shard = this.#shards[index] as Shard;
    if (shard === EMPTY) this.#shards[index] = shard = new Shard();
    return shard;
  }

  /** Takes in a key; false if it is here already. */
  add(key: Bytes, hash: number, value: Value, expireAt: number, accessedS: number): boolean {
    const shard = this.home(hash);
    if (shard.find(key, hash) >= 0) return false;
    const place = shard.insert(key, hash, value, accessedS);
    this.size++;
    if (expireAt !== -1) {
      shard.setExpireAt(place, expireAt);
      this.volatileSize++;
    }
    return true;
  }

  entry(key: Bytes, hash: number): Entry | undefined {
    const shard = this.shard(hash);
    const place = shard.find(key, hash);
    return place < 0 ? undefined : shard.entry(place);
  }

  /** The keys of a slot, 0 … SLOT_COUNT - 1. */
  slot(slot: number): [Bytes, Entry][] {
    const entries: [Bytes, Entry][] = [];
    this.eachOf(slot, (key, entry) => entries.push([key, entry]));
    return entries;
  }

  /** Shows the keys of a slot; returns how many there are. */
  eachOf(slot: number, show: (key: Bytes, entry: Entry) => void): number {
    const shard = this.#shards[Math.floor(slot / (SLOT_MASK + 1))];
    if (shard === undefined || shard.size === 0) return 0;
    const places = shard.placesOf(slot & SLOT_MASK);
    for (const place of places) show(shard.key(place) as Bytes, shard.entry(place));
    return places.length;
  }

  /**
   * Shows the keys that have a time to live from `cursor` on, in the order that they lie in memory.
   * @param show takes a key; it may remove it
   * @param goOn asked now and then, with the number of keys shown since
   * @returns the cursor to go on from; 0 when the end was reached
   */
  walkVolatile(cursor: number, show: (key: Bytes, expireAt: number) => void, goOn: (shown: number) => boolean): number {
    let place = Math.floor(cursor / SHARD_COUNT);
    for (let index = cursor % SHARD_COUNT; index < this.#shards.length; index++, place = 0) {
      const shard = this.#shards[index] as Shard;
      while (place < shard.places && shard.volatileSize > 0) {
        let shown = 0;
        for (const end = Math.min(shard.places, place + STRIDE); place < end; place++) {
          const expireAt = shard.expireAt(place);
          if (expireAt === -1) continue;
          show(shard.key(place) as Bytes, expireAt);
          shown++;
        }
        if (shown > 0 && !goOn(shown)) return place * SHARD_COUNT + index;
      }
    }
    return 0;
  }

  /** Any key, by chance. There must be one. */
  randomKey(random: Random): Bytes {
    return anyKey(this.#shards, random);
  }

  /** `count` keys that lie together, at a place chosen by chance; fewer only if there are fewer. */
  sample(random: Random, count: number, onlyVolatile: boolean): Bytes[] {
    return someKeys(this.#shards, Math.min(count, onlyVolatile ? this.volatileSize : this.size), random, onlyVolatile);
  }

  /** Lets go what a shard has kept for keys that are gone. */
  release(hash: number): void {
    this.#shards[hash >>> (32 - SHARD_BITS)] = EMPTY;
  }
}
