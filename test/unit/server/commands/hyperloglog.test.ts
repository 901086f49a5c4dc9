import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Counter, REGISTERS } from "../../../../src/server/commands/hyperloglog/counter.js";
import { estimate } from "../../../../src/server/commands/hyperloglog/estimate.js";
import { place } from "../../../../src/server/commands/hyperloglog/hash.js";

/** What every counter must agree with: an array of registers. */
function model(raises: readonly (readonly [number, number])[]): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  for (const [register, value] of raises) registers[register] = Math.max(registers[register] as number, value);
  return registers;
}

const raise = fc.tuple(
  fc.oneof(fc.nat(40), fc.nat(REGISTERS - 1), fc.constant(REGISTERS - 1)),
  fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 51 })),
);

describe("a HyperLogLog", () => {
  it.each([3000, 40])("keeps the highest value of each register, sparse up to %i bytes and dense beyond", (most) => {
    fc.assert(
      fc.property(fc.array(raise, { maxLength: 200 }), (raises) => {
        const sparse = Counter.empty();
        const dense = Counter.empty();
        dense.makeDense();
        const seen = model([]);
        for (const [register, value] of raises) {
          const higher = value > (seen[register] as number);
          if (higher) seen[register] = value;
          expect(sparse.raise(register, value, most)).toBe(higher);
          expect(dense.raise(register, value, most)).toBe(higher);
          if (sparse.isSparse) expect(sparse.text.length).toBeLessThanOrEqual(Math.max(most, 18));
        }
        for (const counter of [sparse, dense, Counter.of(sparse.text)]) {
          expect(Buffer.compare(counter.registers(), seen)).toBe(0);
        }
        sparse.makeDense();
        expect(sparse.text.slice(16) === dense.text.slice(16)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("counts within a few percent of the truth", () => {
    const counter = Counter.empty();
    for (let i = 0; i < 10_000; i++) {
      const { register, run } = place(`element ${i}`);
      counter.raise(register, run, 3000);
    }
    const counted = estimate(counter.registers());
    expect(Math.abs(counted - 10_000)).toBeLessThan(500);
    expect(estimate(Counter.empty().registers())).toBe(0);
  });

  it("knows when its cached count is out of date", () => {
    const counter = Counter.empty();
    expect(counter.cached).toBe(0);
    counter.cached = 12_345_678_901;
    expect(Counter.of(counter.text).cached).toBe(12_345_678_901);
    counter.cached = null;
    expect(Counter.of(counter.text).cached).toBeNull();
  });

  it.each(["", "HYLL", "HYLX\x01".padEnd(18, "\0"), "HYLL\x02".padEnd(18, "\0"), "HYLL\x00".padEnd(18, "\0")])(
    "is not %j",
    (text) => {
      expect(() => Counter.of(text)).toThrow("not a valid HyperLogLog");
    },
  );
});
