import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import { addressesOf, NameWatcher } from "../../../../src/client/connection/name-watcher.js";
import type { LookupInput } from "../../../../src/client/topology/input.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

type Answer = Parameters<LookupFunction>[2];

function setUp() {
  const clock = new ManualClock();
  const asked: { host: string; at: number; options: object; answer: Answer }[] = [];
  const inputs: LookupInput[] = [];
  const watcher = new NameWatcher({
    clock,
    names: [{ id: "n:1", host: "n", port: 1 }],
    family: undefined,
    lookup: (host, options, answer) => void asked.push({ host, at: clock.now(), options, answer }),
    intervalMs: 10_000,
    timeoutMs: 3000,
    onInput: (input) => void inputs.push(input),
  });
  const four = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: 4 }));
  return { clock, asked, inputs, watcher, four };
}

describe("NameWatcher", () => {
  it("asks for all addresses at once, then at the interval, and hands on what it is told", () => {
    const { clock, asked, inputs, watcher, four } = setUp();
    watcher.start();
    expect(asked).toMatchObject([{ host: "n", at: 0, options: { all: true, family: 0 } }]);
    asked[0]?.answer(null, four("10.0.0.1", "10.0.0.2"));
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
    clock.advance(9999);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(asked).toHaveLength(2);
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
    clock.advance(2000);
    watcher.requestCheck();
    expect(asked.map(({ at }) => at)).toEqual([0, 500, 2500]);
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
