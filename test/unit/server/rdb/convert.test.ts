import { describe, expect, it } from "vitest";
import { Config } from "../../../../src/server/config/config.js";
import { fromRdb, toRdb } from "../../../../src/server/rdb/convert.js";
import { readDump } from "../../../../src/server/rdb/read.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";

const limits = new Config();
const words = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${i}`);
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe("Values of an RDB in the keyspace", () => {
  const values: readonly (readonly [RdbValue, string | null])[] = [
    [{ type: "string", value: "ÿ\u0000" }, null],
    [{ type: "list", items: words(300) }, null],
    [{ type: "set", members: numbers(512) }, "intset"],
    [{ type: "set", members: numbers(513) }, "hashtable"],
    [{ type: "set", members: ["1", "01"] }, "hashtable"],
    [{ type: "hash", pairs: words(10) }, "listpack"],
    [{ type: "hash", pairs: ["f", "x".repeat(65)] }, "hashtable"],
    [{ type: "zset", members: words(3), scores: [1, 2, 3] }, "listpack"],
    [{ type: "zset", members: words(129), scores: words(129).map((_, i) => i) }, "skiplist"],
  ];

  it.each(values)("come back equal, with the encoding that a real server shows: %#", (value, encoding) => {
    const kept = fromRdb(value, limits);
    expect(toRdb(kept)).toEqual(value);
    if (encoding !== null) expect(kept).toHaveProperty("encoding", encoding);
  });

  it.each(values)("go through DUMP and back: %#", (value) => {
    expect(readDump(Buffer.from(RdbWriter.dump(value), "latin1"))).toEqual(value);
  });

  it("are refused when they are empty or name an element twice", () => {
    expect(() => fromRdb({ type: "list", items: [] }, limits)).toThrow(/without elements/);
    expect(() => fromRdb({ type: "set", members: ["a", "a"] }, limits)).toThrow(/twice/);
    expect(() => fromRdb({ type: "hash", pairs: ["a", "1", "a", "2"] }, limits)).toThrow(/twice/);
  });

  it("are refused as DUMP payloads when version or checksum is wrong", () => {
    const payload = Buffer.from(RdbWriter.dump({ type: "string", value: "v" }), "latin1");
    expect(readDump(Buffer.alloc(4))).toBeNull();
    for (let i = 0; i < payload.length; i++) {
      const broken = Buffer.from(payload);
      broken[i] = (payload[i] as number) ^ 1;
      expect(readDump(broken)).toBeNull();
    }
  });
});
