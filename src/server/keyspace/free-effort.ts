import type { Value } from "./values.js";

/** Redis frees in the background what took more steps than this. */
const THRESHOLD = 64;

/** Whether UNLINK hands the value to Redis's background thread, which it counts. Nothing has to be freed by hand here. */
export function freedLazily(value: Value): boolean {
  if (typeof value === "string") return false;
  switch (value.type) {
    case "list":
      // Per node of about 8 KB, which is how Redis keeps them.
      return value.length > THRESHOLD * 128;
    case "set":
      return value.encoding === "hashtable" && value.members.size > THRESHOLD;
    case "hash":
      return value.encoding === "hashtable" && value.fields.size > THRESHOLD;
    case "zset":
      return value.encoding === "skiplist" && value.size > THRESHOLD;
    case "stream": {
      const [group] = value.groups.values();
      return value.nodes.length + value.groups.size * (1 + (group?.pending.size ?? 0)) > THRESHOLD;
    }
  }
}
