import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const CHILD = fileURLToPath(new URL("./cycles-child.ts", import.meta.url));

describe("A topology that was started and stopped, five hundred times", () => {
  // A thousand servers. The process ends by itself: a handle that is left would keep it, and the deadline would tell.
  it("leaves no handle, no timer and no memory", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--import", "tsx", CHILD, "500"], {
      timeout: 120_000,
    });
    const report = JSON.parse(stdout) as { resources: number; timers: number; heapMb: number };
    expect(report.resources).toBe(0);
    expect(report.timers).toBe(0);
    expect(report.heapMb).toBeLessThan(10);
  }, 120_000);
});
