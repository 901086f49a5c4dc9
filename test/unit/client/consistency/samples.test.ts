import fc from "fast-check";
import { expect, test } from "vitest";
import { Samples } from "../../../../src/client/consistency/samples.js";

test("the ring is bounded and reaches back far: a long run keeps its first sample, and only overstates age", () => {
  const samples = new Samples(256);
  for (let t = 0; t <= 100_000; t++) samples.push(t, t * 10);
  expect(samples.size).toBeLessThanOrEqual(256);
  expect(samples.newestAt).toBe(100_000);
  for (const applied of [0, 5_000, 500_000, 999_000, 1_000_000]) {
    const age = 100_000 - applied / 10;
    const bound = samples.stalenessOf(applied, 100_000) as number;
    expect(bound).toBeGreaterThanOrEqual(age);
    // Spacing grows with age, so the overstatement is a share of it.
    expect(bound).toBeLessThanOrEqual(age * 1.25 + 2);
  }
});

test("answers to questions of one moment: the ring stays bounded while time stands still", () => {
  const samples = new Samples(8);
  for (let offset = 0; offset < 1000; offset++) samples.push(5, offset);
  expect(samples.size).toBe(1);
  expect(samples.stalenessOf(0, 5)).toBe(0);
});

test("the smallest ring still ends its thinning", () => {
  const samples = new Samples(1);
  for (let t = 0; t < 1000; t++) samples.push(t, t);
  expect(samples.size).toBeLessThanOrEqual(8);
  expect(samples.stalenessOf(999, 1000)).toBe(1);
});

test("the offset that a tolerance asks for says the same as the staleness of each node", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 50 })), { maxLength: 80 });
  fc.assert(
    fc.property(steps, fc.nat(900), fc.nat(4000), fc.nat(900), (moves, tolerance, applied, later) => {
      const samples = new Samples(16);
      let t = 0;
      let offset = 0;
      for (const [dt, bytes] of moves) {
        t += dt;
        offset += bytes;
        samples.push(t, offset);
      }
      const now = t + later;
      const staleness = samples.stalenessOf(applied, now) ?? Number.POSITIVE_INFINITY;
      expect(applied >= samples.offsetWithin(tolerance, now)).toBe(staleness <= tolerance);
    }),
  );
});

test("thinned or not, no bound is below the truth", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 200 }),
      fc.nat(199),
      (bytes, at) => {
        const samples = new Samples(8);
        const offsets: number[] = [];
        let offset = 0;
        for (const [t, more] of bytes.entries()) {
          offset += more;
          offsets.push(offset);
          samples.push(t, offset);
        }
        const index = at % bytes.length;
        const applied = offsets[index] as number;
        const now = bytes.length;
        // The truth: the last moment at which the master held no more than what was applied.
        const truth = now - offsets.lastIndexOf(applied);
        expect(samples.stalenessOf(applied, now) ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(truth);
      },
    ),
  );
});
