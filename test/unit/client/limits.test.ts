import { describe, expect, it } from "vitest";
import { CommandHeads } from "../../../src/client/connection/command-heads.js";
import { Hedger } from "../../../src/client/engine/hedger.js";
import type { Operation } from "../../../src/client/engine/operation.js";
import { CallLog } from "../../../src/client/engine/trace.js";
import { CommandTable } from "../../../src/client/routing/command-table.js";
import type { CallTrace } from "../../../src/client/types.js";
import { ManualClock } from "../../../src/core/manual-clock.js";

describe("what is kept so that it is not made again", () => {
  it("heads of commands: none for calls of many arguments, however many numbers of them there are", () => {
    const heads = new CommandHeads();
    for (let count = 0; count <= 2000; count++)
      expect(heads.of("del", count).toString()).toBe(`*${count + 1}\r\n$3\r\ndel\r\n`);
    expect(heads.size).toBe(65);
    expect(heads.of("del", 64)).toBe(heads.of("del", 64));
  });

  it("names of commands, as they are spelt: 4096; further ones are looked up at each call", () => {
    const table = new CommandTable();
    for (let i = 0; i < 4096; i++) table.lookup(`spelling${i}`);
    expect(table.lookup("spelling0")).toBe(table.lookup("spelling0"));
    expect(table.lookup("further")).not.toBe(table.lookup("further"));
    expect(table.lookup("GeT")).toMatchObject({ name: "get", intent: "read" });
  });

  it("positions of keys: for calls of fewer than 256 arguments", () => {
    const { findKeys } = new CommandTable().lookup("mget");
    const keys = (count: number): readonly number[] => findKeys(Array.from({ length: count }, String));
    expect(keys(255)).toBe(keys(255));
    expect(keys(256)).not.toBe(keys(256));
    expect(keys(256)).toHaveLength(256);
  });
});

it("of the reads that are watched for one delay, to be asked twice, 10,000 are", () => {
  const clock = new ManualClock();
  let asked = 0;
  const hedger = new Hedger({
    clock,
    hedgePercent: 100,
    replied() {},
    failed() {},
    sendSecond: () => ++asked < 0,
  });
  const read = { settled: false, flush: {}, inLane: false, reply: undefined, parkedError: null, command: {} };
  for (let i = 0; i < 10_001; i++) hedger.watch(read as unknown as Operation, 10);
  hedger.watch(read as unknown as Operation, 20);
  clock.advance(10);
  expect(asked).toBe(10_000);
  clock.advance(10);
  expect(asked).toBe(10_001);
});

it("a log of calls keeps the first 10,000", async () => {
  const told: unknown[] = [];
  const log = new CallLog((call) => told.push(call));
  const calls = Array.from({ length: 10_001 }, (_, i) => Promise.resolve({ command: String(i) } as CallTrace));
  for (const call of calls) log.note(call);
  const { calls: kept } = await log.with(null);
  expect([kept.length, kept[0]?.command, kept.at(-1)?.command]).toEqual([10_000, "0", "9999"]);
  expect(told).toHaveLength(10_001);
});
