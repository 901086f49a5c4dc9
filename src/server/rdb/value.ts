import type { Bytes } from "../../protocol/resp/reply.js";
import type { Stream } from "../keyspace/stream.js";

/** A value as it stands in an RDB, free of any encoding. `pairs` alternates field and value. */
export type RdbValue =
  | { readonly type: "string"; readonly value: Bytes }
  | { readonly type: "list"; readonly items: readonly Bytes[] }
  | { readonly type: "set"; readonly members: readonly Bytes[] }
  | { readonly type: "hash"; readonly pairs: readonly Bytes[] }
  | { readonly type: "zset"; readonly members: readonly Bytes[]; readonly scores: readonly number[] }
  | { readonly type: "stream"; readonly stream: Stream };

/** One step of an RDB. `expireAt` is in milliseconds since 1970, null without a TTL. */
export type RdbItem =
  | { readonly kind: "aux"; readonly name: Bytes; readonly value: Bytes }
  /** A large value has been read up to here; more of it follows. */
  | { readonly kind: "part"; readonly position: number }
  /** A function library. */
  | { readonly kind: "function"; readonly code: Bytes }
  | {
      readonly kind: "key";
      readonly db: number;
      readonly key: Bytes;
      readonly value: RdbValue;
      readonly expireAt: number | null;
      /** Seconds since its last access, where the writer evicts by that. */
      readonly idleS: number | undefined;
      /** How often it is used (0 … 255), where the writer evicts by that. */
      readonly freq: number | undefined;
      /** Bytes of the file up to and including this key. */
      readonly position: number;
    };

/** Type bytes that are written; all versions since 3.2 (zset: 4.0, stream: 7.0) read them. */
export const RDB_TYPE = { string: 0, list: 1, set: 2, hash: 4, zset: 5, stream: 19 } as const;

/** Opcodes between the keys. */
export const RDB_OPCODE = {
  function2: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  freq: 249,
  aux: 250,
  resizeDb: 251,
  expireMs: 252,
  expireS: 253,
  selectDb: 254,
  eof: 255,
} as const;
