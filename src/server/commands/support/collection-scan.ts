import type { Bytes, Reply } from "../../../protocol/resp/reply.js";
import { errors, fail } from "../../dispatch/errors.js";
import { arg, isWord, longArg } from "./arguments.js";
import { globMatch } from "./glob.js";

/** Up to this size one call returns everything, as Redis does for its compact encodings. */
const WHOLE = 512;
const BUCKET = 8;

/** Cursor, MATCH and COUNT of a SCAN command. */
export interface ScanOptions {
  readonly match: Bytes | null;
  readonly count: number;
}

/**
 * The cursor of a SCAN command: an unsigned 64-bit number. Leading zeros and a sign pass, as `strtoul` lets them, and
 * an empty text is 0.
 */
export function cursorArg(text: Bytes): bigint {
  if (text === "") return 0n;
  if (!/^[+-]?\d+$/.test(text)) fail(errors.invalidCursor);
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  const size = value < 0n ? -value : value;
  if (size >= 1n << 64n) fail(errors.invalidCursor);
  return BigInt.asUintN(64, value);
}

/** The options behind the cursor, from `args[from]` on. */
export function scanOptions(args: readonly Bytes[], from: number): ScanOptions {
  let match: Bytes | null = null;
  let count = 10;
  for (let at = from; at < args.length; at += 2) {
    const value = arg(args, at + 1);
    if (isWord(args[at], "count")) {
      count = longArg(value);
      if (count < 1) fail(errors.syntax);
    } else if (isWord(args[at], "match")) {
      match = value === "*" ? null : value;
    } else {
      fail(errors.syntax);
    }
  }
  return { match, count };
}

/** What HSCAN, SSCAN and ZSCAN need of a collection. `owner` tells collections apart and may be collected. */
export interface Scannable {
  readonly owner: object;
  readonly size: number;
  members(): Iterable<Bytes>;
  has(member: Bytes): boolean;
}

/**
 * One step of a scan: the members to return and the next cursor, 0 at the end. A cursor is a place in the space of
 * hashes of members, so it means the same whatever was added or removed in between: who is a member all the time is
 * returned at least once.
 */
export function scanMembers(
  collection: Scannable,
  cursor: bigint,
  options: ScanOptions,
): [next: Bytes, found: Bytes[]] {
  const found: Bytes[] = [];
  const take = (member: Bytes): void => {
    if (options.match === null || globMatch(options.match, member)) found.push(member);
  };
  if (collection.size <= WHOLE) {
    for (const member of collection.members()) take(member);
    return ["0", found];
  }
  const buckets = bucketsOf(collection, cursor === 0n);
  const width = 2 ** 32 / buckets.length;
  let at = Math.floor(Number(BigInt.asUintN(32, cursor)) / width);
  for (let looked = 0; at < buckets.length && looked < options.count; at++) {
    for (const member of buckets[at] ?? []) {
      looked++;
      if (collection.has(member)) take(member);
    }
  }
  if (at >= buckets.length) {
    snapshots.delete(collection.owner);
    return ["0", found];
  }
  return [String(at * width), found];
}

/** The reply of a scan: cursor and a flat array. */
export function scanReply(cursor: Bytes, items: readonly Reply[]): Reply {
  return [cursor, items];
}

/**
 * Members by hash as they were when a scan began. A later scan of the same collection replaces it, which harms nobody:
 * what was a member during the whole of an earlier scan is a member now.
 */
const snapshots = new WeakMap<object, Bytes[][]>();

function bucketsOf(collection: Scannable, begin: boolean): Bytes[][] {
  const known = snapshots.get(collection.owner);
  if (known !== undefined && !begin) return known;
  const bits = Math.max(0, Math.min(24, Math.ceil(Math.log2(collection.size / BUCKET))));
  const buckets = Array.from({ length: 2 ** bits }, (): Bytes[] => []);
  for (const member of collection.members()) buckets[hash(member) >>> (32 - bits)]?.push(member);
  snapshots.set(collection.owner, buckets);
  return buckets;
}

function hash(member: Bytes): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < member.length; i++) value = Math.imul(value ^ member.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return Math.imul(value ^ (value >>> 13), 0xc2b2ae35) >>> 0;
}
