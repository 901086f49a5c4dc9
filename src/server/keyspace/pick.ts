import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Shard } from "./shard.js";

/** Guesses before a walk: where keys are rare, guessing might take long. */
const GUESSES = 64;

/** `wanted` keys that lie together, at a place chosen by chance. There must be as many. */
export function someKeys(shards: readonly Shard[], wanted: number, random: Random, onlyVolatile: boolean): Bytes[] {
  const found: Bytes[] = [];
  if (wanted === 0) return found;
  const first = random.int(shards.length);
  const start = random.int(Math.max(1, (shards[first] as Shard).places));
  // The first shard comes twice: from the start on, and at the end up to the start.
  for (let i = 0; i <= shards.length; i++) {
    const shard = shards[(first + i) % shards.length] as Shard;
    if ((onlyVolatile ? shard.volatileSize : shard.size) === 0) continue;
    const end = i === shards.length ? start : shard.places;
    for (let place = i === 0 ? start : 0; place < end; place++) {
      if (!shard.taken(place) || (onlyVolatile && shard.expireAt(place) === -1)) continue;
      if (found.push(shard.key(place) as Bytes) === wanted) return found;
    }
  }
  return found;
}

/** Any key, by chance. There must be one. */
export function anyKey(shards: readonly Shard[], random: Random): Bytes {
  const shard = guess(shards.length, random, (index) => {
    const one = shards[index] as Shard;
    return one.size > 0 ? one : undefined;
  });
  return guess(shard.places, random, (place) => shard.key(place));
}

/** The first that is there, at indices chosen by chance, and then from such an index on. One must be. */
function guess<T>(count: number, random: Random, at: (index: number) => T | undefined): T {
  let index = random.int(count);
  let found = at(index);
  for (let tries = 1; found === undefined; tries++) {
    index = tries < GUESSES ? random.int(count) : (index + 1) % count;
    found = at(index);
  }
  return found;
}
