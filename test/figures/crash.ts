import { setTimeout as sleep } from "node:timers/promises";
import { Trio } from "../support/trio.js";
import { silentLosses, WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario, timingOf } from "./figure.js";
import { moreAcked } from "./planned.js";

/** What a Sentinel with down-after 1000 takes from the crash to the promotion. */
const PROMOTED_AFTER_MS = 1400;

/** kill -9 of the master under writes; in every other round certain losses are brought about first. */
export const crash: Scenario = {
  name: "crash",
  rounds: 8,
  short: 2,
  async run(rounds: number): Promise<Figure[]> {
    const noticed: number[] = [];
    const recovered: number[] = [];
    let acked = 0;
    let lost = 0;
    let silent = 0;
    let twice = 0;
    let errors = 0;
    let pending = 0;
    for (let round = 0; round < rounds; round++) {
      const trio = await Trio.start();
      try {
        const { a, b, c } = trio;
        const { redis, events } = await trio.client();
        let noticedAt = 0;
        redis.on("topology", (event) => {
          if (event.type === "failoverStarted") noticedAt = performance.now();
        });
        const load = new WriteLoad(redis).begin(1);
        await moreAcked(load);
        const losing = round % 2 === 1;
        if (losing) {
          for (const replica of [b, c]) replica.pause();
          await a.command("CLIENT", "KILL", "TYPE", "replica");
          await moreAcked(load);
        }
        const killedAt = performance.now();
        await a.kill9();
        if (losing) for (const replica of [b, c]) replica.resume();
        await sleep(PROMOTED_AFTER_MS);
        const promotedAt = performance.now();
        await trio.promote(b, c);
        await moreAcked(load);
        await load.end();
        if (!losing) noticed.push(noticedAt - killedAt);
        recovered.push(Math.min(...load.ackedAt.filter((at) => at > promotedAt)) - promotedAt);
        const verdict = await load.verdict(b);
        acked += verdict.acked;
        lost += verdict.lost.length;
        silent += silentLosses(verdict.lost, events);
        twice += verdict.twice.length;
        errors += verdict.errors.length;
        pending += verdict.pending;
      } finally {
        await trio.stop();
      }
    }
    return [
      timingOf("crash noticed", 50, noticed),
      timingOf(`recovery after a crash, from the promotion (${PROMOTED_AFTER_MS} ms after it)`, 150, recovered),
      countOf(`lost acked writes (${lost} of ${acked} acked, crash): not reported`, "0", String(silent), silent === 0),
      countOf(
        "the same crashes: errors other than unknown outcome / applied twice",
        "0 / 0",
        `${errors} / ${twice}`,
        errors + twice === 0,
      ),
      countOf("promises pending after healing (crash)", "0", String(pending), pending === 0),
    ];
  },
};
