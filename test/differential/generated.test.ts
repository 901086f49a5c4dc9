import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeReal } from "../support/real-redis.js";
import { generatedGroups, inspection } from "./support/commands.js";
import { Pair } from "./support/servers.js";

/** Set it to look further than the same sequences every time. */
const seed = Number(process.env["DIFFERENTIAL_SEED"] ?? 20_260_101);
const runs = Number(process.env["DIFFERENTIAL_RUNS"] ?? 60);

/** The dev server names the encoding of a string by its text; in Redis it also depends on how the string came about. */
const stringEncoding = /^"OBJECT" "ENCODING" .*\n {2}real \$"(raw|embstr|int)"\n {2}dev {2}\$"(raw|embstr|int)"$/;

describeReal("sequences of generated commands leave no difference to a real server", () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start();
  });
  afterAll(() => pair?.stop());

  describe.each([2, 3] as const)("in RESP%i", (resp) => {
    it.each(Object.keys(generatedGroups))("%s", async (group) => {
      const command = fc.oneof(...(generatedGroups[group] ?? []));
      const property = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
        const start = [["RESET"], ["HELLO", String(resp)], ["FLUSHALL"]];
        await Promise.all(pair.sides.map(async (side) => (await side.connection("a")).pipeline(start)));
        const differences = await pair.differences("a", [...commands, ["DISCARD"], ...inspection]);
        expect(differences.filter((difference) => !stringEncoding.test(difference))).toEqual([]);
      });
      await fc.assert(property, { seed, numRuns: runs, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: true });
    });
  });
});
