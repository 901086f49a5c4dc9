import { setTimeout as sleep } from "node:timers/promises";
import type { ReplicatedClient } from "ioreplica";
import { eventually } from "../support/eventually.js";
import { serving, Trio } from "../support/trio.js";
import { countOf, type Figure, type Scenario } from "./figure.js";

/** Reads under way all the time while nodes die, hang and come back; one replica at least is always eligible. */
export const reads: Scenario = {
  name: "reads",
  rounds: 2,
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

/** Eight callers that read one of a hundred keys, again and again. */
export class ReadLoad {
  done = 0;
  pending = 0;
  readonly failed: string[] = [];
  #over = false;
  #places: Promise<void>[] = [];

  constructor(private readonly redis: Pick<ReplicatedClient, "get">) {}

  begin(): this {
    this.#places = Array.from({ length: 8 }, async (_, place) => {
      for (let i = place; !this.#over; i++) {
        this.pending++;
        await this.redis.get(`k${i % 100}`).then(
          () => this.done++,
          (error: Error & { code?: string }) => this.failed.push(error.code ?? error.message),
        );
        this.pending--;
        await sleep(1);
      }
    });
    return this;
  }

  /** Until two hundred further reads have settled. */
  async more(): Promise<void> {
    const before = this.done + this.failed.length;
    await eventually(() => this.done + this.failed.length >= before + 200, { timeoutMs: 20_000 });
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.race([Promise.all(this.#places), sleep(5000)]);
  }
}
