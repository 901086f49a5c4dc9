import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { Trio } from "../support/trio.js";
import { silentLosses, WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario, timingOf } from "./figure.js";
import { moreAcked } from "./planned.js";

const POLL_INTERVAL_MS = 1000;

/**
 * As a SENTINEL FAILOVER looks from outside: a replica is promoted while the master lives and is written to, the other
 * replica moves a second later, the old master is demoted last.
 */
export const promotion: Scenario = {
  name: "promotion",
  rounds: 6,
  short: 1,
  async run(rounds: number): Promise<Figure[]> {
    const lastSent: number[] = [];
    let acked = 0;
    let lost = 0;
    let silent = 0;
    let errors = 0;
    let twice = 0;
    for (let round = 0; round < rounds; round++) {
      const trio = await Trio.start();
      try {
        const { a, b, c } = trio;
        const { redis, events } = await trio.client({ pollIntervalMs: POLL_INTERVAL_MS });
        const load = new WriteLoad(redis).begin(1);
        await moreAcked(load);
        // At another place of the poll interval each time.
        await sleep((round * POLL_INTERVAL_MS) / rounds);
        const promotedAt = performance.now();
        await b.command("REPLICAOF", "NO", "ONE");
        await sleep(POLL_INTERVAL_MS);
        await c.command("REPLICAOF", b.host, b.port);
        await eventually(() => redis.topology.master?.id === b.id);
        await moreAcked(load);
        await load.end();
        const onNew = await load.verdict(b);
        const onOld = await load.applied(a);
        const last = onOld.lastIndexOf(1);
        lastSent.push((load.issuedAt[last] ?? promotedAt) - promotedAt);
        acked += onNew.acked;
        lost += onNew.lost.length;
        silent += silentLosses(onNew.lost, events);
        errors += onNew.errors.length + onNew.pending;
        twice += onNew.twice.length;
      } finally {
        await trio.stop();
      }
    }
    return [
      timingOf(
        "uncoordinated promotion, old master alive: last write sent to it",
        POLL_INTERVAL_MS + 50,
        lastSent,
        "longest",
      ),
      countOf(
        `lost acked writes (${lost} of ${acked} acked, master deposed while alive): not reported`,
        "0",
        String(silent),
        silent === 0,
      ),
      countOf(
        "the same promotions: errors to callers other than unknown outcome / applied twice",
        "0 / 0",
        `${errors} / ${twice}`,
        errors + twice === 0,
      ),
    ];
  },
};
