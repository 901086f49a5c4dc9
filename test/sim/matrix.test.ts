import { expect, it } from "vitest";
import type { Guarantee } from "../checker/history.js";
import type { Deed } from "./support/plan.js";
import { simulate } from "./support/run.js";
import { complaints } from "./support/suite.js";

/** One fault at a time, so that what a cell of the matrix in docs/consistency.md says is put to the test by name. */
const FAULTS: Record<string, readonly Deed[]> = {
  "replica lag": [
    { at: 100, do: "lag", server: 1, lagMs: 120, forMs: 1500 },
    { at: 400, do: "freeze", server: 2, forMs: 800 },
  ],
  partition: [
    { at: 200, do: "cut", from: "10.0.0.1", to: "10.0.0.2", both: true, forMs: 600 },
    { at: 900, do: "cut", from: "10.0.1.0", to: "10.0.0.1", both: false, forMs: 500 },
  ],
  "crash and promotion": [
    { at: 500, do: "freeze", server: 1, forMs: 300 },
    { at: 550, do: "crash", server: -1, data: "drop", backAfterMs: 900 },
    { at: 700, do: "promote", forMs: 0 },
  ],
  "planned failover": [
    { at: 400, do: "failover" },
    { at: 1200, do: "failover" },
  ],
  "split brain": [{ at: 500, do: "promote", forMs: 900 }],
  restart: [
    { at: 400, do: "crash", server: -1, data: "keep", backAfterMs: 100 },
    { at: 1200, do: "crash", server: -1, data: "drop", backAfterMs: 100 },
  ],
  hang: [
    { at: 300, do: "hang", server: 1, forMs: 500 },
    { at: 1000, do: "hang", server: 0, forMs: 700 },
  ],
};

const SETTINGS: Record<string, { readonly client: object; readonly faults: readonly string[] }> = {
  session: { client: {}, faults: Object.keys(FAULTS) },
  strong: { client: { consistency: "strong" }, faults: Object.keys(FAULTS) },
  // Its window is one poll interval: it promises nothing of a history that ended meanwhile.
  "verifyReads: false": { client: { verifyReads: false }, faults: ["replica lag", "planned failover", "hang"] },
};

const ALWAYS_TESTED: readonly Guarantee[] = ["readYourWrites", "monotonicReads", "monotonicWrites", "appliedOnce"];
const SEEDS = [1, 2, 3];

const cells = Object.entries(SETTINGS).flatMap(([setting, { client, faults }]) =>
  faults.map((fault) => ({ setting, fault, client, deeds: FAULTS[fault] as readonly Deed[] })),
);

it.each(cells)("$setting × $fault: every guarantee holds", { timeout: 60_000 }, async ({ client, deeds }) => {
  for (const seed of SEEDS) {
    const result = await simulate(seed, { client, plan: deeds });
    expect(complaints(result)).toBe("");
    expect(ALWAYS_TESTED.filter((guarantee) => result.verdict.checked[guarantee] === 0)).toEqual([]);
  }
});
