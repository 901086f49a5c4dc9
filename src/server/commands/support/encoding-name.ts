import type { Bytes } from "../../../protocol/resp/reply.js";
import type { Entry } from "../../keyspace/database.js";
import { parseInteger } from "./integer.js";

const EMBEDDED_MAX = 44;

/** The name that OBJECT ENCODING gives to how redis-server would keep the value of a key. */
export function encodingOf({ value, stringForm }: Entry): Bytes {
  if (typeof value === "string") {
    if (stringForm === "raw") return "raw";
    if (stringForm === "embstr" && value.length <= EMBEDDED_MAX) return "embstr";
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
    case "stream":
      return "stream";
  }
}
