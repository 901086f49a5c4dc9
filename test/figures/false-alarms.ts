import { setTimeout as sleep } from "node:timers/promises";
import type { TopologyEvent } from "ioreplica";
import { eventually } from "../support/eventually.js";
import { Trio } from "../support/trio.js";
import { WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario } from "./figure.js";
import { moreAcked } from "./planned.js";

const ALARMS: ReadonlySet<TopologyEvent["type"]> = new Set(["masterChanged", "splitBrain", "historyReset"]);

interface Alarm {
  readonly name: string;
  /** Of the client; default 1000. */
  readonly heartbeatTimeoutMs?: number;
  bring(trio: Trio, load: WriteLoad): Promise<void>;
}

/** What makes a master slow, silent or unwilling, and is no reason to leave it. */
const alarms: readonly Alarm[] = [
  {
    name: "load",
    async bring({ a }, load) {
      // Replies of megabytes between the client's own commands, and a thousand writes at once, again and again.
      await a.command("SET", "big", "x".repeat(4 << 20));
      for (let i = 0; i < 40; i++) {
        for (let k = 0; k < 1000; k++) load.issue();
        await a.commands(Array.from({ length: 5 }, () => ["GET", "big"]));
      }
      await moreAcked(load);
    },
  },
  {
    name: "BUSY for 5 s",
    async bring({ a }, load) {
      await a.command("CONFIG", "SET", "busy-reply-threshold", 50);
      const running = a.command("EVAL", "while true do end", 0).catch(() => {});
      await sleep(5000);
      await a.command("SCRIPT", "KILL");
      await running;
      await moreAcked(load);
    },
  },
  {
    name: "LOADING",
    async bring({ a }, load) {
      await a.command("DEBUG", "POPULATE", 20_000);
      await a.commands([
        ["CONFIG", "SET", "key-load-delay", 100],
        ["CONFIG", "SET", "loading-process-events-interval-bytes", 1024],
      ]);
      const reloading = a.command("DEBUG", "RELOAD").catch(() => {});
      await eventually(async () => (await a.info("persistence")).get("loading") === "1");
      await sleep(1500);
      await a.command("CONFIG", "SET", "key-load-delay", 0);
      await reloading;
      await moreAcked(load);
    },
  },
  {
    name: "a pause of the client of 1 s, three times its heartbeat timeout",
    heartbeatTimeoutMs: 300,
    async bring(_trio, load) {
      const until = performance.now() + 1000;
      while (performance.now() < until);
      await moreAcked(load);
    },
  },
  {
    name: "CLIENT PAUSE of 1 s, half of the heartbeat timeout",
    heartbeatTimeoutMs: 2000,
    async bring({ a }, load) {
      await a.command("CLIENT", "PAUSE", 1000, "ALL");
      await moreAcked(load);
    },
  },
];

/** Nobody is promoted here: whatever is announced as a new master is a false alarm. */
export const falseAlarms: Scenario = {
  name: "false-alarms",
  rounds: 1,
  short: 1,
  async run(rounds: number): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const { name, bring, heartbeatTimeoutMs = 1000 } of alarms) {
      let raised = 0;
      let failed = 0;
      let bad = 0;
      for (let round = 0; round < rounds; round++) {
        const trio = await Trio.start();
        try {
          const { redis, events } = await trio.client({ pollIntervalMs: 100, heartbeatTimeoutMs });
          const load = new WriteLoad(redis).begin(0.5);
          await moreAcked(load);
          await bring(trio, load);
          await load.end();
          const { errors, unknown, lost, twice, pending } = await load.verdict(trio.a);
          raised += events.filter(({ type }) => ALARMS.has(type)).length;
          failed += errors.length + unknown + pending;
          bad += lost.length + twice.length;
        } finally {
          await trio.stop();
        }
      }
      figures.push(
        countOf(
          `false failovers: ${name} (beside it: failed calls / lost or doubled)`,
          "0 (0 / 0)",
          `${raised} (${failed} / ${bad})`,
          raised + failed + bad === 0,
        ),
      );
    }
    return figures;
  },
};
