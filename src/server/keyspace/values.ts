import type { Bytes } from "../../protocol/resp/reply.js";
import { Account } from "./account.js";
import { List } from "./list.js";
import type { Sample } from "./sample.js";
import { SortedSet } from "./sorted-set.js";
import type { Stream } from "./stream.js";
import { WideMap } from "./wide-map.js";
import { WideSet } from "./wide-set.js";

/** Fields of a hash. `encoding` only ever grows from listpack to hashtable, as OBJECT ENCODING shows it. */
export class HashValue {
  readonly type = "hash";
  encoding: "listpack" | "hashtable" = "listpack";
  readonly account = new Account();
  /** Made when a field is first picked by chance out of many. */
  sample: Sample | null = null;
  readonly fields: WideMap<Bytes>;
  constructor(fields: Iterable<readonly [Bytes, Bytes]> = []) {
    this.fields = new WideMap(fields);
  }
}

/** Members of a set. */
export class SetValue {
  readonly type = "set";
  encoding: "intset" | "hashtable" = "intset";
  readonly account = new Account();
  /** Made when a member is first picked by chance out of many. */
  sample: Sample | null = null;
  readonly members: WideSet;
  constructor(members: Iterable<Bytes> = []) {
    this.members = new WideSet(members);
  }
}

/** What a key can hold, by the name that TYPE answers. A string is the bare byte string: no object around it. */
export interface ValueByType {
  readonly string: Bytes;
  readonly hash: HashValue;
  readonly list: List;
  readonly set: SetValue;
  readonly zset: SortedSet;
  readonly stream: Stream;
}
export type ValueType = keyof ValueByType;
export type Value = ValueByType[ValueType];

/** The TYPE of a value. */
export function typeOf(value: Value): ValueType {
  return typeof value === "string" ? "string" : value.type;
}

/** Elements of an aggregate value; 1 for a string. An aggregate with none must not stay in the keyspace, except a stream. */
export function sizeOf(value: Value): number {
  if (typeof value === "string") return 1;
  switch (value.type) {
    case "hash":
      return value.fields.size;
    case "set":
      return value.members.size;
    case "list":
      return value.length;
    case "zset":
      return value.size;
    case "stream":
      return value.length;
  }
}

/** A value that shares nothing with the original. */
export function copyValue(value: Value): Value {
  if (typeof value === "string") return value;
  switch (value.type) {
    case "hash": {
      const copy = new HashValue(value.fields);
      copy.encoding = value.encoding;
      return copy;
    }
    case "set": {
      const copy = new SetValue(value.members);
      copy.encoding = value.encoding;
      return copy;
    }
    case "list":
      return new List(value.slice(0, value.length));
    case "zset": {
      const copy = new SortedSet([...value.entries()].map((entry) => [entry.member, entry.score] as const));
      copy.encoding = value.encoding;
      return copy;
    }
    case "stream":
      return value.copy();
  }
}
