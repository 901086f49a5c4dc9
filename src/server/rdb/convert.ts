import type { Bytes } from "../../protocol/resp/reply.js";
import { parseInteger } from "../commands/support/integer.js";
import { List } from "../keyspace/list.js";
import { SortedSet } from "../keyspace/sorted-set.js";
import { HashValue, SetValue, type Value } from "../keyspace/values.js";
import { EmptyKeyError, RdbError } from "./error.js";
import type { RdbValue } from "./value.js";

/** A value of the keyspace as it is written to an RDB. */
export function toRdb(value: Value): RdbValue {
  if (typeof value === "string") return { type: "string", value };
  switch (value.type) {
    case "list":
      return { type: "list", items: [...value] };
    case "set":
      return { type: "set", members: [...value.members] };
    case "hash": {
      const pairs: Bytes[] = [];
      for (const [field, content] of value.fields) pairs.push(field, content);
      return { type: "hash", pairs };
    }
    case "zset": {
      const members: Bytes[] = [];
      const scores: number[] = [];
      for (const { member, score } of value.entries()) {
        members.push(member);
        scores.push(score);
      }
      return { type: "zset", members, scores };
    }
    case "stream":
      return { type: "stream", stream: value };
  }
}

/** The limits of the compact encodings (`hash-max-listpack-entries` and the like), by directive. */
export interface EncodingLimits {
  number(directive: string): number;
}

/**
 * A value of an RDB as the keyspace holds it, with the encoding that OBJECT ENCODING will show.
 * @throws RdbError if it is empty or names a member twice, which no server writes
 */
export function fromRdb(value: RdbValue, limits: EncodingLimits): Value {
  switch (value.type) {
    case "string":
      return value.value;
    case "list":
      return notEmpty(new List(value.items), value.items.length, value.items.length);
    case "set": {
      const set = new SetValue(new Set(value.members));
      const small = value.members.length <= limits.number("set-max-intset-entries");
      if (!small || value.members.some((member) => parseInteger(member) === undefined)) set.encoding = "hashtable";
      return notEmpty(set, set.members.size, value.members.length);
    }
    case "hash": {
      const hash = new HashValue();
      for (let i = 0; i < value.pairs.length; i += 2) {
        hash.fields.set(value.pairs[i] as Bytes, value.pairs[i + 1] as Bytes);
      }
      if (!fitsListpack("hash", value.pairs, value.pairs.length / 2, limits)) hash.encoding = "hashtable";
      return notEmpty(hash, hash.fields.size, value.pairs.length / 2);
    }
    case "zset": {
      const set = new SortedSet();
      if (!fitsListpack("zset", value.members, value.members.length, limits)) set.encoding = "skiplist";
      // A listpack keeps whole numbers as integers, and among those there is no -0.
      const zero = set.encoding === "listpack" ? 0 : -0;
      value.members.forEach((member, i) => {
        set.set(member, (value.scores[i] as number) + zero);
      });
      return notEmpty(set, set.size, value.members.length);
    }
    case "stream":
      return value.stream;
  }
}

function fitsListpack(
  type: "hash" | "zset",
  strings: readonly Bytes[],
  entries: number,
  limits: EncodingLimits,
): boolean {
  const longest = limits.number(`${type}-max-listpack-value`);
  return (
    entries <= limits.number(`${type}-max-listpack-entries`) && strings.every((string) => string.length <= longest)
  );
}

function notEmpty<T extends Value>(value: T, size: number, announced: number): T {
  if (announced === 0) throw new EmptyKeyError("the RDB holds a key without elements");
  if (size !== announced) throw new RdbError("the RDB names an element twice");
  return value;
}
