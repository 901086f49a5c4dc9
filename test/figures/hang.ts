import { eventually } from "../support/eventually.js";
import { Trio } from "../support/trio.js";
import { WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario, timingOf } from "./figure.js";
import { moreAcked } from "./planned.js";

const POLL_INTERVAL_MS = 1000;
const TIMEOUT_MS = 1000;

/** SIGSTOP of a master that its replicas still follow; nobody tells the client. */
export const hang: Scenario = {
  name: "hang",
  rounds: 4,
  short: 1,
  async run(rounds: number): Promise<Figure[]> {
    const noticed: number[] = [];
    const settled: number[] = [];
    const recovered: number[] = [];
    let pending = 0;
    let twice = 0;
    let lost = 0;
    for (let round = 0; round < rounds; round++) {
      const trio = await Trio.start();
      try {
        const { a, b, c } = trio;
        const { redis } = await trio.client({ pollIntervalMs: POLL_INTERVAL_MS, heartbeatTimeoutMs: TIMEOUT_MS });
        let noticedAt = 0;
        redis.on("topology", (event) => {
          if (event.type === "nodeHealth" && event.node === a.id && event.to === "down")
            noticedAt ||= performance.now();
        });
        const load = new WriteLoad(redis).begin(1);
        await moreAcked(load);
        a.pause();
        const hungAt = performance.now();
        await eventually(() => load.unknown > 0);
        settled.push(performance.now() - hungAt);
        await eventually(() => noticedAt > 0);
        noticed.push(noticedAt - hungAt);
        const acked = load.acked;
        await trio.promote(b, c);
        const promotedAt = performance.now();
        await eventually(() => load.acked > acked);
        recovered.push(performance.now() - promotedAt);
        await moreAcked(load);
        a.resume();
        await a.command("REPLICAOF", b.host, b.port);
        await load.end();
        const verdict = await load.verdict(b);
        pending += verdict.pending + verdict.errors.length;
        twice += verdict.twice.length;
        lost += verdict.lost.length;
      } finally {
        await trio.stop();
      }
    }
    return [
      timingOf("hang noticed (no writes are sent to it any more)", POLL_INTERVAL_MS + TIMEOUT_MS, noticed),
      timingOf("hang: writes in flight are rejected as unknown", POLL_INTERVAL_MS + TIMEOUT_MS, settled),
      timingOf("hang: promotion, a replica follows it → first OK there", POLL_INTERVAL_MS + TIMEOUT_MS, recovered),
      countOf(
        "the same hangs, after the promotion: calls failed or pending / acked writes lost / applied twice",
        "0 / 0 / 0",
        `${pending} / ${lost} / ${twice}`,
        pending + lost + twice === 0,
      ),
    ];
  },
};
