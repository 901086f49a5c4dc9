import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellsCovering, distanceM, distanceWithin } from "../../../../src/server/commands/geo/area.js";
import { distanceText } from "../../../../src/server/commands/geo/arguments.js";
import { bitsOf, cellOf, placeOf, STEPS, scoresOf } from "../../../../src/server/commands/geo/geohash.js";
import { arcsine, cosine, sine } from "../../../../src/server/commands/geo/trigonometry.js";

const place = fc.record({
  longitude: fc.double({ min: -180, max: 179.999, noNaN: true }),
  latitude: fc.double({ min: -85, max: 85, noNaN: true }),
});

describe("geohashes", () => {
  it("come back as a place within the width of a cell", () => {
    fc.assert(
      fc.property(place, (given) => {
        const back = placeOf(Number(bitsOf(cellOf(given, STEPS))));
        expect(Math.abs(back.longitude - given.longitude)).toBeLessThan(360 / 2 ** STEPS);
        expect(Math.abs(back.latitude - given.latitude)).toBeLessThan(180 / 2 ** STEPS);
      }),
    );
  });

  it("of the cells that cover a shape hold every place in it", () => {
    fc.assert(
      fc.property(place, place, fc.double({ min: 1, max: 3000, noNaN: true }), (center, other, radius) => {
        // Where the earth is cut open, Redis looks on one side only; so do we.
        fc.pre(Math.abs(center.longitude) < 90 && Math.abs(other.longitude) < 90 && Math.abs(center.latitude) < 60);
        const shape = { center, unitM: 1000, radius };
        const score = Number(bitsOf(cellOf(other, STEPS)));
        const covered = cellsCovering(shape).some((cell) => {
          const [from, to] = scoresOf(cell);
          return score >= from && score < to;
        });
        if (distanceWithin(shape, placeOf(score)) !== null) expect(covered).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("distances", () => {
  it("are those that redis-server gives", () => {
    const palermo = placeOf(3479099956230698);
    const catania = placeOf(3479447370796909);
    expect(distanceText(distanceM(palermo, catania))).toBe("166274.1516");
    expect(distanceText(distanceM(palermo, palermo))).toBe("0.0000");
  });

  it.each([
    [0.00005, "0.0000"],
    [0.00025, "0.0002"],
    [1.5, "1.5000"],
    [123456.78905, "123456.7890"],
  ])("%d is written %s", (distance, text) => {
    expect(distanceText(distance)).toBe(text);
  });
});

describe("sine, cosine and arcsine", () => {
  // Rounded from 40 digits, places where an engine's own may be off by a bit among them.
  it.each([
    [1, 0.8414709848078965, 0.5403023058681398],
    [0.5, 0.479425538604203, 0.8775825618903728],
    [3, 0.1411200080598672, -0.9899924966004454],
    [-2.5, -0.5984721441039565, -0.8011436155469337],
    [1e-9, 1e-9, 1],
  ])("of %d are rounded right", (x, sin, cos) => {
    expect(sine(x)).toBe(sin);
    expect(cosine(x)).toBe(cos);
  });

  it("undo each other, and lie next to what the engine says", () => {
    fc.assert(
      fc.property(fc.double({ min: -3.2, max: 3.2, noNaN: true }), (x) => {
        expect(sine(x)).toBeCloseTo(Math.sin(x), 14);
        expect(cosine(x)).toBeCloseTo(Math.cos(x), 14);
        expect(arcsine(Math.abs(sine(x)))).toBeCloseTo(Math.asin(Math.abs(Math.sin(x))), 7);
      }),
    );
    expect([arcsine(0), arcsine(1)]).toEqual([0, Math.PI / 2]);
    expect(arcsine(0.5)).toBe(0.5235987755982989);
  });
});
