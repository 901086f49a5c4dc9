import { type Random, seededRandom } from "../../src/core/random.js";
import { Config } from "../../src/server/config/config.js";
import { Stream } from "../../src/server/keyspace/stream.js";
import { streamId } from "../../src/server/keyspace/stream-id.js";
import { fromRdb } from "../../src/server/rdb/convert.js";
import { RdbError } from "../../src/server/rdb/error.js";
import { compress } from "../../src/server/rdb/lzf-compress.js";
import { readDump, readRdb } from "../../src/server/rdb/read.js";
import type { RdbValue } from "../../src/server/rdb/value.js";
import { RdbWriter } from "../../src/server/rdb/write.js";
import { listpack, ziplist } from "../support/packed-bytes.js";

const limits = new Config();

/** What one byte of input can become at most, with all that is kept for it: LZF makes 88 of one. */
const MOST_PER_BYTE = 100;

const short = (text: string): string => `${String.fromCharCode(text.length)}${text}`;
const packed = (text: string): string => `${String.fromCharCode(0x80 | text.length)}${text}`;

function stream(): Stream {
  const value = new Stream();
  for (let i = 1n; i < 12n; i++) {
    value.append(streamId(i * 1000n, i), ["field", String(i), "other", "text"], { maxEntries: 4, maxBytes: 0 });
  }
  return value;
}

/** Bodies of values, each with its type byte, in every encoding there is. */
function bodies(): string[] {
  const values: RdbValue[] = [
    { type: "string", value: "text" },
    { type: "string", value: "x".repeat(300) },
    { type: "list", items: ["a", "", "b".repeat(70)] },
    { type: "set", members: ["1", "2", "three"] },
    { type: "hash", pairs: ["f", "v", "g", "w"] },
    { type: "zset", members: ["a", "b"], scores: [1.5, Number.NEGATIVE_INFINITY] },
    { type: "stream", stream: stream() },
  ];
  const text = "abcabcabcabcabcabcabcabcabcabc".repeat(4);
  const lzf = compress(Buffer.from(text, "latin1"))?.toString("latin1") ?? "";
  const pack = listpack(
    "\x05",
    packed("ab"),
    "\xc1\x02",
    "\xf1\x01\x02",
    "\xf4\x01\x02\x03\x04\x05\x06\x07\x08",
    packed("c"),
  );
  const zip = ziplist("\x02ab", "\xc0\x01\x02", "\xf3", "\xfe\x05", "\x01c", "\xe0\x01\x02\x03\x04\x05\x06\x07\x08");
  const zipmap = "\x02\x01a\x02\x00xy\x01b\x01\x01z\x00\xff";
  const intset = "\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0";
  return [
    ...values.map((value) => RdbWriter.dump(value).slice(0, -10)),
    `\0\xc3${String.fromCharCode(lzf.length)}\x40${String.fromCharCode(text.length)}${lzf}`,
    "\0\xc0\x05",
    "\0\xc2\x01\x02\x03\x04",
    `\x03\x02${short("a")}\x031.5${short("b")}\xfe`,
    `\x09${short(zipmap)}`,
    `\x0a${short(zip)}`,
    `\x0b${short(intset)}`,
    `\x0c${short(zip)}`,
    `\x0d${short(zip)}`,
    `\x0e\x02${short(zip)}${short(zip)}`,
    `\x10${short(pack)}`,
    `\x11${short(listpack(packed("a"), "\x05", packed("b"), "\x06"))}`,
    `\x12\x02\x02${short(pack)}\x01${short("plain")}`,
    `\x14${short(pack)}`,
  ];
}

/** A file that holds all of them, with every opcode. */
function fileOf(all: readonly string[]): string {
  const keys = all.map((body, i) => `${body.slice(0, 1)}${short(`k${i}`)}${body.slice(1)}`);
  const head = `REDIS0011\xfa${short("repl-id")}${short("1".repeat(40))}\xf5${short("#!lua name=l")}\xfe\0\xfb\x10\x01`;
  return `${head}\xfc\x01\0\0\0\0\0\0\0\xf8\x05${keys.join("\xf9\x07")}\xff\0\0\0\0\0\0\0\0`;
}

/** Changes bytes at some places: flips, extremes, lengths, cuts, repetitions, pieces of another. */
function mutate(seed: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(seed);
  for (let changes = 1 + random.int(4); changes > 0 && bytes.length > 0; changes--) {
    const at = random.int(bytes.length);
    switch (random.int(9)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.int(8));
        break;
      case 1:
        bytes[at] = random.int(256);
        break;
      case 2:
        bytes[at] = [0, 0x7f, 0x80, 0x81, 0xc3, 0xfe, 0xff][random.int(7)] as number;
        break;
      case 3:
        bytes = bytes.subarray(0, at);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.int(8)))]);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.int(at + 1))]);
        break;
      case 6: {
        const from = random.int(other.length);
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random.int(40)), bytes.subarray(at)]);
        break;
      }
      case 7: {
        const huge = ["\x80\xff\xff\xff\xff", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\x7f"];
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(huge[random.int(3)] as string, "latin1"),
          bytes.subarray(at + random.int(2)),
        ]);
        break;
      }
      default:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(random.int(2 ** 32), at);
    }
  }
  return bytes;
}

function weigh(value: RdbValue): number {
  switch (value.type) {
    case "string":
      return value.value.length;
    case "list":
      return value.items.reduce((sum, item) => sum + item.length + 1, 0);
    case "set":
      return value.members.reduce((sum, item) => sum + item.length + 1, 0);
    case "hash":
      return value.pairs.reduce((sum, item) => sum + item.length + 1, 0);
    case "zset":
      return value.members.reduce((sum, item) => sum + item.length + 1, 0);
    case "stream":
      return value.stream.length;
  }
}

/** What a run has seen. */
export interface FuzzResult {
  readonly taken: number;
  readonly refused: number;
  /** Milliseconds that the longest input took. */
  readonly longestMs: number;
}

/**
 * Reads `rounds` broken files and DUMP payloads; the same seed makes the same ones.
 * @throws Error for anything but an `RdbError`, and where more came out than the input can hold
 */
export function fuzzRdb(seed: number, rounds: number, nowMs: () => number): FuzzResult {
  const random = seededRandom(seed);
  const values = bodies();
  const seeds = [...values.map((body) => `${body}\x0b\0${"\0".repeat(8)}`), fileOf(values)].map((text) =>
    Buffer.from(text, "latin1"),
  );
  let taken = 0;
  let refused = 0;
  let longestMs = 0;
  for (let round = 0; round < rounds; round++) {
    const index = round % seeds.length;
    const input = mutate(seeds[index] as Buffer, seeds[random.int(seeds.length)] as Buffer, random);
    const startMs = nowMs();
    let weight = 0;
    try {
      if (index === seeds.length - 1) {
        for (const item of readRdb(input, { checksum: false })) {
          if (item.kind !== "key") continue;
          weight += weigh(item.value);
          fromRdb(item.value, limits);
        }
      } else {
        const value = readDump(input, false);
        if (value !== null) {
          weight = weigh(value);
          fromRdb(value, limits);
        }
      }
      taken++;
    } catch (error) {
      if (!(error instanceof RdbError)) {
        throw new Error(`round ${round} of seed ${seed}: ${input.toString("hex")}`, { cause: error });
      }
      refused++;
    }
    if (weight > input.length * MOST_PER_BYTE) {
      throw new Error(
        `round ${round} of seed ${seed}: ${weight} out of ${input.length} bytes: ${input.toString("hex")}`,
      );
    }
    longestMs = Math.max(longestMs, nowMs() - startMs);
  }
  return { taken, refused, longestMs };
}

/** The inputs before they are broken: all of them are right. */
export function fuzzSeeds(): { readonly dumps: readonly Buffer[]; readonly file: Buffer } {
  const values = bodies();
  return {
    dumps: values.map((body) => Buffer.from(`${body}\x0b\0${"\0".repeat(8)}`, "latin1")),
    file: Buffer.from(fileOf(values), "latin1"),
  };
}
