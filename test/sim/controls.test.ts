import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { simulate } from "./support/run.js";

it("the same seed is the same run, event by event", async () => {
  const [one, again] = [await simulate(7), await simulate(7)];
  expect(again.trace).toBe(one.trace);
  expect(again.recording.log).toEqual(one.recording.log);
  expect(again.recording.operations).toEqual(one.recording.operations);
});

it("the same seed is the same run in processes of their own", { timeout: 120_000 }, async () => {
  const replay = promisify(execFile);
  const run = async (): Promise<string> =>
    (
      await replay(process.execPath, [
        "--import",
        "tsx",
        fileURLToPath(new URL("support/replay.ts", import.meta.url)),
        "3",
        "7",
      ])
    ).stdout;
  const [one, again] = await Promise.all([run(), run()]);
  expect(one.split("\n")).toHaveLength(3);
  expect(again).toBe(one);
});

describe("the checker finds what is wrong", () => {
  it("where replicas are read without any promise and judged as if there were one", async () => {
    let violations = 0;
    let reads = 0;
    for (let seed = 0; seed < 5; seed++) {
      const { verdict } = await simulate(seed, {
        client: { consistency: "eventual" },
        plan: [{ at: 50, do: "lag", server: 1, lagMs: 100, forMs: 1500 }],
      });
      violations += verdict.violations.filter(({ guarantee }) => guarantee === "readYourWrites").length;
      reads += verdict.checked.readYourWrites;
    }
    expect(violations / reads).toBeGreaterThan(0.01);
  });
});
