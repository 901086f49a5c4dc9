import { describe, expect, it } from "vitest";
import type { Measured } from "../../../src/cli/bench/load.js";
import { quantile, spread, summarize, type Turn } from "../../../src/cli/bench/summary.js";

const measured = (over: Partial<Measured>): Measured => ({
  ops: 1000,
  seconds: 1,
  cpuMicros: 10_000,
  latenciesMs: Float64Array.from([1, 2, 3]),
  wrong: 0,
  errors: {},
  ...over,
});
const turn = (round: number, peer: string, over: Partial<Measured> = {}): Turn => ({
  round,
  peer,
  inFlight: 10,
  measured: measured(over),
});

describe("the figures of the bench", () => {
  it.each([
    [[], null],
    [[3], { median: 3, min: 3, max: 3 }],
    [[3, 1, 2], { median: 2, min: 1, max: 3 }],
    [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
  ])("the spread of %j", (values, expected) => {
    expect(spread(values)).toEqual(expected);
  });

  it("quantiles of what was measured", () => {
    const sorted = Float64Array.from({ length: 101 }, (_, index) => index);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([0, 50, 99, 100]);
    expect(quantile(new Float64Array(), 0.5)).toBeNaN();
  });

  it("ratios are those of each round, so that a round in which all is slow changes none", () => {
    const lines = summarize([
      turn(0, "ioredis"),
      turn(0, "ioreplica session", { ops: 2000, latenciesMs: Float64Array.from([0.5, 1, 1.5]) }),
      turn(1, "ioredis", { ops: 100, cpuMicros: 10_000, latenciesMs: Float64Array.from([10, 20, 30]) }),
      turn(1, "ioreplica session", { ops: 200, latenciesMs: Float64Array.from([5, 10, 15]) }),
    ]);
    expect(lines.map(({ peer }) => peer)).toEqual(["ioredis", "ioreplica session"]);
    expect(lines[1]).toMatchObject({
      opsPerSecond: 1100,
      p50Ms: 5.5,
      speed: { median: 2, min: 2, max: 2 },
      latency: { median: 0.5, min: 0.5, max: 0.5 },
    });
  });

  it("errors and wrong values add up over the rounds, and nothing is compared with a client that took no turn", () => {
    const [line] = summarize([
      turn(0, "ioreplica strong", { wrong: 1, errors: { READONLY: 2 } }),
      turn(1, "ioreplica strong", { wrong: 2, errors: { READONLY: 1, OOM: 4 } }),
    ]);
    expect(line).toMatchObject({ wrong: 3, errors: { READONLY: 3, OOM: 4 }, speed: null, latency: null });
  });
});
