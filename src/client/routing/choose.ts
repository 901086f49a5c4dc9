import type { Random } from "../../core/random.js";

/** What the choice among eligible nodes reads; live values. */
export interface Load {
  /** Milliseconds, a moving average of round trips; null = not yet measured. */
  readonly latencyMs: number | null;
  /** Commands sent and not answered. */
  readonly inFlight: number;
  /**
   * Monotonic milliseconds since when it has owed an answer; Infinity = it owes none. The average knows of a slow reply
   * only once that is there; how long one has been waited for tells it at once.
   */
  readonly waitingSince: number;
}

/** Below this, differences of latency are noise of the machine; also what a node counts for that was never measured. */
const FLOOR_MS = 0.05;

/** Costs closer than this are equal, so that a hair of latency does not draw all the reads. */
const CLEARLY = 1.25;

/** What a round trip takes by all that is known at `now`: no less than what one has been waited for already. */
export function expectedMs(node: Load, now: number): number {
  return Math.max(node.latencyMs ?? FLOOR_MS, FLOOR_MS, now - node.waitingSince);
}

function cost(node: Load, now: number): number {
  return (node.inFlight + 1) * expectedMs(node, now);
}

/**
 * Power of two choices over the first `count` of `nodes`: two at random, the one with less work (commands in flight ×
 * latency). Spreads better than "the best of all", which every client picks at once.
 */
export function lighterOfTwo<T extends Load>(nodes: readonly T[], count: number, now: number, random: Random): T {
  const first = random.int(count);
  const a = nodes[first] as T;
  if (count === 1) return a;
  const second = random.int(count - 1);
  const b = nodes[second < first ? second : second + 1] as T;
  return cost(b, now) * CLEARLY < cost(a, now) ? b : a;
}

/** The node with the least work of all; among near equals the first from a random start. */
export function lightest<T extends Load>(nodes: readonly T[], count: number, now: number, random: Random): T {
  const start = random.int(count);
  let best = nodes[start] as T;
  for (let i = 1; i < count; i++) {
    const node = nodes[(start + i) % count] as T;
    if (cost(node, now) * CLEARLY < cost(best, now)) best = node;
  }
  return best;
}
