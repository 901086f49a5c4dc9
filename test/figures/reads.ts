import { setTimeout as sleep } from "node:timers/promises";
import { ReadLoad } from "../support/read-load.js";
import { serving, Trio } from "../support/trio.js";
import { countOf, type Figure, type Scenario } from "./figure.js";

/** Reads under way all the time while nodes die, hang and come back; one replica at least is always eligible. */
export const reads: Scenario = {
  name: "reads",
  rounds: 2,
  short: 1,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    try {
      const { a, b, c } = trio;
      await a.commands(Array.from({ length: 100 }, (_, i) => ["SET", `k${i}`, "v"]));
      await trio.inSync(a, b, c);
      const { redis } = await trio.client({ pollIntervalMs: 100, heartbeatTimeoutMs: 300 });
      const load = new ReadLoad(redis).begin();
      for (let round = 0; round < rounds; round++) {
        for (const [victim, other] of [
          [b, c],
          [c, b],
        ] as const) {
          await load.more();
          await victim.kill9();
          await load.more();
          await victim.restart({ replicaOf: { host: a.host, port: a.port } });
          await trio.inSync(a, victim, other);
          await serving(redis, 2);
          victim.pause();
          await load.more();
          await sleep(500);
          victim.resume();
          await trio.inSync(a, victim, other);
          await serving(redis, 2);
        }
        // The master away: the replicas serve what they have.
        a.pause();
        await sleep(1000);
        await load.more();
        a.resume();
        await serving(redis, 2);
        await a.kill9();
        await load.more();
        await a.restart();
        await a.commands(Array.from({ length: 100 }, (_, i) => ["SET", `k${i}`, "v"]));
        await trio.inSync(a, b, c);
        await serving(redis, 2);
      }
      await load.end();
      return [
        countOf(
          `failed reads while an eligible replica lives (${load.done} reads; kill -9, SIGSTOP and restart of each node)`,
          "0",
          `${load.failed.length}${load.failed.length > 0 ? ` (${[...new Set(load.failed)].join("; ")})` : ""}`,
          load.failed.length === 0,
        ),
        countOf("reads pending after healing", "0", String(load.pending), load.pending === 0),
      ];
    } finally {
      await trio.stop();
    }
  },
};
