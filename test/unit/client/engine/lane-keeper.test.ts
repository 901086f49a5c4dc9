import { describe, expect, it } from "vitest";
import type { NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { LaneKeeper } from "../../../../src/client/engine/lane-keeper.js";
import type { WriteLane } from "../../../../src/client/engine/write-lane.js";
import type { TopologyState } from "../../../../src/client/topology/state.js";
import { deferred } from "../../../../src/core/deferred.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

const STATE = { hold: null, nodes: new Map() } as unknown as TopologyState;
const CONNECTION = { node: "A", state: "open" } as unknown as NodeConnection;

/** A keeper over a lane that only notes that it was opened. */
function keeperOf() {
  const clock = new ManualClock();
  const lane = {
    isOpen: false,
    idle: true,
    connection: null,
    trustedUntil: 0,
    opened: 0,
    close() {},
    park() {},
    open() {},
  };
  lane.open = () => {
    lane.opened++;
  };
  const keep = (): void => keeper.keep(STATE, "A", CONNECTION, null);
  const limits = { pollIntervalMs: 1000, heartbeatTimeoutMs: 500 };
  const keeper = new LaneKeeper(lane as unknown as WriteLane, limits, clock, keep, () => Promise.resolve());
  return { clock, lane, keeper, keep };
}

describe("when the lane opens again after a refusal", () => {
  it("at once where another node is the answer", () => {
    const { lane, keeper, keep } = keeperOf();
    keeper.refused("readonly");
    keep();
    expect(lane.opened).toBe(1);
  });

  it("after a pause, by itself, where only time is", () => {
    const { clock, lane, keeper, keep } = keeperOf();
    keeper.refused("busy");
    keep();
    expect(lane.opened).toBe(0);
    clock.advance(5);
    expect(lane.opened).toBe(1);
  });

  it("after ever longer pauses, up to half a second, until a write gets through", () => {
    const { clock, lane, keeper, keep } = keeperOf();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      if (i === 8) keeper.answered();
      keeper.refused("loading");
      const before = clock.now();
      keep();
      while (lane.opened === i) clock.advance(5);
      pauses.push(clock.now() - before);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 500, 5]);
  });
});

it("a master is trusted for a poll interval and a heartbeat after the question that showed it in office", () => {
  const { lane, keeper } = keeperOf();
  lane.trustedUntil = 100;
  keeper.trust(100);
  keeper.trust(50);
  expect(lane.trustedUntil).toBe(1600);
});

describe("after a silence", () => {
  it("opens only when all nodes were asked: a deposed master may not know it yet, and its fences renew no trust", async () => {
    const { clock, lane, keep } = keeperOf();
    const asked = deferred<void>();
    const limits = { pollIntervalMs: 1000, heartbeatTimeoutMs: 500 };
    const keeper = new LaneKeeper(lane as unknown as WriteLane, limits, clock, keep, () => asked.promise);
    lane.trustedUntil = 1500;
    keeper.trust(1400);
    expect(lane.trustedUntil).toBe(2900);
    keeper.trust(3000);
    expect(lane.trustedUntil).toBe(2900);
    keeper.silence();
    keeper.keep(STATE, "A", CONNECTION, null);
    expect(lane.opened).toBe(0);
    asked.resolve();
    await asked.promise;
    await Promise.resolve();
    keeper.keep(STATE, "A", CONNECTION, null);
    expect(lane.opened).toBeGreaterThan(0);
  });
});
