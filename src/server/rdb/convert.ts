import type { Bytes } from "../../protocol/resp/reply.js";
import { parseInteger } from "../commands/support/integer.js";
import { List } from "../keyspace/list.js";
import { SortedSet } from "../keyspace/sorted-set.js";
import { HashValue, SetValue, type Value } from "../keyspace/values.js";
import { EmptyKeyError, RdbError } from "./error.js";
import { atOnce, type InPieces, PIECE_ELEMENTS } from "./pieces.js";
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
  return atOnce(fromRdbInPieces(value, limits));
}

/** As `fromRdb`, pausing now and then within a large value. */
export function* fromRdbInPieces(value: RdbValue, limits: EncodingLimits): InPieces<Value> {
  switch (value.type) {
    case "string":
      return value.value;
    case "list": {
      const list = new List();
      for (const item of value.items) {
        list.pushRight(item);
        if (list.length % PIECE_ELEMENTS === 0) yield;
      }
      return notEmpty(list, list.length, value.items.length);
    }
    case "set": {
      const { members } = value;
      const set = new SetValue();
      for (const [i, member] of members.entries()) {
        set.members.add(member);
        if (i % PIECE_ELEMENTS === PIECE_ELEMENTS - 1) yield;
      }
      const small = members.length <= limits.number("set-max-intset-entries");
      if (!small || members.some((member) => parseInteger(member) === undefined)) set.encoding = "hashtable";
      return notEmpty(set, set.members.size, members.length);
    }
    case "hash": {
      const { pairs } = value;
      const hash = new HashValue();
      for (let i = 0; i < pairs.length; i += 2) {
        hash.fields.set(pairs[i] as Bytes, pairs[i + 1] as Bytes);
        if (i % (2 * PIECE_ELEMENTS) === 2 * PIECE_ELEMENTS - 2) yield;
      }
      if (!fitsListpack("hash", pairs, pairs.length / 2, limits)) hash.encoding = "hashtable";
      return notEmpty(hash, hash.fields.size, pairs.length / 2);
    }
    case "zset": {
      const { members, scores } = value;
      const set = new SortedSet();
      if (!fitsListpack("zset", members, members.length, limits)) set.encoding = "skiplist";
      // A listpack keeps whole numbers as integers, and among those there is no -0.
      const zero = set.encoding === "listpack" ? 0 : -0;
      for (const [i, member] of members.entries()) {
        set.set(member, (scores[i] as number) + zero);
        if (i % PIECE_ELEMENTS === PIECE_ELEMENTS - 1) yield;
      }
      return notEmpty(set, set.size, members.length);
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
