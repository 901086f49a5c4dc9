import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Redis } from "ioredis";
import type { ReplicatedClient } from "ioreplica";
import { Trio } from "../support/trio.js";
import { ackCost } from "./ack-cost.js";
import { countOf, type Figure, median, ratioOf, type Scenario } from "./figure.js";

const KEYS = 20_000;
/** So few that writes at full speed come back to each of them all the time. */
const BUSY_KEYS = 2000;
const IN_FLIGHT = 100;
const SLICE_OPS = 20_000;
/** So many of one kind follow each other. */
const LONE_TURN = 20;
const LONE_READS = 2000;
const WRITE_MS = 1000;
const FENCE_MS = 20;
const CLIENTS = 10;
const IDLE_MS = 10_000;
const SETTLED_MS = 1000;

type Store = Pick<ReplicatedClient, "get" | "set">;

/** What the levels of consistency cost: CPU, fences, latency, memory. */
export const cost: Scenario = {
  name: "cost",
  rounds: 7,
  short: 0,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    try {
      await trio.a.commands(Array.from({ length: KEYS }, (_, i) => ["SET", `k${i}`, "v".repeat(100)]));
      await trio.inSync(trio.a, trio.b, trio.c);
      return [
        // These first: what loads leave behind in this process takes the cores now and then.
        ...(await idle(trio)),
        await lone(trio, rounds),
        ...(await cpu(trio, rounds)),
        await fences(trio),
        ...(await ackCost(trio, rounds)),
      ];
    } finally {
      await trio.stop();
    }
  },
};

/** The same load for each level, by turns, so that all have the same neighbours. */
async function cpu(trio: Trio, rounds: number): Promise<Figure[]> {
  const { redis } = await trio.client();
  const levels = {
    eventual: redis.with({ consistency: "eventual" }),
    session: redis,
    unverified: redis.with({ verifyReads: false }),
  };
  const took = { eventual: [] as number[], session: [] as number[], unverified: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    for (const name of ["eventual", "session", "unverified"] as const) {
      const before = process.cpuUsage();
      await mixedLoad(levels[name]);
      const { user, system } = process.cpuUsage(before);
      // The first turn lets the compiler see every path.
      if (round >= 0) took[name].push((user + system) / SLICE_OPS);
    }
  }
  const busy = await busyKeys(trio, levels, rounds);
  redis.disconnect();
  const ratios = (name: "session" | "unverified"): number[] =>
    took[name].map((micros, round) => micros / (took.eventual[round] as number));
  const shown = `CPU per operation, 90/10 at ${IN_FLIGHT} in flight (eventual: ${median(took.eventual).toFixed(1)} µs)`;
  return [
    ratioOf(`${shown}: session ÷ eventual`, 1.35, ratios("session")),
    ratioOf(`${shown}: session with verifyReads: false ÷ eventual`, 1.1, ratios("unverified")),
    ...busy,
  ];
}

/** A tenth of all calls write, to keys that the others read: what it costs that those go where the writes surely are. */
async function busyKeys(
  trio: Trio,
  { session, eventual }: Readonly<Record<"session" | "eventual", Store>>,
  rounds: number,
): Promise<Figure[]> {
  const ratios: number[] = [];
  let [byMaster, byAll] = [0, 0];
  const reads = async (): Promise<number[]> => Promise.all(trio.servers.map(async (server) => server.calls("get")));
  const micros = async (store: Store): Promise<number> => {
    const before = process.cpuUsage();
    await mixedLoad(store, BUSY_KEYS);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  for (let round = -1; round < rounds; round++) {
    const theirs = await micros(eventual);
    const before = await reads();
    const ours = await micros(session);
    if (round < 0) continue;
    ratios.push(ours / theirs);
    const grown = (await reads()).map((calls, place) => calls - (before[place] as number));
    byMaster += grown[0] as number;
    byAll += grown.reduce((sum, calls) => sum + calls, 0);
  }
  const share = (100 * byMaster) / byAll;
  const limit = 5;
  return [
    ratioOf(`the same over ${BUSY_KEYS} keys: session ÷ eventual`, 1.5, ratios),
    {
      figure: `there, session reads that went to the master (${byAll} reads)`,
      target: `≤ ${limit} %`,
      measured: `${share.toFixed(1)} %`,
      held: share <= limit,
      kind: "timing",
    },
  ];
}

async function mixedLoad(store: Store, keys = KEYS): Promise<void> {
  let left = SLICE_OPS;
  let seed = 1;
  const value = "w".repeat(100);
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      const key = `k${(seed >>> 8) % keys}`;
      if ((seed >>> 4) % 10 === 0) await store.set(key, value);
      else await store.get(key);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

/** Nothing but writes, and polls so rare that none falls into it: whatever INFO the master counts is a fence. */
async function fences(trio: Trio): Promise<Figure> {
  const { redis } = await trio.client({ pollIntervalMs: 60_000, heartbeatTimeoutMs: 60_000 });
  const asked = async (): Promise<number> => trio.a.calls("info");
  const own = -(await asked()) + (await asked());
  const before = await asked();
  const began = performance.now();
  let writes = 0;
  while (performance.now() - began < WRITE_MS) {
    await Promise.all(Array.from({ length: 10 }, async () => redis.set("w", "1")));
    writes += 10;
  }
  const took = performance.now() - began;
  redis.disconnect();
  const sent = (await asked()) - before - own;
  const allowed = Math.ceil(took / FENCE_MS) + 1;
  return countOf(
    `fences for ${writes} writes in ${took.toFixed(0)} ms`,
    `≤ 1 per ${FENCE_MS} ms: ${allowed}`,
    String(sent),
    sent <= allowed,
  );
}

/**
 * One read at a time, by turns of a few with plain ioredis and of the same server: on which core a server runs, and whether
 * that core sleeps in between, changes the time of a round trip threefold.
 */
async function lone(trio: Trio, rounds: number): Promise<Figure> {
  const [master, replica] = [trio.a, trio.b].map(({ host, port }) => `redis://${host}:${port}`) as [string, string];
  const { redis } = await trio.client({ master, replicas: [replica], discoverReplicas: false }, 1);
  const plain = new Redis({ host: trio.b.host, port: trio.b.port });
  const read = async (store: Store, took: number[]): Promise<void> => {
    for (let i = 0; i < LONE_TURN; i++) {
      const began = performance.now();
      await store.get(`k${took.length % KEYS}`);
      took.push(performance.now() - began);
    }
  };
  const ratios: number[] = [];
  let last = 0;
  for (let round = -2; round < rounds; round++) {
    const [theirs, ours]: [number[], number[]] = [[], []];
    while (ours.length < LONE_READS) {
      await read(plain, theirs);
      await read(redis, ours);
    }
    last = median(theirs);
    if (round >= 0) ratios.push(median(ours) / last);
  }
  redis.disconnect();
  plain.disconnect();
  return ratioOf(`p50 of a lone session read ÷ plain ioredis (${(last * 1000).toFixed(0)} µs)`, 1.1, ratios);
}

async function idle(trio: Trio): Promise<Figure[]> {
  // Warm: what the first client loads is nobody's own.
  const { redis: first } = await trio.client();
  const plain: Redis[] = [];
  const plainBytes = await grown(async () => {
    for (let i = 0; i < CLIENTS; i++)
      for (const { host, port } of trio.servers) {
        const one = new Redis({ host, port });
        plain.push(one);
        await one.ping();
      }
  });
  for (const one of plain) one.disconnect();
  // What ended here is cleared away.
  await sleep(SETTLED_MS);
  const before = process.cpuUsage();
  const began = performance.now();
  await sleep(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  const core = (user + system) / 1000 / (performance.now() - began);
  const clients: ReplicatedClient[] = [first];
  const clientBytes = await grown(async () => {
    for (let i = 0; i < CLIENTS; i++) clients.push((await trio.client()).redis);
  });
  for (const one of clients) one.disconnect();
  const beyond = (clientBytes - plainBytes) / CLIENTS / 2 ** 20;
  return [
    {
      figure: "CPU of one idle client at the default poll interval",
      target: "< 0.5 % of a core",
      measured: `${(core * 100).toFixed(2)} %`,
      held: core < 0.005,
      kind: "timing",
    },
    {
      figure: "memory of an idle client with 3 nodes, beyond three connections of ioredis",
      target: "< 5 MB",
      measured: `${beyond.toFixed(2)} MB`,
      held: beyond < 5,
      kind: "timing",
    },
  ];
}

/** By how much heap and buffers are larger after it. */
async function grown(make: () => Promise<void>): Promise<number> {
  const size = async (): Promise<number> => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    for (let i = 0; i < 3; i++) {
      collect();
      await sleep(20);
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = await size();
  await make();
  return (await size()) - before;
}
