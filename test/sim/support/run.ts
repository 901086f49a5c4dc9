import { createHash } from "node:crypto";
import { seededRandom } from "../../../src/core/random.js";
import type { ViewOptions } from "../../../src/index.js";
import { check } from "../../checker/check.js";
import { GUARANTEES, type Guarantee, type History, type Verdict } from "../../checker/history.js";
import { Nemesis } from "./nemesis.js";
import { type Judged, judgeOffice } from "./office.js";
import { type Deed, plan, TROUBLE_MS } from "./plan.js";
import { type Mix, ORDER, type Recording, Workload } from "./workload.js";
import { World } from "./world.js";

/** How long everything may take to settle once the trouble is over, in virtual milliseconds. */
const SETTLE_MS = 20_000;
const CLIENTS = 2;
/** A promotion that nothing hides is seen within a poll interval and the time that a poll takes. */
const NOTICE_MS = 260;

/** What came of one seed. */
export interface Result {
  readonly seed: number;
  readonly plan: readonly Deed[];
  readonly verdict: Verdict;
  /** What went to a deposed master, or was read of what only it has. */
  readonly office: Judged;
  /** What was not well after healing; empty = all. */
  readonly stuck: readonly string[];
  readonly recording: Recording;
  readonly deeds: ReadonlyMap<string, number>;
  /** Two runs of one seed have the same, and the same digest of all that was done and seen. */
  readonly trace: string;
  readonly digest: string;
  readonly steps: number;
}

export interface RunOptions {
  /** Options of the clients beyond the simulation's own. */
  readonly client?: object;
  readonly plan?: readonly Deed[];
  /** Judges what went to a deposed master, or only what was read, though deeds of the plan may keep a client from seeing who is master. */
  readonly office?: "all" | "reads";
  /** What is done beside the rest. */
  readonly mix?: Mix;
  /** The view that all calls are made by. */
  readonly view?: ViewOptions;
}

/** Runs one seed: trouble, then healing; safety is judged over all of it, liveness after. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<Result> {
  const world = await World.start(seed);
  const clients = Array.from({ length: CLIENTS }, (_, place) => world.client(place, options.client));
  const workload = new Workload(world, options.mix ?? null);
  const nemesis = new Nemesis(world);
  const deeds = options.plan ?? plan(seededRandom(seed ^ 0x5eed), CLIENTS);
  await world.settle(Promise.all(clients.map((client) => client.connect())));
  workload.start(clients.map((client) => client.with(options.view ?? {})));
  nemesis.start(deeds);
  await world.run(() => false, TROUBLE_MS);

  const stuck: string[] = [];
  if (!(await world.heal(nemesis.master))) stuck.push("the servers are not in sync");
  // A while with nothing wrong any more, then the end.
  await world.run(() => false, 1000);
  workload.stop();
  const { recording } = workload;
  if (!(await world.run(() => recording.pending === 0, SETTLE_MS)))
    stuck.push(`${recording.pending} calls are pending`);
  const master = world.servers[nemesis.master];
  if (master === undefined) throw new Error("there is no master");
  for (const [place, client] of clients.entries()) {
    const written = client.set(`alive${place}`, "1");
    const well = await world.settle(written, SETTLE_MS).then(
      () => client.topology.master?.id === `${master.host}:${master.port}`,
      () => false,
    );
    if (!well) stuck.push(`client ${place} does not write to the master: ${JSON.stringify(client.health())}`);
  }
  const plain = world.clientOf(master);
  const list = (key: string): Promise<string[]> => world.settle(plain.lrange(key, 0, -1));
  const order = await list(ORDER);
  const lists = new Map<string, readonly string[]>();
  for (const key of ["a", "b", "c", "d", "e"]) lists.set(key, await list(key));
  const counter = Number(await world.settle(plain.get("counter")));
  const { increments, operations, losses, successions } = recording;
  const counters = [{ name: "counter", final: counter, ...increments }];
  const history: History = { operations, order, lists, losses, successions, counters };
  const survived = new Set(order);
  const office = judgeOffice(
    {
      plan: options.office === undefined ? deeds : [],
      successions: nemesis.successions,
      arrivals: recording.arrivals,
      signs: recording.signs,
      writes: operations
        .filter(({ kind }) => kind === "append" && options.office !== "reads")
        .map((one) => ({
          ...{ client: one.client, value: one.value as string, invoked: one.invoked, returned: one.returned },
          lost: one.outcome === "ok" && !survived.has(one.value as string),
        })),
      reads: operations
        .filter(({ kind, outcome }) => kind === "read" && outcome === "ok")
        .map(({ client, values, saw, invoked, returned }) => ({
          ...{ client, invoked, returned },
          values: values ?? (typeof saw === "string" ? [saw] : []),
        })),
    },
    NOTICE_MS,
  );
  const verdicts = [check(history)];
  for (const key of new Set(recording.bursts.map((one) => one.key))) {
    const own = recording.bursts.filter((one) => one.key === key);
    verdicts.push(check({ operations: own, order: await list(key), losses, successions }));
  }
  const trace = `${world.steps}:${world.clock.now()}:${operations.length}:${order.length}:${master.replid}:${master.offset}`;
  await world.stop();
  return {
    seed,
    plan: deeds,
    verdict: joined(verdicts),
    office,
    stuck,
    recording,
    deeds: nemesis.done,
    trace,
    digest: createHash("sha1")
      .update(JSON.stringify([recording.log, operations]))
      .digest("hex"),
    steps: world.steps,
  };
}

function joined(verdicts: readonly Verdict[]): Verdict {
  const sum = (counts: readonly Readonly<Record<Guarantee, number>>[]): Record<Guarantee, number> =>
    Object.fromEntries(
      GUARANTEES.map((name) => [name, counts.reduce((total, count) => total + count[name], 0)]),
    ) as Record<Guarantee, number>;
  return {
    violations: verdicts.flatMap(({ violations }) => violations),
    checked: sum(verdicts.map(({ checked }) => checked)),
    broken: sum(verdicts.map(({ broken }) => broken)),
  };
}
