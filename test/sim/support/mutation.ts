import { expect, it, vi } from "vitest";
import type { Guarantee } from "../../checker/history.js";
import { type Result, type RunOptions, simulate } from "./run.js";
import { complaints } from "./suite.js";

/** A rule that is taken away, and what of the guarantees breaks without it. */
export interface Mutation extends RunOptions {
  readonly rule: string;
  readonly breaks: readonly (Guarantee | "deposedMaster")[];
  /** Takes the rule out of the product's code, by test code. */
  remove(): void;
  /** Where it is known to show, the quickest first: a change of the simulation may move it. */
  readonly seeds?: readonly number[];
}

/** Beyond the seeds that are known so many more are tried. */
const MORE_SEEDS = Number(process.env["SIM_MORE"] ?? 12);

/** Each rule in turn: without it some run breaks what it guards, and with it that very run is well. */
export function mutations(all: readonly Mutation[]): void {
  it.each(all)("without the rule that $rule a run breaks", { timeout: 400_000 }, async (mutation) => {
    const { breaks, remove, seeds = [] } = mutation;
    const others = Array.from({ length: MORE_SEEDS }, (_, seed) => seed).filter((seed) => !seeds.includes(seed));
    remove();
    let caught: { readonly seed: number; readonly what: string } | null = null;
    for (const seed of [...seeds, ...others]) {
      const what = brokenOf(await simulate(seed, mutation)).find((one) => (breaks as readonly string[]).includes(one));
      if (what === undefined) continue;
      caught = { seed, what };
      break;
    }
    vi.restoreAllMocks();
    if (process.env["SIM_SHOW"] !== undefined) process.stdout.write(`${mutation.rule}: ${JSON.stringify(caught)}\n`);
    expect(breaks).toContain(caught?.what);
    expect(complaints(await simulate(caught?.seed ?? 0, mutation))).toBe("");
  });
}

function brokenOf({ verdict, office }: Result): string[] {
  const broken = Object.entries(verdict.broken).flatMap(([guarantee, n]) => (n > 0 ? [guarantee] : []));
  return office.wrong.length > 0 ? [...broken, "deposedMaster"] : broken;
}
