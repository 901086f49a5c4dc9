import type { NodeTags } from "../types.js";
import { expectedMs, type Load } from "./choose.js";

/** What a choice among eligible nodes may go by, beside their load. */
export interface Placed extends Load {
  /** Availability zone; null = unknown. */
  readonly zone: string | null;
  readonly tags: NodeTags;
}

/** What a view asks of the nodes that serve its reads, beyond `readFrom`. */
export interface Preference {
  /** Tag sets in order of preference: the first that any eligible node has decides. Null = any node will do. */
  readonly tags: readonly NodeTags[] | null;
  /** Nodes of this zone before all others; null = none is nearer. */
  readonly zone: string | null;
  /** Only nodes at most so many milliseconds slower than the fastest; null = no bound. */
  readonly latencyWindowMs: number | null;
}

/** Whether the node has all of these tags, with these values. */
export function hasTags(node: Placed, wanted: NodeTags): boolean {
  for (const name in wanted) if (node.tags[name] !== wanted[name]) return false;
  return true;
}

/**
 * Keeps of the first `count` of `nodes` those that the preference leaves, at the front and in order; returns how many.
 * Tags are a condition: without a match nobody is left. Zone and latency only choose among those that are there.
 */
export function narrow<T extends Placed>(nodes: T[], count: number, preference: Preference, now: number): number {
  const { tags, zone, latencyWindowMs } = preference;
  let left = count;
  if (tags !== null) left = keepTagged(nodes, left, tags);
  if (zone !== null) left = keepZone(nodes, left, zone);
  if (latencyWindowMs !== null) left = keepFast(nodes, left, latencyWindowMs, now);
  return left;
}

function keepTagged<T extends Placed>(nodes: T[], count: number, sets: readonly NodeTags[]): number {
  for (let s = 0; s < sets.length; s++) {
    const wanted = sets[s] as NodeTags;
    let left = 0;
    // Nothing is moved before a match is found, so that the next set still sees all of them.
    for (let i = 0; i < count; i++) if (hasTags(nodes[i] as T, wanted)) nodes[left++] = nodes[i] as T;
    if (left > 0) return left;
  }
  return 0;
}

function keepZone<T extends Placed>(nodes: T[], count: number, zone: string): number {
  let left = 0;
  for (let i = 0; i < count; i++) if ((nodes[i] as T).zone === zone) nodes[left++] = nodes[i] as T;
  return left === 0 ? count : left;
}

function keepFast<T extends Placed>(nodes: T[], count: number, windowMs: number, now: number): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) fastest = Math.min(fastest, expectedMs(nodes[i] as T, now));
  let left = 0;
  for (let i = 0; i < count; i++)
    if (expectedMs(nodes[i] as T, now) <= fastest + windowMs) nodes[left++] = nodes[i] as T;
  return left;
}
