import type { Bytes } from "../../../protocol/resp/reply.js";
import type { Value } from "../../keyspace/values.js";
import { sizeOf } from "../../keyspace/values.js";

/** What V8 keeps for a string, an entry of a map, a small object; rounded from heap snapshots. */
const STRING = 24;
const MAP_ENTRY = 40;
const OBJECT = 72;
/** Elements looked at; the rest are taken to be like them. */
const SAMPLES = 100;

/** About how many bytes of memory a key and its value take here. */
export function memoryOf(key: Bytes, value: Value): number {
  const own = STRING + key.length + MAP_ENTRY + OBJECT;
  if (typeof value === "string") return own + STRING + value.length;
  let sampled = 0;
  let bytes = 0;
  for (const length of elementLengths(value)) {
    bytes += STRING + length + MAP_ENTRY;
    if (++sampled === SAMPLES) break;
  }
  return own + OBJECT + (sampled === 0 ? 0 : Math.round((bytes / sampled) * sizeOf(value)));
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
  }
}
