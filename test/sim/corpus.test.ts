import { expect, it } from "vitest";
import entries from "./corpus.json" with { type: "json" };
import { DEEDS, type Deed } from "./support/plan.js";
import { type RunOptions, simulate } from "./support/run.js";
import { complaints, settings } from "./support/suite.js";

/** A run that failed once. It carries its plan, so that it stays that run when seeds come to mean other plans. */
interface Entry extends RunOptions {
  /** The seed by which it was found, and by which it is called. */
  readonly found: number;
  /** Of the world and the work that is done in it. */
  readonly seed: number;
  readonly story: string;
  readonly plan: readonly Deed[];
}

const corpus = entries as readonly Entry[];
const chosen = settings.corpus === null ? corpus : corpus.filter(({ found }) => found === settings.corpus);

it("is called by names that are known, once each", () => {
  expect(chosen).not.toEqual([]);
  expect(new Set(corpus.map(({ found }) => found)).size).toBe(corpus.length);
  for (const { plan } of corpus) for (const deed of plan) expect(DEEDS).toContain(deed.do);
});

it.each(chosen)("what seed $found found is well: $story", { timeout: 60_000 }, async (entry) => {
  const result = await simulate(entry.seed, entry);
  if (settings.corpus !== null)
    process.stdout.write(`${JSON.stringify(result.plan, null, 1)}\n${result.recording.log.join("\n")}\n`);
  expect(complaints(result)).toBe("");
});
