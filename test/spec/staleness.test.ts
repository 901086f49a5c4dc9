import { expect, test } from "vitest";
import { Samples } from "../../src/client/consistency/samples.js";
import { strictCase, uniqueNames } from "../support/strict-case.js";
import table from "./staleness.json" with { type: "json" };

interface Ask {
  applied?: number;
  within?: number;
  now: number;
  is: number | null | "MASTER";
}
interface Case {
  name: string;
  samples: [sentAt: number, offset: number][];
  then?: { dropAfter?: number; dropFrom?: number; reset?: boolean };
  ask: Ask[];
}

const cases = uniqueNames(table as unknown as Case[]);

test.each(cases)("$name", (one) => {
  strictCase(one, ["name", "samples", "then", "ask"]);
  const samples = new Samples(16);
  for (const [sentAt, offset] of one.samples) samples.push(sentAt, offset);
  if (one.then) {
    strictCase(one.then, ["dropAfter", "dropFrom", "reset"]);
    if (one.then.dropAfter !== undefined) samples.dropAfter(one.then.dropAfter);
    if (one.then.dropFrom !== undefined) samples.dropFrom(one.then.dropFrom);
    if (one.then.reset) samples.reset();
  }
  expect(one.ask.length).toBeGreaterThan(0);
  for (const ask of one.ask) {
    strictCase(ask, ["applied", "within", "now", "is"]);
    if (ask.applied !== undefined) expect(samples.stalenessOf(ask.applied, ask.now), JSON.stringify(ask)).toBe(ask.is);
    else {
      const offset = ask.is === "MASTER" ? Number.POSITIVE_INFINITY : ask.is;
      expect(samples.offsetWithin(ask.within as number, ask.now), JSON.stringify(ask)).toBe(offset);
    }
  }
});
