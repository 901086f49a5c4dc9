import { describe, expect, it } from "vitest";
import { type CutSink, DatabaseCut } from "../../../../src/server/keyspace/cut.js";
import type { Entry } from "../../../../src/server/keyspace/entry.js";
import { KeyTable } from "../../../../src/server/keyspace/key-table.js";
import { List } from "../../../../src/server/keyspace/list.js";
import { SLOT_COUNT } from "../../../../src/server/keyspace/slots.js";
import type { Value } from "../../../../src/server/keyspace/values.js";

/** The lowest hash of a slot: that of its key here. */
const hashIn = (slot: number): number => (slot * (2 ** 32 / SLOT_COUNT)) >>> 0;
const listOf = (length: number): List => new List(Array.from({ length }, () => "element"));
const LARGE = 4097;

/** A cut of a table that holds a key `slot` in each of these slots, and what it says from then on. */
function cutOf(contents: ReadonlyMap<number, Value>) {
  const table = new KeyTable();
  for (const [slot, value] of contents) table.add(String(slot), hashIn(slot), value, -1, 0);
  const said: string[] = [];
  const sink: CutSink = {
    entry: (db, key, { value }: Entry) => said.push(`${db} ${key} ${typeof value === "string" ? value : value.type}`),
    putAside: (entry) => {
      const key = [...contents].find(([, value]) => value === entry.value)?.[0];
      said.push(`aside ${key}`);
      return { entry, changes: () => said.push(`changes ${key}`), drop: () => said.push(`drop ${key}`) };
    },
    ahead: (key) => said.push(`ahead ${key}`),
  };
  const cut = new DatabaseCut(3, table, sink);
  const before = (slot: number): void => cut.before(String(slot), hashIn(slot));
  const saidSince = (): string[] => said.splice(0);
  return { table, cut, before, saidSince };
}

describe("A cut of a database", () => {
  it("writes from the first slot to the last, each time the next that holds anything", () => {
    const { cut, saidSince } = cutOf(new Map([0, 7, SLOT_COUNT - 1].map((slot) => [slot, "value"])));
    for (const slot of [0, 7, SLOT_COUNT - 1]) {
      expect(cut.walked).toBe(false);
      cut.writeSlot();
      expect(saidSince()).toEqual([`3 ${slot} value`]);
    }
    expect(cut.walked).toBe(true);
  });

  it("writes a key ahead of its first change, from the slot on that comes next", () => {
    const { cut, table, before, saidSince } = cutOf(new Map([4, 5, 6].map((slot) => [slot, "value"])));
    table.add("beside 5", hashIn(5) + 1, "value", -1, 0);
    cut.writeSlot();
    saidSince();
    before(4);
    expect(saidSince()).toEqual([]);
    before(5);
    before(5);
    expect(saidSince()).toEqual(["3 5 value", "ahead 5"]);
    cut.before("beside 5", hashIn(5) + 1);
    expect(saidSince()).toEqual(["3 beside 5 value", "ahead beside 5"]);
    cut.writeSlot();
    expect(saidSince()).toEqual([]);
    cut.writeSlot();
    expect(saidSince()).toEqual(["3 6 value"]);
  });

  it("holds no key that was not there", () => {
    const { cut, table, before, saidSince } = cutOf(new Map([[9, "value"]]));
    before(8);
    table.add("8", hashIn(8), "new", 5000, 0);
    expect([cut.size, cut.volatileSize]).toEqual([1, 0]);
    while (!cut.walked) cut.writeSlot();
    expect(saidSince()).toEqual(["3 9 value"]);
  });

  it("puts aside what is large, and says when it changes before it is written", () => {
    const contents = new Map([LARGE - 1, LARGE].map((length, slot) => [slot, listOf(length)]));
    const { cut, before, saidSince } = cutOf(contents);
    cut.writeSlot();
    expect(saidSince()).toEqual(["3 0 list"]);
    cut.writeSlot();
    expect(saidSince()).toEqual(["aside 1"]);
    before(0);
    expect(saidSince()).toEqual([]);
    before(1);
    expect(saidSince()).toEqual(["changes 1"]);
    cut.large.delete("1");
    before(1);
    expect(saidSince()).toEqual([]);
  });

  it("puts what is large aside ahead of its first change, once", () => {
    const { cut, before, saidSince } = cutOf(new Map([[2, listOf(LARGE)]]));
    before(2);
    expect(saidSince()).toEqual(["aside 2", "changes 2", "ahead 2"]);
    before(2);
    while (!cut.walked) cut.writeSlot();
    expect(saidSince()).toEqual([]);
    expect([...cut.large.keys()]).toEqual(["2"]);
  });

  it("drops what is put aside when it is given up", () => {
    const { cut, before, saidSince } = cutOf(new Map([1, 2].map((slot) => [slot, listOf(LARGE)])));
    cut.writeSlot();
    before(2);
    saidSince();
    cut.end();
    expect(saidSince()).toEqual(["drop 1", "drop 2"]);
    expect(cut.large.size).toBe(0);
  });
});
