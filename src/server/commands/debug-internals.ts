import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, OK, SimpleString, VerbatimReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { Database } from "../keyspace/database.js";
import { keyBytes } from "../keyspace/measure.js";
import { sizeOf } from "../keyspace/values.js";
import { integerArg, isWord, longArg } from "./support/arguments.js";
import { encodingOf } from "./support/encoding-name.js";
import { globMatch } from "./support/glob.js";

/*
 * Subcommands of DEBUG that look into how redis-server keeps its data. What is the same here is told; what redis-server
 * would print of its own structures is not made up.
 */

/** LISTPACK and QUICKLIST: the checks and answers; there is nothing behind them to print. */
export function printed(encoding: "listpack" | "quicklist"): (ctx: CommandContext, args: readonly Bytes[]) => Reply {
  const name = `${encoding[0]?.toUpperCase()}${encoding.slice(1)}`;
  return (ctx, args) => {
    const entry = ctx.db.peek(args[2] as Bytes) ?? fail(errors.noSuchKey);
    if (encodingOf(entry) !== encoding) return new ErrorReply(`ERR Not a ${encoding} encoded object.`);
    return new SimpleString(`${name} structure printed on stdout`);
  };
}

/** HTSTATS db */
export function tableStats(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const index = longArg(args[2] as Bytes);
  const db: Database = ctx.server.databases[index] ?? fail("ERR Out of range database");
  const text = `[Dictionary HT]\n${tableText(db.size)}\n[Expires HT]\n${tableText(db.volatileSize)}`;
  return new VerbatimReply("txt", text);
}

const NO_TABLE = new ErrorReply("ERR The value stored at the specified key is not represented using an hash table");

/** HTSTATS-KEY key */
export function tableStatsOfKey(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.peek(args[2] as Bytes) ?? fail(errors.noSuchKey);
  const encoding = encodingOf(entry);
  if (encoding !== "hashtable" && encoding !== "skiplist") return NO_TABLE;
  return new VerbatimReply("txt", tableText(sizeOf(entry.value)));
}

/** As many places as a table of Redis would have: the next power of two. */
function tableText(elements: number): string {
  if (elements === 0) return "No stats available for empty dictionaries\n";
  const places = Math.max(4, 2 ** Math.ceil(Math.log2(elements)));
  return `Hash table 0 stats (main hash table):\n table size: ${places}\n number of elements: ${elements}\n`;
}

/** STRINGMATCH-TEST: patterns and texts by chance; the answer is that none of them took the matcher down. */
export function matchTest(ctx: CommandContext): Reply {
  const { random } = ctx;
  const text = (): Bytes => Array.from({ length: random.int(32) }, () => String.fromCharCode(random.int(128))).join("");
  for (let i = 0; i < 1000; i++) globMatch(text(), text(), random.int(2) === 1);
  return new SimpleString("Apparently Redis did not crash: test passed");
}

/** SDSLEN key */
export function stringLengths(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[2] as Bytes;
  const entry = ctx.db.peek(key) ?? fail(errors.noSuchKey);
  if (typeof entry.value !== "string" || encodingOf(entry) === "int")
    return new ErrorReply("ERR Not an sds encoded string.");
  const { length } = entry.value;
  return new SimpleString(
    `key_sds_len:${key.length}, key_sds_avail:0, key_zmalloc: ${keyBytes(key)}, ` +
      `val_sds_len:${length}, val_sds_avail:0, val_zmalloc: ${length}`,
  );
}

/** REPLYBUFFER PEAK-RESET-TIME ms | RESIZING 0|1: output buffers have no fixed size here, so there is nothing to set. */
export function replyBuffer(_ctx: CommandContext, args: readonly Bytes[]): Reply {
  const value = args[3] as Bytes;
  if (isWord(args[2], "peak-reset-time")) {
    if (!isWord(value, "never") && !isWord(value, "reset")) integerArg(value);
    return OK;
  }
  if (!isWord(args[2], "resizing")) return errors.syntax;
  longArg(value);
  return OK;
}
