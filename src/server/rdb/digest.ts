import { createHash } from "node:crypto";
import { doubleText } from "../../protocol/resp/double-text.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { MAX_ID, MIN_ID, msOf, seqOf } from "../keyspace/stream-id.js";
import type { RdbValue } from "./value.js";

/**
 * The digests of DEBUG DIGEST and DEBUG DIGEST-VALUE, bit for bit as a real server computes them: what
 * has an order is chained through SHA-1, what has none is xored.
 */
const TYPE_NUMBER = { string: 0, list: 1, set: 2, zset: 3, hash: 4, stream: 6 } as const;

function sha1(data: Buffer): Buffer {
  return createHash("sha1").update(data).digest();
}

function xor(digest: Buffer, data: Buffer): void {
  const hash = sha1(data);
  for (let i = 0; i < 20; i++) digest[i] = (digest[i] as number) ^ (hash[i] as number);
}

function mix(digest: Buffer, data: Buffer): void {
  xor(digest, data);
  sha1(digest).copy(digest);
}

const bytes = (text: Bytes): Buffer => Buffer.from(text, "latin1");

function wordBe(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function mixPair(digest: Buffer, first: Bytes, second: Bytes): void {
  const pair = Buffer.alloc(20);
  mix(pair, bytes(first));
  mix(pair, bytes(second));
  xor(digest, pair);
}

function mixValue(digest: Buffer, value: RdbValue, hasTtl: boolean): void {
  mix(digest, wordBe(TYPE_NUMBER[value.type]));
  switch (value.type) {
    case "string":
      mix(digest, bytes(value.value));
      break;
    case "list":
      for (const item of value.items) mix(digest, bytes(item));
      break;
    case "set":
      for (const member of value.members) xor(digest, bytes(member));
      break;
    case "hash":
      for (let i = 0; i < value.pairs.length; i += 2)
        mixPair(digest, value.pairs[i] as Bytes, value.pairs[i + 1] as Bytes);
      break;
    case "zset":
      value.members.forEach((member, i) => {
        mixPair(digest, member, doubleText(value.scores[i] as number));
      });
      break;
    case "stream":
      for (const { id, fields } of value.stream.range(MIN_ID, MAX_ID, 0)) {
        mix(digest, bytes(`${msOf(id)}.${seqOf(id)}`));
        for (const text of fields ?? []) mix(digest, bytes(text));
      }
  }
  if (hasTtl) xor(digest, bytes("!!expire!!"));
}

/** DEBUG DIGEST-VALUE of one value: 40 hex digits. That it expires counts, when does not. */
export function digestValue(value: RdbValue, hasTtl: boolean): string {
  const digest = Buffer.alloc(20);
  mixValue(digest, value, hasTtl);
  return digest.toString("hex");
}

/** One key with its value, as {@link digestDataset} takes it. */
export interface DigestEntry {
  readonly key: Bytes;
  readonly value: RdbValue;
  readonly hasTtl: boolean;
}

/** DEBUG DIGEST: 40 hex digits. Databases in rising order; those without keys don't count. */
export function digestDataset(databases: Iterable<readonly [number, Iterable<DigestEntry>]>): string {
  const final = Buffer.alloc(20);
  for (const [db, entries] of databases) {
    let empty = true;
    for (const { key, value, hasTtl } of entries) {
      if (empty) {
        empty = false;
        mix(final, wordBe(db));
      }
      const digest = Buffer.alloc(20);
      mix(digest, bytes(key));
      mixValue(digest, value, hasTtl);
      xor(final, digest);
    }
  }
  return final.toString("hex");
}
