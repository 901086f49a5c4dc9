import { setTimeout as sleep } from "node:timers/promises";
import type { ReplicatedClient } from "ioreplica";
import type { RedisProcess } from "../support/real-redis.js";
import { Trio } from "../support/trio.js";
import { countOf, type Figure, type Scenario } from "./figure.js";

const KEYS = 500;
const READERS = 20;
const ROUND_MS = 2000;
/** Replicas stand still for up to so long, at random: that is how late they are. */
const LATE_MS = 20;
/** A session's token is older than any lag when it is used. */
const RESTED_MS = 5 * LATE_MS;

/** Behind one client that writes without pause, over replicas that are up to 20 ms late. */
export const hotWriter: Scenario = {
  name: "hot-writer",
  rounds: 3,
  short: 0,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    try {
      await trio.a.commands(Array.from({ length: KEYS }, (_, i) => ["SET", `k${i}`, "0"]));
      await trio.inSync(trio.a, trio.b, trio.c);
      const { redis } = await trio.client();
      const { redis: hot } = await trio.client();
      const over = { yes: false };
      const writer = writeHot(hot, over);
      const late = [trio.b, trio.c].map((replica) => standStill(replica, over));
      const own = await readOwnAndOthers(redis, trio, rounds * ROUND_MS);
      const rested = await readRested(redis, trio, rounds * ROUND_MS);
      over.yes = true;
      await Promise.all([writer, ...late]);
      const share = (figure: string, limit: number, { reads, byReplicas }: Served): Figure => ({
        figure: `${figure} (${reads} reads)`,
        target: `≥ ${limit} %`,
        measured: `${((100 * byReplicas) / reads).toFixed(1)} %`,
        held: byReplicas / reads >= limit / 100,
        kind: "timing",
      });
      return [
        countOf(
          `behind a hot writer, replicas 0–${LATE_MS} ms late: stale reads of own writes (${own.checked} checked)`,
          "0",
          String(own.violations),
          own.violations === 0 && own.checked > 0,
        ),
        share("reads of other keys that replicas served, with session", 97, own),
        share(`reads of sessions with tokens older than ${RESTED_MS} ms that replicas served`, 98, rested),
      ];
    } finally {
      await trio.stop();
    }
  },
};

interface Served {
  readonly reads: number;
  readonly byReplicas: number;
}

async function writeHot(redis: ReplicatedClient, over: { yes: boolean }): Promise<void> {
  for (let i = 0; !over.yes; i++) await redis.set("hot", i);
}

async function standStill(replica: RedisProcess, over: { yes: boolean }): Promise<void> {
  while (!over.yes) {
    replica.pause();
    await sleep(Math.random() * LATE_MS);
    replica.resume();
    await sleep(10 + Math.random() * 90);
  }
}

/** Each reader writes a key of its own now and then and reads it at once; all its other reads are of keys of others. */
async function readOwnAndOthers(
  redis: ReplicatedClient,
  trio: Trio,
  forMs: number,
): Promise<Served & { checked: number; violations: number }> {
  let reads = 0;
  let checked = 0;
  let violations = 0;
  const until = performance.now() + forMs;
  const before = await byMaster(trio);
  await Promise.all(
    Array.from({ length: READERS }, async (_, reader) => {
      for (let i = 1; performance.now() < until; i++) {
        if (i % 50 === 0) {
          await redis.set(`own${reader}`, i);
          // A command of another name, so that the servers count reads of others by themselves.
          if (Number((await redis.getrange(`own${reader}`, 0, -1)) ?? -1) < i) violations++;
          checked++;
        }
        await redis.get(`k${(i * 7 + reader * 31) % KEYS}`);
        reads++;
      }
    }),
  );
  return { reads, byReplicas: reads - (await byMaster(trio)) + before, checked, violations };
}

/** Sessions as web requests have them: a token from earlier, a few reads, another token. */
async function readRested(redis: ReplicatedClient, trio: Trio, forMs: number): Promise<Served> {
  let reads = 0;
  const until = performance.now() + forMs;
  const before = await byMaster(trio);
  await Promise.all(
    Array.from({ length: READERS }, async (_, reader) => {
      const first = redis.session();
      await first.set(`own${reader}`, "rested");
      let token = await first.token();
      for (let i = 1; performance.now() < until; i++) {
        await sleep(RESTED_MS);
        const session = redis.session(token);
        await session.get(`k${(i * 7 + reader * 31) % KEYS}`);
        reads++;
        token = await session.token();
      }
    }),
  );
  return { reads, byReplicas: reads - (await byMaster(trio)) + before };
}

/** Reads that went to a replica in vain and were answered by the master are the master's. */
async function byMaster({ a }: Trio): Promise<number> {
  return a.calls("get");
}
