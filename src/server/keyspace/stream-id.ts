import type { Bytes } from "../../protocol/resp/reply.js";

/**
 * The id of a stream entry: two unsigned 64-bit numbers as 16 bytes, big-endian, so that strings compare as ids do and
 * no BigInt is made for the ids of every day.
 */
export type StreamId = string;

const HALF = 0x1_0000_0000;
/** Below this a number is exact. */
const EXACT_HIGH = 0x20_0000;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

function word(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function half(value: number | bigint): string {
  if (typeof value === "number") return word(Math.floor(value / HALF)) + word(value >>> 0);
  return word(Number(value >> 32n)) + word(Number(value & 0xffff_ffffn));
}

function wordAt(id: StreamId, at: number): number {
  return (
    ((id.charCodeAt(at) << 24) |
      (id.charCodeAt(at + 1) << 16) |
      (id.charCodeAt(at + 2) << 8) |
      id.charCodeAt(at + 3)) >>>
    0
  );
}

function halfAt(id: StreamId, at: number): number | bigint {
  const high = wordAt(id, at);
  const low = wordAt(id, at + 4);
  return high < EXACT_HIGH ? high * HALF + low : (BigInt(high) << 32n) | BigInt(low);
}

/** The id of these two numbers, each at least 0; numbers must be exact. */
export function streamId(ms: number | bigint, seq: number | bigint): StreamId {
  return half(ms) + half(seq);
}

/** 0-0. */
export const MIN_ID: StreamId = streamId(0, 0);
/** The highest there is. */
export const MAX_ID: StreamId = streamId(U64_MAX, U64_MAX);

/** The time of an id, in milliseconds; a number where that is exact. */
export function msOf(id: StreamId): number | bigint {
  return halfAt(id, 0);
}

/** The place of an id within its millisecond; a number where that is exact. */
export function seqOf(id: StreamId): number | bigint {
  return halfAt(id, 8);
}

/** How far `to` lies above `from`, as a signed 64-bit number; a number where that is exact. */
export function distance(from: number | bigint, to: number | bigint): number | bigint {
  if (typeof from === "number" && typeof to === "number") return to - from;
  const exact = BigInt.asIntN(64, BigInt(to) - BigInt(from));
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

/** `<ms>-<seq>`, as clients see an id. */
export function idText(id: StreamId): Bytes {
  return `${halfAt(id, 0)}-${halfAt(id, 8)}`;
}

/** The id that follows, or undefined behind the last one. */
export function nextId(id: StreamId): StreamId | undefined {
  const seq = seqOf(id);
  if (typeof seq === "number") return id.slice(0, 8) + half(seq < Number.MAX_SAFE_INTEGER ? seq + 1 : BigInt(seq) + 1n);
  if (seq < U64_MAX) return id.slice(0, 8) + half(seq + 1n);
  const ms = BigInt(msOf(id));
  return ms < U64_MAX ? streamId(ms + 1n, 0) : undefined;
}

/** The id that precedes, or undefined before the first one. */
export function previousId(id: StreamId): StreamId | undefined {
  const seq = BigInt(seqOf(id));
  if (seq > 0n) return id.slice(0, 8) + half(seq - 1n);
  const ms = BigInt(msOf(id));
  return ms > 0n ? streamId(ms - 1n, U64_MAX) : undefined;
}

/**
 * An unsigned 64-bit number, or undefined. What is not in canonical form goes to C's `strtoull` in Redis: leading zeros,
 * space and a sign pass, and a negative number wraps round.
 */
export function parseU64(text: Bytes): number | bigint | undefined {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (/^-[1-9]\d*$/.test(text) && BigInt(text) >= -0x8000_0000_0000_0000n) return undefined;
  const [, sign, digits] = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const size = BigInt(digits);
  return size > U64_MAX ? undefined : BigInt.asUintN(64, sign === "-" ? -size : size);
}
