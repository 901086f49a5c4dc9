// Libraries that take an ioredis client, over a ReplicatedClient on real servers and on dev servers. Prints a line per case; exits 1 if one fails.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, Queue, QueueEvents, Worker } from "bullmq";
import { ReplicatedClient, type ReplicatedClientOptions } from "../../dist/index.js";
import { DevTopology } from "../../dist/server/index.js";
import { startRedisTopology } from "../../src/cli/processes/redis-topology.js";

const prefix = "shop";

/** A queue, its events and a worker that share one client, as an application would set them up. */
interface Stand {
  readonly queue: Queue;
  readonly events: QueueEvents;
  readonly worker: Worker;
  /** Names of the jobs in the order in which they were worked off. */
  readonly done: string[];
}

async function withStand(redis: ReplicatedClient, name: string, use: (stand: Stand) => Promise<void>): Promise<void> {
  const done: string[] = [];
  const options = { connection: redis, prefix };
  const queue = new Queue(name, options);
  const events = new QueueEvents(name, options);
  const worker = new Worker(
    name,
    async (job: Job) => {
      if (job.name === "fails once" && job.attemptsMade === 0) throw new Error("the first attempt fails");
      done.push(job.name);
      return { sum: (job.data as { a: number; b: number }).a + (job.data as { a: number; b: number }).b };
    },
    { ...options, concurrency: 8 },
  );
  for (const part of [queue, events, worker]) part.on("error", () => {});
  // 200 jobs are waited for at once, and each adds a listener.
  queue.setMaxListeners(0);
  try {
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
    await use({ queue, events, worker, done });
  } finally {
    await worker.close();
    await events.close();
    await queue.close();
  }
}

/** A master with two replicas, of real or of dev servers. */
interface Stage {
  readonly options: ReplicatedClientOptions;
  /** Kills the master as kill -9 does, promotes a replica and lets the other follow it. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

const stages: Record<string, () => Promise<Stage>> = {
  "real servers": async () => {
    const topology = await startRedisTopology({ replicas: 2, args: ["--maxmemory-policy", "noeviction"] });
    const [first, second] = topology.replicas;
    assert(first !== undefined && second !== undefined);
    return {
      options: topology.options,
      async failOver() {
        await topology.master.kill9();
        await first.command("REPLICAOF", "NO", "ONE");
        await second.command("REPLICAOF", first.host, first.port);
      },
      stop: () => topology.stop(),
    };
  },
  "dev servers": async () => {
    const topology = await DevTopology.start({ replicas: 2 });
    return {
      options: topology.options,
      failOver: () => topology.failover({ mode: "crash" }),
      stop: () => topology.stop(),
    };
  },
};

const cases: Record<string, (redis: ReplicatedClient, stage: Stage) => Promise<void>> = {
  "there is one copy of ioredis": async () => {
    const here = createRequire(import.meta.url);
    const ofBullmq = createRequire(here.resolve("bullmq")).resolve("ioredis");
    const ofIoreplica = createRequire(here.resolve("../../dist/index.js")).resolve("ioredis");
    assert.equal(ofBullmq, ofIoreplica);
  },

  "BullMQ works off 200 jobs, each once, and hands back the results": (redis) =>
    withStand(redis, "sums", async ({ queue, events, done }) => {
      const names = Array.from({ length: 200 }, (_, i) => `job ${i}`);
      const jobs = await queue.addBulk(names.map((name, i) => ({ name, data: { a: i, b: 1 } })));
      const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20_000)));
      assert.deepEqual(
        results,
        names.map((_, i) => ({ sum: i + 1 })),
      );
      assert.deepEqual([...done].sort(), [...names].sort());
      assert.equal(await queue.getCompletedCount(), 200);
    }),

  "BullMQ retries what failed and delays what is for later": (redis) =>
    withStand(redis, "later", async ({ queue, events, done }) => {
      const failing = await queue.add("fails once", { a: 1, b: 2 }, { attempts: 2 });
      const delayed = await queue.add("delayed", { a: 3, b: 4 }, { delay: 300 });
      assert.deepEqual(await failing.waitUntilFinished(events, 20_000), { sum: 3 });
      assert.deepEqual(await delayed.waitUntilFinished(events, 20_000), { sum: 7 });
      assert.deepEqual([...done].sort(), ["delayed", "fails once"]);
    }),

  "BullMQ goes on after the master was killed and a replica promoted": (redis, stage) =>
    withStand(redis, "survivor", async ({ queue, done }) => {
      await queue.add("before", { a: 1, b: 1 });
      await eventually(() => done.includes("before"));
      await stage.failOver();
      await queue.add("after", { a: 2, b: 2 });
      await eventually(() => done.includes("after"));
    }),
};

async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("not within 20 s");
    await sleep(10);
  }
}

let failed = 0;
let total = 0;
for (const [kind, start] of Object.entries(stages)) {
  const stage = await start();
  const redis = new ReplicatedClient(stage.options);
  redis.on("error", () => {});
  try {
    for (const [name, run] of Object.entries(cases)) {
      total++;
      try {
        await run(redis, stage);
        process.stdout.write(`ok    ${kind}: ${name}\n`);
      } catch (error) {
        failed++;
        process.stdout.write(`FAILS ${kind}: ${name}\n${error instanceof Error ? error.stack : String(error)}\n`);
      }
    }
  } finally {
    await redis.quit();
    await stage.stop();
  }
}
process.stdout.write(`${total - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
