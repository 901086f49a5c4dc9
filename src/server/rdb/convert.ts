import type { Bytes } from "../../protocol/resp/reply.js";
import { List } from "../keyspace/list.js";
import { SortedSet } from "../keyspace/sorted-set.js";
import { HashValue, SetValue, type Value } from "../keyspace/values.js";
import { RdbError } from "./error.js";
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
  }
}

/**
 * A value of an RDB as the keyspace holds it.
 * @throws RdbError if it is empty or names a member twice, which no server writes
 */
export function fromRdb(value: RdbValue): Value {
  switch (value.type) {
    case "string":
      return value.value;
    case "list":
      return notEmpty(new List(value.items), value.items.length, value.items.length);
    case "set": {
      const members = new Set(value.members);
      return notEmpty(new SetValue(members), members.size, value.members.length);
    }
    case "hash": {
      const fields = new Map<Bytes, Bytes>();
      for (let i = 0; i < value.pairs.length; i += 2) fields.set(value.pairs[i] as Bytes, value.pairs[i + 1] as Bytes);
      return notEmpty(new HashValue(fields), fields.size, value.pairs.length / 2);
    }
    case "zset": {
      const set = new SortedSet(value.members.map((member, i) => [member, value.scores[i] as number] as const));
      return notEmpty(set, set.size, value.members.length);
    }
  }
}

function notEmpty<T extends Value>(value: T, size: number, announced: number): T {
  if (announced === 0) throw new RdbError("the RDB holds a key without elements");
  if (size !== announced) throw new RdbError("the RDB names an element twice");
  return value;
}
