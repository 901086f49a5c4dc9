import type { Bytes } from "../../protocol/resp/reply.js";
import { checked, RdbError } from "./error.js";
import type { Input } from "./input.js";
import { readIntset, readListpack, readZiplist, readZipmap } from "./packed.js";
import { atOnce, type InPieces, PIECE_ELEMENTS } from "./pieces.js";
import { readStream } from "./read-stream.js";
import type { RdbValue } from "./value.js";

/** Nodes of a list, of up to 8 KB each as a rule, between two pauses. */
const PIECE_NODES = 4;

const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [6, "a module's type"],
  [7, "a module's type"],
  [22, "a hash with field TTLs"],
  [23, "a hash with field TTLs"],
  [24, "a hash with field TTLs"],
  [25, "a hash with field TTLs"],
]);

/**
 * Reads the value that follows a type byte, in every encoding that Redis 2.x to 7.2 writes for strings,
 * lists, sets, hashes, sorted sets and streams.
 * @throws RdbError for a type that this server does not have, or bytes that are not valid
 */
export function readValue(input: Input, type: number): RdbValue {
  return atOnce(readValueInPieces(input, type));
}

/** As `readValue`, pausing now and then within a large value. */
export function* readValueInPieces(input: Input, type: number): InPieces<RdbValue> {
  switch (type) {
    case 0:
      return { type: "string", value: input.string() };
    case 1:
      return { type: "list", items: yield* strings(input, input.count()) };
    case 2:
      return { type: "set", members: yield* strings(input, input.count()) };
    case 3:
      return yield* readZset(input, readAsciiDouble);
    case 4:
      return { type: "hash", pairs: yield* strings(input, input.count() * 2) };
    case 5:
      return yield* readZset(input, (from) => from.f64());
    case 9:
      return hash(input, checked("Zipmap", input.blob(), readZipmap));
    case 10:
      return { type: "list", items: checked("List ziplist", input.blob(), readZiplist) };
    case 11:
      return { type: "set", members: checked("Intset", input.blob(), readIntset) };
    case 12:
      return zset(input, checked("Zset ziplist", input.blob(), readZiplist));
    case 13:
      return hash(input, checked("Hash ziplist", input.blob(), readZiplist));
    case 14:
      return { type: "list", items: yield* readQuicklist(input) };
    case 15:
    case 19:
    case 21:
      return { type: "stream", stream: yield* readStream(input, type) };
    case 16:
      return hash(input, checked("Hash listpack", input.blob(), readListpack));
    case 17:
      return zset(input, checked("Zset listpack", input.blob(), readListpack));
    case 18:
      return { type: "list", items: yield* readQuicklist2(input) };
    case 20:
      return { type: "set", members: checked("Set listpack", input.blob(), readListpack) };
    default: {
      const what = UNSUPPORTED.get(type);
      throw new RdbError(
        what ? `the RDB holds ${what} (type ${type}), which this server does not have` : `unknown RDB type ${type}`,
        input.position,
      );
    }
  }
}

function* strings(input: Input, count: number): InPieces<Bytes[]> {
  const items: Bytes[] = [];
  for (let i = 1; i <= count; i++) {
    items.push(input.string());
    if (i % PIECE_ELEMENTS === 0) yield;
  }
  return items;
}

function hash(input: Input, pairs: Bytes[]): RdbValue {
  if (pairs.length % 2 !== 0) input.fail("a hash with a field that has no value");
  return { type: "hash", pairs };
}

function zset(input: Input, flat: readonly Bytes[]): RdbValue {
  if (flat.length % 2 !== 0) input.fail("a sorted set with a member that has no score");
  const members: Bytes[] = [];
  const scores: number[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    members.push(flat[i] as Bytes);
    scores.push(score(input, flat[i + 1] as Bytes));
  }
  return { type: "zset", members, scores };
}

function score(input: Input, text: Bytes): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? input.fail("a score that is not a number") : value;
}

function* readZset(input: Input, readScore: (input: Input) => number): InPieces<RdbValue> {
  const count = input.count();
  const members: Bytes[] = [];
  const scores: number[] = [];
  for (let i = 1; i <= count; i++) {
    members.push(input.string());
    const value = readScore(input);
    scores.push(Number.isNaN(value) ? input.fail("a score that is not a number") : value);
    if (i % PIECE_ELEMENTS === 0) yield;
  }
  return { type: "zset", members, scores };
}

function readAsciiDouble(input: Input): number {
  const length = input.u8();
  if (length === 253) return Number.NaN;
  if (length === 254) return Number.POSITIVE_INFINITY;
  if (length === 255) return Number.NEGATIVE_INFINITY;
  return score(input, input.text(length));
}

function* readQuicklist(input: Input): InPieces<Bytes[]> {
  const items: Bytes[] = [];
  for (let nodes = input.count(); nodes > 0; nodes--) {
    for (const item of checked("Ziplist", input.blob(), readZiplist)) items.push(item);
    if (nodes % PIECE_NODES === 0) yield;
  }
  return items;
}

function* readQuicklist2(input: Input): InPieces<Bytes[]> {
  const items: Bytes[] = [];
  for (let nodes = input.count(); nodes > 0; nodes--) {
    const container = input.length();
    if (container === 1) {
      const item = input.string();
      items.push(item === "" ? input.fail("a plain quicklist node of no bytes") : item);
    } else if (container === 2) for (const item of checked("Listpack", input.blob(), readListpack)) items.push(item);
    else input.fail(`unknown quicklist container ${container}`);
    if (nodes % PIECE_NODES === 0) yield;
  }
  return items;
}
