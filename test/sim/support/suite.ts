import { describe, expect, it } from "vitest";
import { type Result, simulate } from "./run.js";

/** `SIM_SEEDS=1000` runs so many, `SIM_SEED=7` replays that one alone and tells what happened. */
export const settings = {
  only: process.env["SIM_SEED"] === undefined ? null : Number(process.env["SIM_SEED"]),
  count: Number(process.env["SIM_SEEDS"] ?? 60),
};

const CHUNK = 25;
/** From so many seeds on every deed and every event is met. */
const ENOUGH = 100;

const DEEDS = [
  ...["crash", "promote", "failover", "hang", "freeze", "lag"],
  ...["cut", "drop", "refuse", "pauseProcess", "stepClock", "slow"],
];
const EVENTS = [
  ...["splitBrain", "historyReset", "writesLost", "masterChanged"],
  ...["failoverStarted", "failoverEnded", "historyChanged"],
];

/** What was wrong with a seed, and how to see it again; empty = nothing. */
export function complaints({ seed, verdict, stuck, plan }: Result): string {
  const wrong = [...verdict.violations.map(({ guarantee, text }) => `${guarantee}: ${text}`), ...stuck];
  if (wrong.length === 0) return "";
  return [`seed ${seed} (SIM_SEED=${seed} npm run sim):`, ...wrong.slice(0, 10), JSON.stringify(plan)].join("\n");
}

/** The seeds from `first` up to `end`, and a look at what they have put to the test. */
export function seeds(first: number, end: number): void {
  describe(`client and servers on a virtual clock, seeds ${first} to ${end - 1}`, () => {
    const met = {
      checked: new Map<string, number>(),
      deeds: new Map<string, number>(),
      events: new Map<string, number>(),
    };
    const add = (counts: Map<string, number>, more: Iterable<[string, number]>): void => {
      for (const [name, n] of more) counts.set(name, (counts.get(name) ?? 0) + n);
    };

    for (let from = first; from < end; from += CHUNK) {
      const to = Math.min(from + CHUNK, end);
      it(`keep every guarantee and settle every call: ${from} to ${to - 1}`, { timeout: 120_000 }, async () => {
        const wrong: string[] = [];
        for (let seed = from; seed < to; seed++) {
          const result = await simulate(seed);
          add(met.checked, Object.entries(result.verdict.checked));
          add(met.deeds, result.deeds);
          add(met.events, result.recording.events);
          const text = complaints(result);
          if (text !== "") wrong.push(text);
        }
        expect(wrong.join("\n\n")).toBe("");
      });
    }

    if (end - first >= ENOUGH)
      it("have put every guarantee to the test, done every deed and met every event", () => {
        const line = (counts: Map<string, number>): string =>
          [...counts]
            .map(([name, n]) => `${name} ${n}`)
            .sort()
            .join(", ");
        for (const [name, counts] of Object.entries(met)) process.stdout.write(`${name}: ${line(counts)}\n`);
        expect([...met.checked].filter(([, n]) => n === 0)).toEqual([]);
        expect(DEEDS.filter((name) => !met.deeds.has(name))).toEqual([]);
        expect(EVENTS.filter((name) => !met.events.has(name))).toEqual([]);
      });
  });
}
