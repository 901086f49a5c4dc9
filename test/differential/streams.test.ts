import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeReal } from "../support/real-redis.js";
import { ReplicationTap } from "../support/replication-tap.js";
import { readScript, runScript } from "./support/script.js";
import { Pair, type Side } from "./support/servers.js";

/** Scripts whose streams must agree. Those of sets take members by chance, and say so in their lines: they are left out. */
const groups = [
  ...["strings", "generic", "expiry", "hashes", "lists", "sorted-sets", "bitmaps", "sort-lcs", "blocking"],
  ...["transactions", "pubsub"],
];

/** What differs from run to run: absolute times. */
function settled(words: readonly string[]): string {
  return words.map((word) => (/^1[789]\d{11}$/.test(word) ? "<ms>" : JSON.stringify(word))).join(" ");
}

async function streamOf(side: Side, tap: ReplicationTap): Promise<string[]> {
  const probe = await side.connection("(probe)");
  await eventually(async () => {
    const info = await probe.call("INFO", "replication");
    const offset = Number(/master_repl_offset:(\d+)/.exec("text" in info ? info.text : "")?.[1]);
    expect(tap.offset).toBe(offset);
  });
  return tap.take().map(settled);
}

describeReal("what a script changes is told to replicas in the same words", () => {
  let pair: Pair;
  let taps: ReplicationTap[] = [];
  beforeAll(async () => {
    pair = await Pair.start();
    taps = await Promise.all(pair.sides.map((side) => ReplicationTap.attach(side.port)));
  });
  afterAll(async () => {
    for (const tap of taps) tap.close();
    await pair?.stop();
  });

  describe.each([2, 3] as const)("in RESP%i", (resp) => {
    it.each(groups)("%s", async (group) => {
      await runScript(pair, readScript(group), resp);
      const [dev, real] = await Promise.all(pair.sides.map((side, i) => streamOf(side, taps[i] as ReplicationTap)));
      expect(dev).toEqual(real);
    });
  });
});
