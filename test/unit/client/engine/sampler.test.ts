import { expect, it } from "vitest";
import { Sampler } from "../../../../src/client/engine/sampler.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

function samplerOf() {
  const clock = new ManualClock();
  const at: number[] = [];
  return { clock, at, sampler: new Sampler(clock, () => void at.push(clock.now())) };
}

it("asks at once, and then four times per bound", () => {
  const { sampler, clock, at } = samplerOf();
  sampler.demand(400);
  clock.advance(400);
  expect(at).toEqual([0, 100, 200, 300, 400]);
});

it("never more often than every 10 ms", () => {
  const { sampler, clock, at } = samplerOf();
  sampler.demand(1);
  clock.advance(30);
  expect(at).toEqual([0, 10, 20, 30]);
});

it("goes by the smallest bound that is in use", () => {
  const { sampler, clock, at } = samplerOf();
  sampler.demand(400);
  sampler.demand(80);
  sampler.demand(400);
  clock.advance(160);
  expect(at).toEqual([0, 100, 120, 140, 160]);
});

it("stops when nobody reads with a bound any more, and leaves no timer", () => {
  const { sampler, clock, at } = samplerOf();
  sampler.demand(100);
  clock.advance(5000);
  expect(clock.pending).toBe(0);
  const { length } = at;
  sampler.demand(100);
  expect(at.length).toBe(length + 1);
});

it("stops at once when told to", () => {
  const { sampler, clock } = samplerOf();
  sampler.demand(100);
  sampler.stop();
  expect(clock.pending).toBe(0);
});
