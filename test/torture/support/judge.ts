import { check } from "../../checker/check.js";
import { type Counter, GUARANTEES, type Guarantee, type Operation, type Violation } from "../../checker/history.js";
import type { Fleet } from "./fleet.js";
import type { Recorder } from "./recorder.js";

/** What became of one round's calls. */
export interface Judgement {
  readonly violations: readonly Violation[];
  readonly checked: Readonly<Record<Guarantee, number>>;
  readonly broken: Readonly<Record<Guarantee, number>>;
  readonly operations: number;
  /** Acknowledged writes that the final master does not have: those were reported, or stand under `noSilentLoss`. */
  readonly lost: number;
  readonly unknown: number;
}

const PAGE = 20_000;

/** Reads what survived from the final master and decides every guarantee. */
export async function judge(recorder: Recorder, fleet: Fleet): Promise<Judgement> {
  const { keys, losses, successions, operations } = recorder;
  const order = await list(fleet, keys.order);
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
      order: await list(fleet, key),
    });

  const sum = (): Record<Guarantee, number> =>
    Object.fromEntries(GUARANTEES.map((name) => [name, 0])) as Record<Guarantee, number>;
  const [checked, broken] = [sum(), sum()];
  const violations: Violation[] = [];
  let lost = 0;
  for (const part of parts) {
    const verdict = check({ ...part, losses, successions });
    violations.push(...verdict.violations);
    const survived = new Set(part.order);
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

/** A list in pieces: one reply stays within the deadline of a plain call. */
async function list(fleet: Fleet, key: string): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const page = (await fleet.command(
      fleet.master,
      "LRANGE",
      key,
      values.length,
      values.length + PAGE - 1,
    )) as string[];
    values.push(...page);
    if (page.length < PAGE) return values;
  }
}
