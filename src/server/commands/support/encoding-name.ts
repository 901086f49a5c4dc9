import type { Bytes } from "../../../protocol/resp/reply.js";
import type { Value } from "../../keyspace/values.js";
import { parseInteger } from "./integer.js";

const EMBEDDED_MAX = 44;

/** The name that OBJECT ENCODING gives to how redis-server would keep this value. */
export function encodingOf(value: Value): Bytes {
  if (typeof value === "string") {
    if (value.length <= 20 && parseInteger(value) !== undefined) return "int";
    return value.length <= EMBEDDED_MAX ? "embstr" : "raw";
  }
  switch (value.type) {
    case "hash":
    case "set":
    case "zset":
      return value.encoding;
    case "list":
      return "quicklist";
  }
}
