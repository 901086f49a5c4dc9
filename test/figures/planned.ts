import { eventually } from "../support/eventually.js";
import { Trio } from "../support/trio.js";
import { wireTap } from "../support/wire-tap.js";
import { WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario, timingOf } from "./figure.js";

/** FAILOVER back and forth under writes, one per millisecond; timed by what arrives at the sockets of this process. */
export const planned: Scenario = {
  name: "planned",
  rounds: 100,
  short: 2,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    const gaps: number[] = [];
    let refusedAt: number | null = null;
    const tap = wireTap((chunk) => {
      const now = performance.now();
      // The write is an INCR of a new key, and nothing else is answered by a one meanwhile.
      const text = chunk.toString("latin1");
      if (refusedAt === null && text.includes("-READONLY ")) refusedAt = now;
      else if (refusedAt !== null && /(^|\n):1\r\n/.test(text)) {
        gaps.push(now - refusedAt);
        refusedAt = null;
      }
    });
    trio.atEnd(() => tap.stop());
    try {
      const { redis } = await trio.client();
      const load = new WriteLoad(redis).begin(1);
      let [from, to] = [trio.a, trio.b];
      for (let round = 0; round < rounds; round++) {
        await moreAcked(load);
        // Nothing else is asked of anybody meanwhile: what this process does besides would count as the client's.
        await from.command("FAILOVER", "TO", to.host, to.port, "TIMEOUT", 10_000);
        await eventually(() => gaps.length > round, { timeoutMs: 20_000, intervalMs: 20 });
        await moreAcked(load);
        await trio.inSync(to, from);
        [from, to] = [to, from];
      }
      await load.end();
      const { issued, errors, unknown, lost, twice, pending } = await load.verdict(from);
      const failed = errors.length + unknown + pending;
      return [
        countOf(
          `planned FAILOVER at 1 write/ms (${rounds} times, ${issued} writes): errors / acked writes lost / applied twice`,
          "0 / 0 / 0",
          `${failed} / ${lost.length} / ${twice.length}`,
          failed + lost.length + twice.length === 0,
        ),
        timingOf("first READONLY → first OK on the new master", 20, gaps),
      ];
    } finally {
      await trio.stop();
    }
  },
};

/** Until a hundred further writes were acknowledged. */
export async function moreAcked(load: WriteLoad, count = 100): Promise<void> {
  const before = load.acked;
  await eventually(() => load.acked >= before + count, { timeoutMs: 20_000 });
}
