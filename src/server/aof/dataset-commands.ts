import type { Bytes } from "../../protocol/resp/reply.js";
import { toRdb } from "../rdb/convert.js";
import type { RdbValue } from "../rdb/value.js";
import { RdbWriter } from "../rdb/write.js";
import { encodeCommand, encodeSelect } from "../replication/stream.js";
import type { ServerCore } from "../server-core.js";

/** Elements of one command: a huge collection must not become one huge command. */
const ELEMENTS = 64;

/** The dataset as the commands that make it, in pieces: a base for those who turned aof-use-rdb-preamble off. */
export function* datasetCommands(core: ServerCore): Generator<Bytes, void, undefined> {
  for (const code of core.functionStore?.dump() ?? []) yield encodeCommand(["FUNCTION", "LOAD", code]);
  for (const db of core.databases) {
    if (db.size === 0) continue;
    yield encodeSelect(db.index);
    for (const [key, entry] of db.entries()) {
      let text = "";
      for (const command of valueCommands(key, toRdb(entry.value))) text += encodeCommand(command);
      if (entry.expireAt !== -1) text += encodeCommand(["PEXPIREAT", key, String(entry.expireAt)]);
      yield text;
    }
  }
}

function* valueCommands(key: Bytes, value: RdbValue): Generator<readonly Bytes[], void, undefined> {
  switch (value.type) {
    case "string":
      yield ["SET", key, value.value];
      return;
    case "list":
      yield* inParts("RPUSH", key, value.items, ELEMENTS);
      return;
    case "set":
      yield* inParts("SADD", key, value.members, ELEMENTS);
      return;
    case "hash":
      yield* inParts("HMSET", key, value.pairs, ELEMENTS * 2);
      return;
    case "zset": {
      const words = value.members.flatMap((member, i) => [scoreText(value.scores[i] as number), member]);
      yield* inParts("ZADD", key, words, ELEMENTS * 2);
      return;
    }
    default:
      // A stream's groups and pending entries have no shorter form that keeps all of them.
      yield ["RESTORE", key, "0", RdbWriter.dump(value, false)];
  }
}

function scoreText(score: number): Bytes {
  return Number.isFinite(score) ? String(score) : score > 0 ? "inf" : "-inf";
}

function* inParts(name: Bytes, key: Bytes, words: readonly Bytes[], size: number): Generator<readonly Bytes[]> {
  for (let i = 0; i < words.length; i += size) yield [name, key, ...words.slice(i, i + size)];
}
