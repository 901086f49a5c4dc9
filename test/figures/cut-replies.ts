import { eventually } from "../support/eventually.js";
import { relayed } from "../support/relay.js";
import { Trio } from "../support/trio.js";
import { WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario } from "./figure.js";

const WRITES_PER_CUT = 40;

/**
 * The master applies a batch of INCRs, the relay swallows the replies and resets the connection: whoever sends such a
 * write again applies it twice.
 */
export const cutReplies: Scenario = {
  name: "cut-replies",
  rounds: 250,
  short: 25,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    let swallowed: Map<number, number> | null = null;
    const between = await relayed(trio.servers, () => ({
      reply(chunk, link) {
        if (swallowed === null) return chunk;
        // Only an INCR is answered by a number that is a one; everything else on the way back passes.
        const ones = chunk.toString("latin1").match(/(?<=^|\n):1\r\n/g)?.length ?? 0;
        const before = swallowed.get(link.id) ?? 0;
        if (ones + before === 0) return chunk;
        swallowed.set(link.id, before + ones);
        if (before + ones >= WRITES_PER_CUT) {
          swallowed = null;
          link.reset();
        }
        return null;
      },
    }));
    trio.atEnd(() => between.stop());
    try {
      const { redis } = await trio.client(between.options);
      const load = new WriteLoad(redis);
      for (let cut = 0; cut < rounds; cut++) {
        const unknown = load.unknown;
        swallowed = new Map();
        for (let i = 0; i < WRITES_PER_CUT; i++) load.issue();
        await eventually(() => load.pending === 0, { intervalMs: 1 });
        if (load.unknown !== unknown + WRITES_PER_CUT) break;
        await eventually(() => redis.status === "ready", { intervalMs: 1 });
      }
      await load.end();
      const { issued, unknown, errors, twice, acked } = await load.verdict(trio.a);
      const applied = (await load.applied(trio.a)).filter((count) => count > 0).length;
      const wrong = twice.length + errors.length + acked;
      return [
        countOf(
          `writes applied twice with cut replies (${applied} applied, ${issued} issued)`,
          "0",
          String(twice.length),
          twice.length === 0 && applied === issued,
        ),
        countOf(
          "those writes reported as unknown",
          "all",
          `${unknown} of ${issued}`,
          unknown === issued && wrong === 0,
        ),
      ];
    } finally {
      await trio.stop();
    }
  },
};
