import { describe, expect, it } from "vitest";
import { Config } from "../../../../src/server/config/config.js";
import { fromRdb } from "../../../../src/server/rdb/convert.js";
import { readDump, readRdb } from "../../../../src/server/rdb/read.js";
import { fuzzRdb, fuzzSeeds } from "../../../fuzz/rdb.js";

describe("Broken RDB files and DUMP payloads", () => {
  it("begin as right ones, in every encoding there is", () => {
    const { dumps, file } = fuzzSeeds();
    const limits = new Config();
    for (const dump of dumps) {
      const value = readDump(dump, false);
      expect(value, dump.toString("hex")).not.toBeNull();
      if (value !== null) fromRdb(value, limits);
    }
    expect([...readRdb(file)].filter((item) => item.kind === "key")).toHaveLength(dumps.length);
  });

  it.each([1, 2, 3])("are refused or taken, never more than they can hold (seed %i)", (seed) => {
    const { taken, refused } = fuzzRdb(seed, 10_000, () => 0);
    expect(taken).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(2000);
  });
});
