import { expect, it } from "vitest";
import { simulate } from "./support/run.js";
import { complaints, runsOf, seeds, settings } from "./support/suite.js";

const { only, count } = settings;
if (only === null) seeds(0, Math.floor(count / 2));
else
  it(`seed ${only}`, { timeout: 60_000 }, async () => {
    for (const options of runsOf(only)) {
      const result = await simulate(only, options);
      process.stdout.write(`${JSON.stringify(result.plan, null, 1)}\n${result.recording.log.join("\n")}\n`);
      expect(complaints(result)).toBe("");
    }
  });
