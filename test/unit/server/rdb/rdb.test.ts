import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/core/random.js";
import { Crc64 } from "../../../../src/server/rdb/crc64.js";
import { decompress } from "../../../../src/server/rdb/lzf.js";
import { compress } from "../../../../src/server/rdb/lzf-compress.js";
import { readDump, readRdb } from "../../../../src/server/rdb/read.js";
import type { RdbItem, RdbValue } from "../../../../src/server/rdb/value.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";
import { fileOf } from "./support.js";

const keysOf = (file: Buffer): RdbItem[] => [...readRdb(file)].filter((item) => item.kind === "key");

const VALUES: readonly RdbValue[] = [
  { type: "string", value: "" },
  { type: "string", value: "\u0000\r\nÿ" },
  { type: "string", value: "x".repeat(70) },
  { type: "string", value: "y".repeat(20_000) },
  { type: "string", value: "z".repeat(200_000) },
  { type: "list", items: ["a", "", "a"] },
  { type: "set", members: ["1", "two"] },
  { type: "hash", pairs: ["f", "1", "g", "2"] },
  { type: "zset", members: ["lo", "hi"], scores: [Number.NEGATIVE_INFINITY, 1.1] },
];

describe("CRC-64", () => {
  it("gives the check value of the Jones polynomial", () => {
    expect(new Crc64().update(Buffer.from("123456789")).digest().readBigUInt64LE()).toBe(0xe9c6d914c4b8d9can);
  });

  it("does not depend on how the bytes are cut", () => {
    const bytes = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) & 255));
    const whole = new Crc64().update(bytes).digest();
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(new Crc64().update(bytes, 0, cut).update(bytes, cut).digest()).toEqual(whole);
    }
  });
});

describe("LZF", () => {
  it("copies overlapping runs", () => {
    expect(decompress(Buffer.from([0, 0x61, 0xe0, 0, 0]), 10).toString()).toBe("a".repeat(10));
  });

  it.each([
    ["a literal beyond the input", [5, 1], 6],
    ["a copy from before the start", [0x20, 0], 3],
    ["a copy beyond the output", [0, 0x61, 0xe0, 255, 0], 10],
    ["a copy that is cut off", [0, 0x61, 0xe0], 10],
    ["too little output", [0, 0x61], 5],
    ["a length that cannot be reached", [0, 0x61], 1_000_000_000],
  ])("refuses %s", (_, bytes, length) => {
    expect(() => decompress(Buffer.from(bytes), length)).toThrow(/LZF/);
  });
});

describe("RDB", () => {
  it("gives back what was written, across chunks and databases", () => {
    const file = fileOf((writer) => {
      writer.aux("repl-id", "abc");
      VALUES.forEach((value, i) => {
        writer.key(i % 3, `key:${i}`, value, i % 2 ? 1_800_000_000_000 + i : null);
      });
    });
    const items = [...readRdb(file)];
    expect(items[0]).toEqual({ kind: "aux", name: "repl-id", value: "abc" });
    expect(items.slice(1)).toMatchObject(
      VALUES.map((value, i) => ({
        kind: "key",
        db: i % 3,
        key: `key:${i}`,
        value,
        expireAt: i % 2 ? 1_800_000_000_000 + i : null,
      })),
    );
  });

  it("keeps its place when a chunk fills up at any byte", () => {
    const expected: Partial<RdbItem>[] = [];
    const file = fileOf((writer) => {
      for (let i = 0; i < 4000; i++) {
        const value: RdbValue = { type: "zset", members: ["m".repeat(i % 50)], scores: [i / 3] };
        writer.key(0, `k${i}`, value, i);
        expected.push({ kind: "key", db: 0, key: `k${i}`, value, expireAt: i });
      }
    });
    expect(keysOf(file)).toMatchObject(expected);
  });

  it("refuses a file with a wrong checksum and takes one with none", () => {
    const file = fileOf((writer) => writer.key(0, "k", { type: "string", value: "v" }, null));
    const broken = Buffer.from(file);
    broken[file.length - 1] = (file[file.length - 1] as number) ^ 1;
    expect(() => keysOf(broken)).toThrow("wrong RDB checksum");
    expect(keysOf(Buffer.concat([file.subarray(0, -8), Buffer.alloc(8)]))).toHaveLength(1);
  });

  it("fails cleanly wherever a file is cut off", () => {
    const file = fileOf((writer) => {
      VALUES.slice(0, 3).forEach((value, i) => {
        writer.key(i, `k${i}`, value, 5);
      });
    });
    for (let end = 0; end < file.length; end++) expect(() => keysOf(file.subarray(0, end))).toThrow();
  });

  it.each([
    ["a value of a module", [7], /a module's type/],
    ["an unknown type", [99], /unknown RDB type 99/],
    ["function libraries of a release candidate", [246, 1, 0x61], /function format/],
    ["a database that is not there", [254, 16], /database 16/],
    ["more elements than bytes", [1, 1, 0x6b, 0x80, 0xff, 0xff, 0xff, 0xff], /elements announced/],
  ])("refuses %s with a clear error", (_, body, message) => {
    const type = body[0] === 7 || body[0] === 99 ? [...body, 1, 0x6b] : body;
    expect(() => keysOf(Buffer.concat([Buffer.from("REDIS0010"), Buffer.from(type), Buffer.alloc(16)]))).toThrow(
      message,
    );
  });

  it("refuses what is no RDB and versions to come", () => {
    expect(() => keysOf(Buffer.from("HELLO0009xxxx"))).toThrow(/not an RDB/);
    expect(() => keysOf(Buffer.from("REDIS0099xxxx"))).toThrow(/version 99/);
  });
});

describe("LZF as it is written", () => {
  it("comes back as it was, and only where that saves something", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 300; round++) {
      const words = Array.from({ length: 1 + random.int(200) }, () =>
        random.int(3) === 0 ? "again and again " : random.hex(random.int(9)),
      );
      const plain = Buffer.from(words.join("").repeat(1 + random.int(3)), "latin1");
      const packed = compress(plain);
      if (packed === null) continue;
      expect(packed.length).toBeLessThanOrEqual(plain.length - 4);
      expect(decompress(packed, plain.length).equals(plain)).toBe(true);
    }
    expect(compress(Buffer.from("a".repeat(30_000)))?.length).toBeLessThan(400);
    expect(compress(Buffer.from("abcdefghijklmnopqrstuvwxyz"))).toBeNull();
  });

  it("stands in files where it is asked for", () => {
    const value: RdbValue = { type: "string", value: "again and again ".repeat(20) };
    const dump = RdbWriter.dump(value, true);
    expect(dump.length).toBeLessThan(60);
    expect(readDump(Buffer.from(dump, "latin1"))).toEqual(value);
  });
});
