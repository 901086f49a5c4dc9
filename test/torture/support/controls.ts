import { Redis } from "ioredis";
import type { Random } from "../../../src/core/random.js";
import { masters } from "../nemesis/masters.js";
import type { Nemesis } from "../nemesis/nemesis.js";
import { proxied } from "../nemesis/networks.js";
import type { Fleet } from "./fleet.js";
import { type Judgement, judge } from "./judge.js";
import { type Caller, Keys, Recorder } from "./recorder.js";
import { stageOf } from "./round.js";

/** A client that promises nothing, judged as if it did: the checker has to find it out. */
export interface Control {
  readonly name: string;
  /** What was found, and of how many that were looked at. */
  readonly found: number;
  readonly of: number;
  readonly passed: boolean;
}

/** More of the reads of a naive client than this must be found wrong. */
const NAIVE = 0.01;
const SESSIONS = 4;
const LAG_MS = 20;

/** Runs each of them on the fleet, and heals it. */
export async function controls(fleet: Fleet, random: Random): Promise<Control[]> {
  const made = [await naive(fleet, random), await resending(fleet, random), await silent(fleet, random)];
  await fleet.heal();
  return made;
}

/** Plain ioredis: writes to the master, reads from the replicas in turn. */
async function naive(fleet: Fleet, random: Random): Promise<Control> {
  for (const place of fleet.replicas) fleet.linkOf(place).delay(LAG_MS, ["toClient"]);
  const readers = fleet.replicas.map((place) => plain(fleet.server(place)));
  const { checked, broken } = await under(fleet, random, "naive", null, readers);
  for (const reader of readers) reader.disconnect();
  const of = checked.readYourWrites + checked.monotonicReads;
  const found = broken.readYourWrites + broken.monotonicReads;
  return { name: "naive reads (plain ioredis, replicas in turn)", found, of, passed: found > of * NAIVE };
}

/** Plain ioredis sends again what was in flight when its connection broke. */
async function resending(fleet: Fleet, random: Random): Promise<Control> {
  const { checked, broken } = await under(fleet, random, "resend", named(proxied, "cut-replies"));
  const [found, of] = [broken.appliedOnce, checked.appliedOnce];
  return { name: "writes sent again (plain ioredis, cut replies)", found, of, passed: found > 0 };
}

/** Plain ioredis tells nobody what a failover took. */
async function silent(fleet: Fleet, random: Random): Promise<Control> {
  const { checked, broken } = await under(fleet, random, "silent", named(masters, "certain-loss"));
  const [found, of] = [broken.noSilentLoss, checked.noSilentLoss];
  return { name: "losses in silence (plain ioredis, certain loss)", found, of, passed: found > 0 };
}

/** Loops of calls by a plain client through the front of the master, while something is done to the servers. */
async function under(
  fleet: Fleet,
  random: Random,
  client: string,
  nemesis: Nemesis | null,
  readers: readonly Redis[] = [],
): Promise<Judgement> {
  const recorder = new Recorder(new Keys(`${client}:`));
  const { shared, own } = recorder.keys;
  const writer = plain(fleet.front(fleet.master));
  const stage = stageOf(fleet, random);
  let stopped = false;
  let turn = 0;
  const one = (keys: readonly string[]): string => keys[random.int(keys.length)] as string;
  const loop = async (caller: Caller): Promise<void> => {
    while (!stopped) {
      const reader = readers[turn++ % readers.length] ?? writer;
      if (random.next() < 0.5) await recorder.read(reader, caller, one(shared));
      else if (random.next() < 0.5) await recorder.share(writer, caller, one(shared), "multi");
      else await recorder.push(writer, caller, one(own));
      await recorder.increment(writer, client);
      await stage.span(0, 3);
    }
  };
  const loops = Array.from({ length: SESSIONS }, (_, i) =>
    loop({ client, session: `${client}${i}`, promise: "causal" }),
  );
  await stage.span(400, 600);
  await nemesis?.harm(stage);
  await stage.span(400, 600);
  stopped = true;
  await fleet.heal();
  await Promise.all(loops);
  writer.disconnect();
  return judge(recorder, fleet);
}

function plain({ host, port }: { readonly host: string; readonly port: number }): Redis {
  const client = new Redis({ host, port });
  client.on("error", () => undefined);
  return client;
}

function named(nemeses: readonly Nemesis[], name: string): Nemesis {
  return nemeses.find((one) => one.name === name) as Nemesis;
}
