import { describe, expect, it } from "vitest";
import { GUARANTEES } from "../../checker/history.js";
import { DEEDS } from "./plan.js";
import { type Result, type RunOptions, simulate } from "./run.js";

/**
 * `SIM_SEEDS=1000` runs so many, `SIM_SEED=7` replays that one alone and tells what happened; so does
 * `SIM_CORPUS=722 npm run sim -- corpus` with a run of the corpus.
 */
export const settings = {
  only: process.env["SIM_SEED"] === undefined ? null : Number(process.env["SIM_SEED"]),
  count: Number(process.env["SIM_SEEDS"] ?? 60),
  corpus: process.env["SIM_CORPUS"] === undefined ? null : Number(process.env["SIM_CORPUS"]),
};

const CHUNK = 25;
/** From so many seeds on every deed and every event is met. */
const ENOUGH = 250;

const EVENTS = [
  ...["splitBrain", "historyReset", "writesLost", "masterChanged"],
  ...["failoverStarted", "failoverEnded", "historyChanged"],
];

/** What was wrong with a seed, and how to see it again; empty = nothing. */
export function complaints({ seed, verdict, office, stuck, plan }: Result): string {
  const wrong = [
    ...office.wrong,
    ...verdict.violations.map(({ guarantee, text }) => `${guarantee}: ${text}`),
    ...stuck,
  ];
  if (wrong.length === 0) return "";
  return [`seed ${seed} (SIM_SEED=${seed} npm run sim):`, ...wrong.slice(0, 10), JSON.stringify(plan)].join("\n");
}

/** Of so many seeds one is run a second time, with pipelines beside the rest: such a run takes several times as long. */
const PIPELINES_EVERY = 40;

/** The runs that one seed stands for. */
export function runsOf(seed: number): readonly RunOptions[] {
  return seed % PIPELINES_EVERY === 0 ? [{}, { mix: "pipelines" }] : [{}];
}

/** Faults in rows, guarantees in columns. */
function table(cells: ReadonlyMap<string, number>): string {
  const names = [...GUARANTEES, "deposedMaster"];
  const rows = DEEDS.map((deed) =>
    [deed.padEnd(12), ...names.map((name) => String(cells.get(`${name} ${deed}`) ?? 0).padStart(name.length + 1))].join(
      "",
    ),
  );
  return ["checks".padEnd(12) + names.map((name) => ` ${name}`).join(""), ...rows].join("\n");
}

/** The seeds from `first` up to `end`, and a look at what they have put to the test. */
export function seeds(first: number, end: number): void {
  describe(`client and servers on a virtual clock, seeds ${first} to ${end - 1}`, () => {
    const met = {
      checked: new Map<string, number>(),
      deeds: new Map<string, number>(),
      events: new Map<string, number>(),
    };
    /** By guarantee and fault: how often the one was put to the test in runs with the other. */
    const cells = new Map<string, number>();
    const add = (counts: Map<string, number>, more: Iterable<[string, number]>): void => {
      for (const [name, n] of more) counts.set(name, (counts.get(name) ?? 0) + n);
    };

    for (let from = first; from < end; from += CHUNK) {
      const to = Math.min(from + CHUNK, end);
      it(`keep every guarantee and settle every call: ${from} to ${to - 1}`, { timeout: 400_000 }, async () => {
        const wrong: string[] = [];
        for (let seed = from; seed < to; seed++) {
          for (const options of runsOf(seed)) {
            const result = await simulate(seed, options);
            add(met.checked, Object.entries(result.verdict.checked));
            const checks = [
              ...Object.entries(result.verdict.checked),
              ["deposedMaster", result.office.checked] as const,
            ];
            add(met.deeds, result.deeds);
            for (const deed of result.deeds.keys())
              add(
                cells,
                checks.map(([guarantee, n]) => [`${guarantee} ${deed}`, n]),
              );
            add(met.events, result.recording.events);
            const text = complaints(result);
            if (text !== "") wrong.push(text);
          }
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
        process.stdout.write(`${table(cells)}\n`);
        expect([...met.checked].filter(([, n]) => n === 0)).toEqual([]);
        expect(DEEDS.filter((name) => !met.deeds.has(name))).toEqual([]);
        expect(EVENTS.filter((name) => !met.events.has(name))).toEqual([]);
        const empty = GUARANTEES.flatMap((guarantee) => DEEDS.map((deed) => `${guarantee} ${deed}`));
        expect(empty.filter((cell) => (cells.get(cell) ?? 0) === 0)).toEqual([]);
        // Judged only where nothing but harmless deeds is done, which few plans are; the mutations have their own.
        expect(cells.get("deposedMaster promote") ?? 0).toBeGreaterThan(0);
      });
  });
}
