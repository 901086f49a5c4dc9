import type { Bytes } from "../../protocol/resp/reply.js";

const SLOT_BITS = 12;

/** Parts that the keys of a database are walked by. Fixed, so that a cursor that counts them never loses its place. */
export const SLOT_COUNT = 1 << SLOT_BITS;

/** The hash of a key, 32 bits: FNV-1a from a secret seed, mixed, so that nobody can aim all keys at one place. */
export function hashOf(key: Bytes, seed: number): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** The slot of a key by its hash: the upper bits, which stay the same however wide a table is. */
export function slotOf(hash: number): number {
  return hash >>> (32 - SLOT_BITS);
}
