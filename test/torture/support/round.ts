import { type Random, seededRandom } from "../../../src/core/random.js";
import type { Nemesis, Stage } from "../nemesis/nemesis.js";
import { well } from "./clients.js";
import type { Fleet } from "./fleet.js";
import { Holdings } from "./holdings.js";
import { copiesThatLast, type Judgement, judge } from "./judge.js";
import type { Listeners } from "./listeners.js";
import { Keys, type Recorder } from "./recorder.js";
import type { SetUp } from "./set-up.js";
import { type Named, Workload } from "./workload.js";

/** How long calls may take to settle once the trouble is over. */
const SETTLE_MS = 15_000;
/** So late the replicas are even when all is well. */
const MOST_LAG_MS = 12;

/** What came of one nemesis. */
export interface Round {
  readonly nemesis: string;
  readonly judgement: Judgement;
  readonly recorder: Recorder;
  /** What was not well, beside guarantees. */
  readonly problems: readonly string[];
  readonly setUp: SetUp;
  /** How long calls were made. */
  readonly seconds: number;
  readonly longestGapMs: { readonly reads: number; readonly writes: number };
}

/** One nemesis under load, healing, a while with nothing wrong, and the verdict. */
export async function play(
  number: number,
  nemeses: readonly Nemesis[],
  fleet: Fleet,
  clients: readonly Named[],
  listeners: Listeners,
  seed: number,
  paceMs: number,
): Promise<Round> {
  const problems: string[] = [];
  // How the calls fall is not ours to decide; what is done to the servers follows from the seed alone.
  const random = seededRandom(seed);
  const stage = stageOf(fleet, random);
  for (const place of fleet.replicas) fleet.linkOf(place).delay(random.next() * MOST_LAG_MS, ["toClient"]);
  const keys = new Keys(`r${number}:`);
  const holdings = new Holdings(fleet, keys);
  const workload = new Workload(clients, keys, seededRandom(seed + 1), paceMs, fleet.replicas.length, holdings);
  const { recorder } = workload;
  const began = performance.now();
  workload.start();
  await stage.span(250, 400);
  for (const [turn, nemesis] of nemeses.entries()) {
    if (turn > 0)
      await fleet.raise().catch((error: Error) => problems.push(`a server did not start: ${error.message}`));
    await nemesis
      .harm(stage)
      .catch((error: Error) => problems.push(`${nemesis.name} could not do its harm: ${error.message}`));
    await fleet.lift();
  }
  await fleet.heal().catch((error: Error) => problems.push(`the servers did not heal: ${error.message}`));
  await stage.span(300, 400);
  if (!(await workload.stop(SETTLE_MS))) problems.push(`${recorder.pending} calls are pending`);
  const seconds = (performance.now() - began) / 1000;
  await well(clients, fleet).catch((error: Error) => problems.push(`not well after healing: ${error.message}`));

  const heard = await listeners.hear(fleet).catch((error: Error) => {
    problems.push(error.message);
    return 0;
  });

  const { checked, ...judgement } = await judge(recorder, fleet, copiesThatLast(nemeses, fleet), holdings);
  if (recorder.failedReads > 0) problems.push(`${recorder.failedReads} reads failed: ${told(recorder.rejected)}`);
  for (const name of recorder.unexpected()) problems.push(`unexpected: ${name}`);
  await clean(fleet, recorder.keys);
  const longest = (gaps: ReadonlyMap<string, { longestMs: number }>): number =>
    Math.max(0, ...[...gaps.values()].map(({ longestMs }) => longestMs));
  const longestGapMs = { reads: longest(recorder.gaps.reads), writes: longest(recorder.gaps.writes) };
  return {
    nemesis: nemeses.map(({ name }) => name).join(" + "),
    judgement: { ...judgement, checked: { ...checked, subscriptions: heard } },
    recorder,
    problems,
    longestGapMs,
    setUp: fleet.setUp,
    seconds,
  };
}

export function stageOf(fleet: Fleet, random: Random): Stage {
  const one = (places: readonly number[]): number => places[random.int(places.length)] as number;
  return {
    fleet,
    random,
    span: (least, most) => new Promise((resolve) => setTimeout(resolve, least + random.next() * (most - least))),
    replica: () => one(fleet.replicas),
    nextToMaster: () => one(fleet.replicas.filter((place) => fleet.upstream(place) === fleet.master)),
    get network() {
      if (fleet.network === null) throw new Error("there are no hosts of their own");
      return fleet.network;
    },
  };
}

export function told(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, n]) => `${name} ×${n}`).join(", ");
}

async function clean(fleet: Fleet, keys: Keys): Promise<void> {
  await fleet.command(fleet.master, "UNLINK", keys.order, ...keys.shared, ...keys.own);
}
