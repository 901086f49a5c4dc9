import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../../../../src/server/dispatch/latency-histogram.js";

describe("a latency histogram", () => {
  it("tells each percentile within a sixteenth, never below the truth", () => {
    const micros = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(fc.array(micros, { minLength: 1 }), fc.integer({ min: 0, max: 100 }), (runs, percent) => {
        const histogram = new LatencyHistogram();
        for (const run of runs) histogram.note(run);
        const sorted = [...runs].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil((runs.length * percent) / 100)) - 1] as number;
        const told = histogram.percentile(percent);
        expect(told).toBeGreaterThanOrEqual(exact);
        expect(told).toBeLessThanOrEqual(exact * (1 + 1 / 16));
      }),
    );
  });

  it("takes what is shorter than a microsecond for one, and what is longer than it can tell for the longest", () => {
    const histogram = new LatencyHistogram();
    histogram.note(0.01);
    expect(histogram.percentile(100)).toBe(1);
    histogram.note(1e15);
    expect(histogram.percentile(100)).toBe(2 ** 31 - 1);
  });
});

it("counts what lies below each power of two", () => {
  const histogram = new LatencyHistogram();
  for (let micros = 1; micros < 100; micros++) histogram.note(micros);
  expect(histogram.count).toBe(99);
  expect(histogram.powers()).toEqual([
    [2, 1],
    [4, 3],
    [8, 7],
    [16, 15],
    [32, 31],
    [64, 63],
    [128, 99],
  ]);
});
