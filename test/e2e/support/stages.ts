import { describe } from "vitest";
import { startRealStage } from "../../../src/cli/stage/real-stage.js";
import type { Stage } from "../../../src/cli/stage/stage.js";
import { describeReal } from "../../support/real-redis.js";

export type StageStart = (options?: { replicas?: number }) => Promise<Stage>;

const startDevStage: StageStart = async (options) =>
  (await import("../../../src/cli/stage/dev-stage.js")).startDevStage(options);

/** The same suite twice: over in-process servers, and over redis-server processes. */
export function onEachStage(name: string, suite: (start: StageStart) => void): void {
  describe(`${name} (dev servers)`, () => suite(startDevStage));
  describeReal(`${name} (redis-server)`, () => suite(startRealStage));
}
