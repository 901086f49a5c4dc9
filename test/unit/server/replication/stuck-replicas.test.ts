import { describe, expect, it } from "vitest";
import type { Replica } from "../../../../src/server/replication/replicas.js";
import { StuckReplicas } from "../../../../src/server/replication/stuck-replicas.js";

/** Bytes that wait for a replica at each look, one second apart, and the look (from 0) at which it counts as stuck; limit 3 s, full 100. */
const courses: readonly [string, waiting: readonly number[], stuckAt: number][] = [
  ["reads nothing", [500, 500, 500, 500, 500], 4],
  ["reads a little each time", [500, 499, 498, 497, 496, 495, 494], -1],
  ["reads once, then nothing", [500, 500, 400, 400, 400, 400, 400], 6],
  ["has not much to read", [100, 100, 100, 100, 100, 100, 100], -1],
  ["is given more although it reads nothing", [500, 600, 700, 700, 800], 4],
];

describe("replicas that a payload is streamed to", () => {
  it.each(courses)("one that %s", (_, waiting, stuckAt) => {
    const connection = { backlogBytes: 0 };
    const replica = { client: { connection } } as unknown as Replica;
    // What becomes of another one is nobody else's fault: whoever had much to read when its time was over was dropped too.
    const dead = { client: { connection: { backlogBytes: 900 } } } as unknown as Replica;
    const looks = new StuckReplicas(100);
    const found = waiting.map((bytes, second) => {
      connection.backlogBytes = bytes;
      return looks.look([replica, dead], second * 1000, 3000);
    });
    expect(found.findIndex((stuck) => stuck.includes(replica))).toBe(stuckAt);
    expect(found.findIndex((stuck) => stuck.includes(dead))).toBe(4);
  });
});
