import { expect, it } from "vitest";
import { simulate } from "./support/run.js";
import { complaints } from "./support/suite.js";
import { undecided } from "./support/undecided.js";

// While two claim to be master, and one replica still follows the old one: at first it has only what both have, then
// more. Both must come about, or nothing here says anything of the rule.
it("reads go on while what they see is common to both masters, and wait when it is not", {
  timeout: 60_000,
}, async () => {
  let [during, outlasting] = [0, 0];
  for (const seed of [0, 1]) {
    const result = await simulate(seed, undecided);
    expect(complaints(result)).toBe("");
    during += result.office.during;
    outlasting += result.office.outlasting;
  }
  expect(during).toBeGreaterThan(0);
  expect(outlasting).toBeGreaterThan(0);
});
