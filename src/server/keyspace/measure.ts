import type { Bytes } from "../../protocol/resp/reply.js";
import { ACCOUNT_SAMPLES } from "./account.js";
import type { Value } from "./values.js";
import { sizeOf } from "./values.js";

/** What V8 keeps for a string, an entry of a map, a small object; rounded from heap snapshots. */
const STRING = 24;
const MAP_ENTRY = 40;
const OBJECT = 72;
/** Elements looked at; the rest are taken to be like them. */
const SAMPLES = 100;

/** About how many bytes of memory a key takes here, its value apart. */
export function keyBytes(key: Bytes): number {
  return STRING + key.length + MAP_ENTRY + OBJECT;
}

/** What a string value of so many bytes takes. */
export function textBytes(length: number): number {
  return STRING + length;
}

/** About how many bytes of memory a key and its value take here. */
export function memoryOf(key: Bytes, value: Value, samples = SAMPLES): number {
  if (typeof value === "string") return keyBytes(key) + textBytes(value.length);
  const elementBytes = meanElement(value, samples === 0 ? Number.POSITIVE_INFINITY : samples);
  return keyBytes(key) + OBJECT + Math.round(elementBytes * sizeOf(value));
}

/** The same for the running account: of a collection what was noted when it last changed. */
export function accountedBytes(value: Value): number {
  return typeof value === "string" ? textBytes(value.length) : value.account.bytes;
}

/** Brings the account of a collection up to date; returns by how much more it takes than before. */
export function remeasure(value: Exclude<Value, string>): number {
  return value.account.update(sizeOf(value), OBJECT, () => meanElement(value, ACCOUNT_SAMPLES));
}

function meanElement(value: Exclude<Value, string>, samples: number): number {
  let sampled = 0;
  let bytes = 0;
  for (const length of elementLengths(value)) {
    bytes += STRING + length + MAP_ENTRY;
    if (++sampled >= samples) break;
  }
  return sampled === 0 ? 0 : bytes / sampled;
}

function* elementLengths(value: Exclude<Value, string>): IterableIterator<number> {
  switch (value.type) {
    case "hash":
      for (const [field, text] of value.fields) yield field.length + STRING + text.length;
      break;
    case "set":
      for (const member of value.members) yield member.length;
      break;
    case "list":
      for (const element of value.slice(0, SAMPLES)) yield element.length;
      break;
    case "zset":
      for (const { member } of value.entries()) yield member.length + OBJECT;
      break;
    case "stream":
      for (const { entries } of value.nodes) {
        for (const { fields } of entries) {
          if (fields !== null) yield fields.reduce((sum, text) => sum + STRING + text.length, OBJECT);
        }
      }
      break;
  }
}
