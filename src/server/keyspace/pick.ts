import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { SLOT_COUNT } from "./slots.js";

/** The keys of a database by slot: all, or those with a time to live. */
type Slots = readonly ({ readonly size: number; keys(): Iterable<Bytes> } | undefined)[];

/** `count` of `size` keys that lie together, at a place chosen by chance; fewer only if there are fewer. */
export function someKeys(slots: Slots, size: number, random: Random, count: number): Bytes[] {
  const found: Bytes[] = [];
  const wanted = Math.min(count, size);
  let index = random.int(SLOT_COUNT);
  while (found.length < wanted) {
    index = (index + 1) % SLOT_COUNT;
    const keys = slots[index];
    if (keys === undefined) continue;
    let skip = random.int(Math.max(1, keys.size - (wanted - found.length) + 1));
    for (const key of keys.keys()) {
      if (skip-- > 0) continue;
      found.push(key);
      if (found.length === wanted) break;
    }
  }
  return found;
}

/** Any key, by chance. There must be one. */
export function anyKey(slots: Slots, random: Random): Bytes | undefined {
  let index = random.int(SLOT_COUNT);
  let slot = slots[index];
  for (let tries = 0; slot === undefined; tries++) {
    // A nearly empty database: walking on from a random place ends, where guessing might take long.
    index = tries < 64 ? random.int(SLOT_COUNT) : (index + 1) % SLOT_COUNT;
    slot = slots[index];
  }
  let skip = random.int(slot.size);
  for (const key of slot.keys()) if (skip-- === 0) return key;
  return undefined;
}
