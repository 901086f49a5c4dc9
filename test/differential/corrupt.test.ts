import { afterAll, beforeAll, expect, it } from "vitest";
import { DevServer } from "../../src/server/index.js";
import { Stream } from "../../src/server/keyspace/stream.js";
import { StreamConsumer, StreamGroup } from "../../src/server/keyspace/stream-group.js";
import { streamId } from "../../src/server/keyspace/stream-id.js";
import { RdbWriter } from "../../src/server/rdb/write.js";
import { eventually } from "../support/eventually.js";
import { describeReal, type RedisProcess, respCall, startRedis } from "../support/real-redis.js";

const u16 = (value: number): string => String.fromCharCode(value & 255, value >> 8);
const u32 = (value: number): string => u16(value & 0xffff) + u16(value >>> 16);
/** A string of an RDB. */
const blob = (bytes: string): string => String.fromCharCode(bytes.length) + bytes;

/** A listpack of numbers below 128; `count` is what its head says. */
function listpack(numbers: readonly number[], count = numbers.length): string {
  const entries = numbers.map((number) => `${String.fromCharCode(number)}\x01`).join("");
  return `${u32(7 + entries.length) + u16(count) + entries}\xff`;
}

/** A ziplist of numbers below 13. */
function ziplist(numbers: readonly number[], count = numbers.length): string {
  const entries = numbers.map((number, i) => (i === 0 ? "\x00" : "\x02") + String.fromCharCode(0xf1 + number)).join("");
  return `${u32(11 + entries.length) + u32(10 + entries.length - 2) + u16(count) + entries}\xff`;
}

/** The body of a stream of one entry, with a group of two consumers of these names, of one length. */
function stream(one: string, other: string): string {
  const value = new Stream();
  value.append(streamId(1, 1), ["f", "v"], { maxEntries: 4, maxBytes: 0 });
  const group = new StreamGroup(streamId(1, 1), 1);
  for (const name of ["first--", "second-"]) group.consumers.set(name, new StreamConsumer(name, 1));
  value.groups.set("g", group);
  const dump = RdbWriter.dump({ type: "stream", stream: value });
  return dump.slice(0, -10).replace("first--", one).replace("second-", other);
}

/** Type and body by what they are. */
const payloads: Readonly<Record<string, string>> = {
  "a zipmap": `\x09${blob("\x01\x01a\x01\x00x\xff")}`,
  "a zipmap that says two elements and has one": `\x09${blob("\x02\x01a\x01\x00x\xff")}`,
  "a zipmap of more elements than its head can count": `\x09${blob("\xfe\x01a\x01\x00x\xff")}`,
  "a zipmap without elements": `\x09${blob("\x00\xff")}`,
  "a zipmap with bytes behind its end": `\x09${blob("\x01\x01a\x01\x00x\xffxx")}`,
  "a zipmap that is cut off": `\x09${blob("\x01\x01a\x09\x00x\xff")}`,
  "a list's ziplist": `\x0a${blob(ziplist([1, 2, 3]))}`,
  "a list's ziplist that says too much": `\x0a${blob(ziplist([1, 2, 3], 4))}`,
  "an intset": `\x0b${blob(u32(2) + u32(1) + u16(7))}`,
  "an intset that is cut off": `\x0b${blob(u32(2) + u32(2) + u16(7))}`,
  "a sorted set's ziplist": `\x0c${blob(ziplist([1, 2]))}`,
  "a sorted set's ziplist that says too much": `\x0c${blob(ziplist([1, 2], 4))}`,
  "a hash's ziplist": `\x0d${blob(ziplist([1, 2]))}`,
  "a hash's ziplist that says too much": `\x0d${blob(ziplist([1, 2], 4))}`,
  "a quicklist of ziplists": `\x0e\x01${blob(ziplist([1, 2]))}`,
  "a quicklist of a ziplist that says too much": `\x0e\x01${blob(ziplist([1, 2], 3))}`,
  "a hash's listpack": `\x10${blob(listpack([1, 2]))}`,
  "a hash's listpack that says too much": `\x10${blob(listpack([1, 2], 4))}`,
  "a sorted set's listpack": `\x11${blob(listpack([1, 2]))}`,
  "a sorted set's listpack that says too much": `\x11${blob(listpack([1, 2], 4))}`,
  "a quicklist of listpacks": `\x12\x01\x02${blob(listpack([1, 2]))}`,
  "a quicklist of a listpack that says too much": `\x12\x01\x02${blob(listpack([1, 2], 3))}`,
  "a stream": stream("first--", "second-"),
  "a stream with a consumer twice": stream("first--", "first--"),
  "a stream whose listpack is not as long as it says": stream("first--", "second-").replace(
    /.(?=\x00\x00\x00\x0a\x00)/s,
    "\x7f",
  ),
};

const sound = new Set([
  ...["a zipmap", "a zipmap of more elements than its head can count", "a list's ziplist", "an intset"],
  ...["a sorted set's ziplist", "a hash's ziplist", "a quicklist of ziplists", "a hash's listpack"],
  ...["a sorted set's listpack", "a quicklist of listpacks", "a stream"],
]);

/** What both logs say of a payload that doesn't hold together. */
const REASON = /[A-Z]\w*(?: \w+)* integrity check failed(?=[.:])|Duplicate stream consumer detected/g;

describeReal("RESTORE of a payload", () => {
  let dev: DevServer;
  let real: RedisProcess;
  let devLog = "";
  beforeAll(async () => {
    dev = await DevServer.start({ log: (_level, text) => (devLog += `${text}\n`) });
    real = await startRedis({
      args: ["--enable-debug-command", "yes", "--sanitize-dump-payload", "yes", "--loglevel", "verbose"],
    });
  });
  afterAll(async () => {
    await dev.stop();
    await real.stop();
  });

  it.each(Object.entries(payloads))("that is %s", async (name, body) => {
    const found: unknown[] = [];
    for (const [{ host, port }, log] of [
      [dev, () => devLog],
      [real, () => real.log()],
    ] as const) {
      const before = log().length;
      const payload = Buffer.from(`${body}\x0a\x00${"\x00".repeat(8)}`, "latin1");
      const commands = [
        ["DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"],
        ["RESTORE", "k", "0", payload, "REPLACE"],
      ];
      const reply = String((await respCall({ host, port }, commands, 5000))[1]);
      let reason: string | undefined;
      if (reply !== "OK") {
        await eventually(() => {
          reason = log().slice(before).match(REASON)?.at(-1);
          expect(reason).toBeDefined();
        });
      }
      found.push([reply, reason]);
    }
    expect(found[0]).toEqual(found[1]);
    expect(found[0]).toEqual(
      sound.has(name) ? ["OK", undefined] : ["ErrorReplyError: ERR Bad data format", expect.any(String)],
    );
  });
});
