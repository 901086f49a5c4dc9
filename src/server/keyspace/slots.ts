import type { Bytes } from "../../protocol/resp/reply.js";

/** Sub-maps of a database. Fixed, so that a cursor that counts them never loses its place. */
export const SLOT_COUNT = 4096;

/** The sub-map of a key: FNV-1a from a secret seed, so that nobody can aim all keys at one of them. */
export function slotOf(key: Bytes, seed: number): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOT_COUNT - 1);
}
