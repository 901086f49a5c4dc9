import { describe, expect, it } from "vitest";
import { RdbError } from "../../../../src/server/rdb/error.js";
import { Input } from "../../../../src/server/rdb/input.js";
import { readDump } from "../../../../src/server/rdb/read.js";
import { readValueInPieces } from "../../../../src/server/rdb/read-value.js";
import type { RdbValue } from "../../../../src/server/rdb/value.js";
import { chars, listpack, u32, ziplist } from "../../../support/packed-bytes.js";

const u32be = (value: number): string => [...u32(value)].reverse().join("");
/** A string of an RDB. */
const blob = (bytes: string): string => `\x80${u32be(bytes.length)}${bytes}`;

/** Other bytes in a place. */
const changed = (bytes: string, at: number, to: string): string =>
  bytes.slice(0, at) + to + bytes.slice(at + to.length);

const intset = (width: number, members: readonly string[]): string =>
  u32(width) + u32(members.length) + members.join("");

const [medium, long] = ["m".repeat(300), "l".repeat(20_000)];
/** Every form of an entry, with what it stands for. */
const packEntries: readonly (readonly [string, string])[] = [
  ["\x7f", "127"],
  ["\x82ab", "ab"],
  ["\x80", ""],
  // With their length and their size they take 127 and 128 bytes, which one byte says and which two do.
  [`\xe0\x7d${"n".repeat(125)}`, "n".repeat(125)],
  [`\xe0\x7e${"n".repeat(126)}`, "n".repeat(126)],
  [`\xbf${"s".repeat(63)}`, "s".repeat(63)],
  ["\xc1\x02", "258"],
  ["\xcf\xff", "4095"],
  ["\xc0\x05", "5"],
  ["\xd0\x00", "-4096"],
  ["\xdf\xff", "-1"],
  [`\xe1\x2c${medium}`, medium],
  [`\xef\xff${"o".repeat(4095)}`, "o".repeat(4095)],
  // 16,383 and 16,384 bytes: two and three of them say so.
  [`\xf0${u32(16_378)}${"p".repeat(16_378)}`, "p".repeat(16_378)],
  [`\xf0${u32(16_379)}${"p".repeat(16_379)}`, "p".repeat(16_379)],
  [`\xf0${u32(long.length)}${long}`, long],
  ["\xf1\x00\x80", "-32768"],
  ["\xf2\x00\x00\x80", "-8388608"],
  ["\xf3\x00\x00\x00\x80", "-2147483648"],
  ["\xf4\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808"],
];
const zipEntries: readonly (readonly [string, string])[] = [
  ["\x02ab", "ab"],
  [`\x3f${"s".repeat(63)}`, "s".repeat(63)],
  ["\x40\x02cd", "cd"],
  [`\x41\x2c${medium}`, medium],
  [`\x7f\xff${"q".repeat(16_383)}`, "q".repeat(16_383)],
  // Behind this one stands its size of four bytes; so it does behind the next.
  ["\xf1", "0"],
  [`\x80${u32be(long.length)}${long}`, long],
  ["\xfd", "12"],
  ["\xfe\x80", "-128"],
  ["\xc0\x00\x80", "-32768"],
  ["\xf0\x00\x00\x80", "-8388608"],
  ["\xd0\x00\x00\x00\x80", "-2147483648"],
  ["\xe0\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808"],
];
const pack = listpack(...packEntries.map(([entry]) => entry));
const packed = packEntries.map(([, text]) => text);
const zip = ziplist(...zipEntries.map(([entry]) => entry));
const zipped = zipEntries.map(([, text]) => text);

const scored: RdbValue = {
  type: "zset",
  members: ["a", "b", "c", "d"],
  scores: [Number.NEGATIVE_INFINITY, 2, 0.001, Number.POSITIVE_INFINITY],
};
const values: Readonly<Record<string, readonly [body: string, value: RdbValue]>> = {
  "an integer of a byte": ["\0\xc0\x85", { type: "string", value: "-123" }],
  "an integer of two bytes": ["\0\xc1\xc7\xcf", { type: "string", value: "-12345" }],
  "an integer of four bytes": ["\0\xc2\x2e\xfd\x69\xff", { type: "string", value: "-9831122" }],
  "a compressed string": ["\0\xc3\x05\x0a\0a\xe0\0\0", { type: "string", value: "a".repeat(10) }],
  "a string with a length of two bytes": [`\0\x41\x2c${medium}`, { type: "string", value: medium }],
  "a string with a length of nine bytes": ["\0\x81\0\0\0\0\0\0\0\x01a", { type: "string", value: "a" }],
  "a sorted set with scores in decimal": [
    "\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff",
    { type: "zset", members: ["a", "b", "c"], scores: [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] },
  ],
  "a zipmap": [
    `\x09${blob(`\x02\x01a\x02\x00xy\xfe${u32(300)}${medium}\x01\x02z\0\0\xff`)}`,
    { type: "hash", pairs: ["a", "xy", medium, "z"] },
  ],
  "a list's ziplist": [`\x0a${blob(zip)}`, { type: "list", items: zipped }],
  "an intset of two bytes": [
    `\x0b${blob(intset(2, ["\x00\x80", "\x07\0"]))}`,
    { type: "set", members: ["-32768", "7"] },
  ],
  "an intset of four bytes": [`\x0b${blob(intset(4, ["\0\0\0\x80"]))}`, { type: "set", members: ["-2147483648"] }],
  "an intset of eight bytes": [
    `\x0b${blob(intset(8, ["\0\0\0\0\x01\0\0\0"]))}`,
    { type: "set", members: ["4294967296"] },
  ],
  "a sorted set's ziplist": [
    `\x0c${blob(ziplist("\x01a", "\x04-inf", "\x01b", "\xf3", "\x01c", "\x041e-3", "\x01d", "\x03inf"))}`,
    scored,
  ],
  "a hash's ziplist": [
    `\x0d${blob(ziplist("\x01f", "\xf2", "\x01g", "\x01x"))}`,
    { type: "hash", pairs: ["f", "1", "g", "x"] },
  ],
  "a quicklist of ziplists": [
    `\x0e\x02${blob(zip)}${blob(ziplist("\x01z"))}`,
    { type: "list", items: [...zipped, "z"] },
  ],
  "a hash's listpack": [
    `\x10${blob(listpack("\x81f", "\x01", "\x81g", "\x81x"))}`,
    { type: "hash", pairs: ["f", "1", "g", "x"] },
  ],
  "a sorted set's listpack": [
    `\x11${blob(listpack("\x81a", "\x84-inf", "\x81b", "\x02", "\x81c", "\x841e-3", "\x81d", "\x83inf"))}`,
    scored,
  ],
  "a quicklist of listpacks and a plain node": [
    `\x12\x03\x02${blob(pack)}\x01${blob(medium)}\x02${blob(listpack("\x81z"))}`,
    { type: "list", items: [...packed, medium, "z"] },
  ],
  "a listpack of more entries than its head can count": [
    `\x12\x01\x02${blob(changed(listpack("\x82ab"), 4, "\xff\xff"))}`,
    { type: "list", items: ["ab"] },
  ],
  "a ziplist of more entries than its head can count": [
    `\x0e\x01${blob(changed(ziplist("\x02ab"), 8, "\xff\xff"))}`,
    { type: "list", items: ["ab"] },
  ],
  "a zipmap of more elements than its head can count": [
    `\x09${blob("\xfe\x01a\x01\0x\xff")}`,
    { type: "hash", pairs: ["a", "x"] },
  ],
  "a set's listpack": [`\x14${blob(pack)}`, { type: "set", members: packed }],
};

/** A listpack and a ziplist of one short string. */
const [onePack, oneZip] = [listpack("\x82ab"), ziplist("\x02ab")];

/** Lists in a quicklist node of either kind that don't hold together. */
const broken: Readonly<Record<string, readonly [body: string, message: string]>> = {
  "a listpack that says another size": [
    `\x12\x01\x02${blob(changed(onePack, 0, "\x0a"))}`,
    "listpack says 10 bytes and has 11",
  ],
  "a listpack that says too few entries": [
    `\x12\x01\x02${blob(changed(onePack, 4, "\0"))}`,
    "listpack says 0 entries and has 1",
  ],
  "a listpack that says too many entries": [
    `\x12\x01\x02${blob(changed(onePack, 4, "\xfe\xff"))}`,
    "entries and has 1",
  ],
  "a listpack that goes on behind its end": [
    `\x12\x01\x02${blob(`${changed(onePack, 0, "\x0c")}\0`)}`,
    "bytes behind the end of a listpack",
  ],
  "a listpack with a wrong size behind a short entry": [
    `\x12\x01\x02${blob(changed(onePack, 9, "\x04"))}`,
    "a listpack entry's size is wrong",
  ],
  "a listpack with a wrong size behind a long entry": [
    `\x12\x01\x02${blob(changed(listpack(`\xe1\x2c${medium}`), 6 + 302, "\x03"))}`,
    "a listpack entry's size is wrong",
  ],
  "a listpack with an entry of an unknown kind": [
    `\x12\x01\x02${blob(listpack("\xf5"))}`,
    "unknown listpack encoding 0xf5",
  ],
  "a ziplist that says another size": [
    `\x0e\x01${blob(changed(oneZip, 0, "\x0e"))}`,
    "ziplist says 14 bytes and has 15",
  ],
  "a ziplist that says too few entries": [
    `\x0e\x01${blob(changed(oneZip, 8, "\0"))}`,
    "ziplist says 0 entries and has 1",
  ],
  "a ziplist that says too many entries": [`\x0e\x01${blob(changed(oneZip, 8, "\xfe\xff"))}`, "entries and has 1"],
  "a ziplist that goes on behind its end": [
    `\x0e\x01${blob(`${changed(oneZip, 0, "\x10")}\0`)}`,
    "bytes behind the end of a ziplist",
  ],
  "a ziplist whose last entry is elsewhere": [`\x0e\x01${blob(changed(oneZip, 4, "\x0b"))}`, "last entry is elsewhere"],
  "a ziplist with a wrong size in front of an entry": [
    `\x0e\x01${blob(changed(oneZip, 10, "\x01"))}`,
    "size of the one before is wrong",
  ],
  "a ziplist with an entry of an unknown kind": [`\x0e\x01${blob(ziplist("\xc1"))}`, "unknown ziplist encoding 0xc1"],
  "a ziplist with an entry of a kind that ends it": [
    `\x0e\x01${blob(ziplist("\xff"))}`,
    "unknown ziplist encoding 0xff",
  ],
  "a zipmap without elements": [`\x09${blob("\0\xff")}`, "a zipmap without elements"],
  "a zipmap that says too few elements": [
    `\x09${blob("\x01\x01a\x01\0x\x01b\x01\0y\xff")}`,
    "zipmap says 1 elements and has 2",
  ],
  "a zipmap that goes on behind its end": [`\x09${blob("\x01\x01a\x01\0x\xff\0")}`, "bytes behind the end of a zipmap"],
};

const refused: Readonly<Record<string, readonly [body: string, message: string]>> = {
  "a hash of three strings": [`\x10${blob(listpack("\x81f", "\x01", "\x81g"))}`, "field that has no value"],
  "a sorted set of three strings": [`\x11${blob(listpack("\x81f", "\x01", "\x81g"))}`, "member that has no score"],
  "a score that is a word": [`\x11${blob(listpack("\x81f", "\x81g"))}`, "not a number"],
  "a score of no bytes": [`\x11${blob(listpack("\x81f", "\x80"))}`, "not a number"],
  "a score in decimal that is a word": ["\x03\x01\x01a\x01x", "not a number"],
  "a score that says that it is no number": ["\x03\x01\x01a\xfd", "not a number"],
  "a score whose bits are no number": ["\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f", "not a number"],
  "a plain node of no bytes": ["\x12\x01\x01\0", "a plain quicklist node of no bytes"],
  "a node of an unknown kind": ["\x12\x01\x03\x01a", "unknown quicklist container 3"],
  "an intset of unknown width": [`\x0b${blob(intset(3, ["\0\0\0"]))}`, "Intset"],
  "an intset with a byte too many": [`\x0b${blob(`${intset(2, ["\x01\0"])}\0`)}`, "Intset"],
  "a string with an unknown length": ["\0\x82\0\0\0\x01a", "unknown length prefix 0x82"],
  "a string that is longer than a number tells": [`\0\x81${"\xff".repeat(8)}`, "out of range"],
  "a string of an unknown encoding": ["\0\xc4\0", "unknown string encoding 4"],
  "an encoding where a length belongs": ["\x01\xc0\x01", "a length was expected"],
  "more elements than bytes": ["\x02\x02\x01", "2 elements announced, 1 bytes are left"],
  "bytes behind the value": ["\0\x01ab", "bytes behind the value"],
  ...broken,
  ...Object.fromEntries(
    [6, 7].map((type) => [`type ${type}`, [chars(type), `a module's type (type ${type})`] as const]),
  ),
  ...Object.fromEntries(
    [22, 23, 24, 25].map((type) => [`type ${type}`, [chars(type), `a hash with field TTLs (type ${type})`] as const]),
  ),
};

/** As it stands in a DUMP payload, whose checksum is not looked at. */
const read = (body: string): RdbValue | null =>
  readDump(Buffer.from(`${body}\x0a\0${"\0".repeat(8)}`, "latin1"), false);

describe("A value of an RDB", () => {
  it.each(Object.entries(values))("is read in the encoding of older and newer servers: %s", (_, [body, value]) => {
    expect(read(body)).toEqual(value);
  });

  it.each(Object.entries(refused))("is refused with the reason: %s", (_, [body, message]) => {
    expect(() => read(body)).toThrow(RdbError);
    expect(() => read(body)).toThrow(message);
  });

  it.each([
    ["ziplists", `\x40\x28${blob(ziplist("\x01a", "\x01b")).repeat(40)}`, 14],
    ["listpacks", `\x40\x28${`\x02${blob(listpack("\x81a", "\x81b"))}`.repeat(40)}`, 18],
  ])("pauses behind every fourth node of a list of %s", (_, body, type) => {
    const input = new Input(Buffer.from(body, "latin1"));
    const node = (body.length - 2) / 40;
    const pauses: number[] = [];
    const steps = readValueInPieces(input, type);
    for (let step = steps.next(); !step.done; step = steps.next()) pauses.push((input.position - 2) / node);
    expect(pauses).toEqual([1, 5, 9, 13, 17, 21, 25, 29, 33, 37]);
  });
});
