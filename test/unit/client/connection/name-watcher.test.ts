import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import { addressesOf, NameWatcher } from "../../../../src/client/connection/name-watcher.js";
import type { LookupInput } from "../../../../src/client/topology/input.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

type Answer = Parameters<LookupFunction>[2];

function setUp({ intervalMs = 10_000 } = {}) {
  const clock = new ManualClock();
  const asked: { host: string; at: number; options: object; answer: Answer }[] = [];
  const inputs: LookupInput[] = [];
  const watcher = new NameWatcher({
    clock,
    names: [{ id: "n:1", host: "n", port: 1 }],
    family: undefined,
    lookup: (host, options, answer) => void asked.push({ host, at: clock.now(), options, answer }),
    intervalMs,
    timeoutMs: 3000,
    onInput: (input) => void inputs.push(input),
  });
  const four = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: 4 }));
  /** Answers the newest question; how long it takes to the next one. */
  const answer = (...addresses: string[]): number => {
    const from = clock.now();
    const before = asked.length;
    asked.at(-1)?.answer(null, four(...addresses));
    while (asked.length === before) clock.advance(100);
    return clock.now() - from;
  };
  return { clock, asked, inputs, watcher, four, answer };
}

describe("NameWatcher", () => {
  it("asks for all addresses at once and hands on what it is told, then at gaps that grow to the interval", () => {
    const { asked, inputs, watcher, answer } = setUp();
    watcher.start();
    expect(asked).toMatchObject([{ host: "n", at: 0, options: { all: true, family: 0 } }]);
    const first = answer("10.0.0.1", "10.0.0.2");
    expect(inputs).toEqual([
      {
        type: "lookup",
        at: 0,
        name: "n:1",
        addresses: [
          { host: "10.0.0.1", port: 1 },
          { host: "10.0.0.2", port: 1 },
        ],
      },
    ]);
    const gaps = Array.from({ length: 7 }, () => answer("10.0.0.2", "10.0.0.1"));
    expect([first, ...gaps]).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it("asks soon again while answers have new addresses, one that shows one of five in turn", () => {
    const { watcher, answer } = setUp();
    watcher.start();
    const gaps = Array.from({ length: 12 }, (_, turn) => answer(`10.0.0.${turn % 5}`));
    expect(gaps).toEqual([500, 500, 500, 500, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it("asks at the interval in the end where every answer is new, and soon again once one was not", () => {
    const { inputs, watcher, answer } = setUp();
    watcher.start();
    const gaps = Array.from({ length: 80 }, (_, i) => answer(`10.0.1.${i}`));
    expect(gaps.slice(0, 64)).toEqual(Array(64).fill(500));
    expect(gaps.slice(64)).toEqual([1000, 2000, 4000, 8000, ...Array(12).fill(10_000)]);
    expect(inputs).toHaveLength(80);
    expect(answer("10.0.1.79")).toBe(10_000);
    expect(answer("10.0.1.80")).toBe(500);
    // Of those that were shown the newest 64 are known.
    expect(["17", "81", "17", "0"].map((last) => answer(`10.0.1.${last}`))).toEqual([1000, 500, 1000, 500]);
  });

  it("asks at a short interval from the first", () => {
    const { watcher, answer } = setUp({ intervalMs: 100 });
    watcher.start();
    expect([answer("10.0.0.1"), answer("10.0.0.2"), answer("10.0.0.2")]).toEqual([100, 100, 100]);
  });

  it("understands a look-up that knows one address only", () => {
    const { asked, inputs, watcher } = setUp();
    watcher.start();
    asked[0]?.answer(null, "10.0.0.1", 4);
    expect(inputs).toMatchObject([{ addresses: [{ host: "10.0.0.1", port: 1 }] }]);
  });

  it("asks when it is asked to, twice a second at most, and never two at a time", () => {
    const { clock, asked, watcher, four } = setUp();
    watcher.start();
    watcher.requestCheck();
    watcher.requestCheck();
    expect(asked).toHaveLength(1);
    clock.advance(200);
    asked[0]?.answer(null, four("10.0.0.1"));
    clock.advance(299);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(asked.map(({ at }) => at)).toEqual([0, 500]);
    asked[1]?.answer(null, four("10.0.0.1"));
    clock.advance(600);
    watcher.requestCheck();
    expect(asked.map(({ at }) => at)).toEqual([0, 500, 1100]);
  });

  it("says nothing of a look-up that fails or never ends, and goes on", () => {
    const { clock, asked, inputs, watcher, four } = setUp();
    watcher.start();
    asked[0]?.answer(Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" }), "", 4);
    clock.advance(10_000);
    clock.advance(3000);
    // Too late: the look-up after it is on its way or will be.
    asked[1]?.answer(null, four("10.0.0.9"));
    expect(inputs).toEqual([]);
    clock.advance(10_000);
    asked[2]?.answer(null, four("10.0.0.1"));
    expect(inputs).toHaveLength(1);
  });

  it("leaves nothing when it is stopped", () => {
    const { clock, asked, inputs, watcher, four } = setUp();
    watcher.start();
    watcher.stop();
    asked[0]?.answer(null, four("10.0.0.1"));
    watcher.requestCheck();
    clock.advance(100_000);
    expect(asked).toHaveLength(1);
    expect(inputs).toEqual([]);
  });
});

it.each([
  ["each once", ["1.1.1.1", "1.1.1.2", "1.1.1.1"], undefined, ["1.1.1.1", "1.1.1.2"]],
  ["of a server with both kinds, what the system puts first", ["::1", "127.0.0.1"], undefined, ["::1"]],
  ["the other way round", ["127.0.0.1", "::1"], 0, ["127.0.0.1"]],
  ["of the kind that there is more of", ["::1", "1.1.1.1", "1.1.1.2"], undefined, ["1.1.1.1", "1.1.1.2"]],
  ["of the family that is asked for", ["1.1.1.1", "1.1.1.2", "::1"], 6, ["::1"]],
  ["none of it", ["1.1.1.1"], 6, []],
])("addresses: %s", (_name, found, family, expected) => {
  const addresses = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  expect(addressesOf(addresses, family)).toEqual(expected);
});
