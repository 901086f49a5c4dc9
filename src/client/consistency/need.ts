/**
 * What a node must have applied before it may serve a read, as one number, so that needs are folded
 * with `Math.max` and judged with one comparison (`mark >= need`):
 * {@link ANY} (−1) any routable node · 0 a node with a valid mark · an offset of the adopted history ·
 * {@link MASTER} (Infinity) only the master, on the connection that carries the writes.
 */
export type Need = number;

/** `eventual` without a tolerance: even a node of which nothing is known. */
export const ANY: Need = -1;

/** No write of ours is in the way; the node must still be known to be in rotation. */
export const NONE: Need = 0;

/** A write is pending or not yet resolved to an offset: only behind it, on the master, is it sure to be seen. */
export const MASTER: Need = Number.POSITIVE_INFINITY;

/** What a node must have applied to lag by at most `maxLagBytes` behind a master that stands at `masterOffset`. */
export function needWithinLag(masterOffset: number, maxLagBytes: number): Need {
  // Never below NONE: however large the tolerance, of the node's lag something must be known.
  return Math.max(NONE, masterOffset - maxLagBytes);
}
