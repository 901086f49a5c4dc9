import { check } from "../../checker/check.js";
import { type Counter, GUARANTEES, type Operation, show } from "../../checker/history.js";
import type { Nemesis } from "../nemesis/nemesis.js";
import type { Fleet } from "./fleet.js";
import type { Holdings } from "./holdings.js";
import { list } from "./list.js";
import type { Recorder } from "./recorder.js";

/** The guarantees of the checker, blocking pops (each element once, none lost but by pops of unknown outcome), subscriptions. */
export const JUDGED = [...GUARANTEES, "poppedOnce", "subscriptions"] as const;
export type Judged = (typeof JUDGED)[number];

/** A number for each of them. */
export type Numbers = Record<Judged, number>;

/** What became of one round's calls. */
export interface Judgement {
  readonly violations: readonly { readonly guarantee: Judged; readonly text: string }[];
  readonly checked: Readonly<Numbers>;
  readonly broken: Readonly<Numbers>;
  readonly operations: number;
  /** Acknowledged writes that the final master does not have: those were reported, or stand under `noSilentLoss`. */
  readonly lost: number;
  readonly unknown: number;
}

export function zeros(): Numbers {
  return Object.fromEntries(JUDGED.map((name) => [name, 0])) as Numbers;
}

/** What survived so many copies: the writes that a round's nemeses can't have destroyed. Infinity = there are none such. */
export function copiesThatLast(nemeses: readonly Nemesis[], fleet: Fleet): number {
  // Of two in a row the second may promote what the first has just left empty.
  if (nemeses.length > 1) return Number.POSITIVE_INFINITY;
  const keeps = nemeses[0]?.keeps ?? "some";
  if (keeps === "none") return Number.POSITIVE_INFINITY;
  return keeps === "some" ? 1 : fleet.replicas.length;
}

/**
 * Reads what survived from the final master and decides every guarantee.
 *
 * @param lasting writes that so many replicas had confirmed must have survived
 * @param holdings what the masters had that clients came to
 */
export async function judge(
  recorder: Recorder,
  fleet: Fleet,
  lasting = Number.POSITIVE_INFINITY,
  holdings: Holdings | null = null,
): Promise<Judgement> {
  const { keys, losses, operations } = recorder;
  const successions = (await holdings?.successions(operations)) ?? [];
  const order = await list(fleet, fleet.master, keys.order);
  const numbers = new Map<string, number>();
  for (const name of recorder.counters.keys())
    numbers.set(keys.counter(name), Number(await fleet.command(fleet.master, "GET", keys.counter(name))));
  const counters = recorder.finals((key) => numbers.get(key) ?? 0);

  // Shared keys have one order among them; a list that was written alone has an order of its own.
  const own = new Set(keys.own);
  // A session that was told of a loss was told of all of it, whatever it asked for.
  const told = ({ outcome }: Operation): boolean => outcome === "told";
  const parts: { operations: Operation[]; order: readonly string[]; counters?: Counter[] }[] = [
    { operations: operations.filter((one) => !own.has(one.key) || told(one)), order, counters },
  ];
  for (const key of keys.own)
    parts.push({
      operations: operations.filter((one) => one.key === key || told(one)),
      order: await list(fleet, fleet.master, key),
    });

  const [checked, broken] = [zeros(), zeros()];
  const violations: { guarantee: Judged; text: string }[] = [];
  const everything = new Set<string>();
  let lost = 0;
  for (const part of parts) {
    const verdict = check({ ...part, losses, successions });
    violations.push(...verdict.violations);
    const survived = new Set(part.order);
    for (const value of survived) everything.add(value);
    const acked = part.operations.filter(({ kind, outcome }) => kind === "append" && outcome === "ok");
    const missing = acked.filter(({ value }) => !survived.has(value as string)).length;
    lost += missing;
    for (const name of GUARANTEES) {
      checked[name] += verdict.checked[name];
      broken[name] += verdict.broken[name];
    }
    // Of every acknowledged write it was looked whether it is there; the checker counts those that are not.
    checked.noSilentLoss += acked.length - missing;
  }
  for (const { write, by } of recorder.confirmed) {
    if (by < lasting) continue;
    checked.durability++;
    if (everything.has(write.value as string)) continue;
    broken.durability++;
    violations.push({ guarantee: "durability", text: `${show(write)} was confirmed by ${by} replicas and is gone` });
  }
  for (const [client, queue] of recorder.queues) {
    const key = keys.queue(client);
    const verdict = queue.judge(await list(fleet, fleet.master, key), recorder.wasTold(client, key));
    checked.poppedOnce += verdict.checked;
    broken.poppedOnce += verdict.wrong.length;
    violations.push(...verdict.wrong.map((text) => ({ guarantee: "poppedOnce" as const, text })));
  }
  // A session that was told, or whose writes are all there, kept its promise too.
  checked.sessionTold += operations.filter((one) => told(one) || isAckedCausal(one)).length;
  return {
    violations,
    checked,
    broken,
    operations: operations.length,
    lost,
    unknown: operations.filter(({ kind, outcome }) => kind === "append" && outcome === "info").length,
  };
}

function isAckedCausal({ kind, outcome, promise }: Operation): boolean {
  return kind === "append" && outcome === "ok" && promise === "causal";
}
