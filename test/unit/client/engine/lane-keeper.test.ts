import { describe, expect, it } from "vitest";
import type { NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { LaneKeeper } from "../../../../src/client/engine/lane-keeper.js";
import type { WriteLane } from "../../../../src/client/engine/write-lane.js";
import type { TopologyState } from "../../../../src/client/topology/state.js";
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
  const keeper = new LaneKeeper(lane as unknown as WriteLane, limits, clock, keep);
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
  keeper.trust(100);
  keeper.trust(50);
  expect(lane.trustedUntil).toBe(1600);
});
