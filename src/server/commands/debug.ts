import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import {
  AttributedReply,
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  ErrorReply,
  ManyReplies,
  MapReply,
  NO_REPLY,
  OK,
  PushReply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from "../../protocol/resp/reply.js";
import { LogLoadError } from "../aof/load-log.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { memoryOf } from "../keyspace/measure.js";
import { toRdb } from "../rdb/convert.js";
import { digestValue } from "../rdb/digest.js";
import { digestDatabases } from "../rdb/digest-databases.js";
import { rewriteFile } from "./configuration.js";
import { matchTest, printed, replyBuffer, stringLengths, tableStats, tableStatsOfKey } from "./debug-internals.js";
import { crashAndRecover, restart } from "./debug-restart.js";
import { longArg } from "./support/arguments.js";
import { parseDouble } from "./support/double.js";
import { encodingOf } from "./support/encoding-name.js";
import { helpText } from "./support/help.js";

/** DEBUG, where enable-debug-command allows it. */
export const debugCommands: CommandGroup = { debug };

/** Subcommands with the number of arguments (without DEBUG and the name) that they take. */
const SUBCOMMANDS: Readonly<
  Record<string, readonly [min: number, max: number, run: (ctx: CommandContext, args: readonly Bytes[]) => Reply]>
> = {
  sleep: [1, 1, sleep],
  "set-active-expire": [1, 1, setActiveExpire],
  "set-skip-checksum-validation": [1, 1, skipChecksums],
  "pause-cron": [1, 1, pauseCron],
  digest: [0, 0, (ctx) => new SimpleString(digestDatabases(ctx.server.databases))],
  "digest-value": [1, Number.POSITIVE_INFINITY, digestValues],
  populate: [1, 3, populate],
  reload: [0, Number.POSITIVE_INFINITY, reload],
  object: [1, 2, describeObject],
  replicate: [1, Number.POSITIVE_INFINITY, replicate],
  "change-repl-id": [0, 0, changeReplId],
  protocol: [1, 1, protocol],
  error: [1, 1, (_ctx, args) => new ErrorReply(args[2] as Bytes)],
  log: [1, 1, log],
  loadaof: [0, 0, loadAof],
  "aof-flush-sleep": [1, 1, aofFlushSleep],
  restart: [0, Number.POSITIVE_INFINITY, restart],
  "crash-and-recover": [0, Number.POSITIVE_INFINITY, crashAndRecover],
  segfault: [0, 0, (ctx) => crash(ctx, "SIGSEGV")],
  panic: [0, 0, (ctx) => crash(ctx, "SIGABRT")],
  assert: [0, 0, (ctx) => crash(ctx, "SIGABRT")],
  "config-rewrite-force-all": [0, 0, (ctx) => rewriteFile(ctx, true)],
  listpack: [1, 1, printed("listpack")],
  quicklist: [1, 2, printed("quicklist")],
  htstats: [1, 1, tableStats],
  "htstats-key": [1, 1, tableStatsOfKey],
  "stringmatch-test": [0, 0, matchTest],
  sdslen: [1, 1, stringLengths],
  replybuffer: [2, 2, replyBuffer],
  help: [0, 0, () => helpText("debug")],
  // Settings of parts that this server doesn't have: there is nothing to do, and that is done.
  jmap: [0, 0, () => OK],
  leak: [1, 1, () => OK],
  "client-eviction": [0, 0, () => OK],
  "quicklist-packed-threshold": [1, 1, () => OK],
  "set-disable-deny-scripts": [1, 1, setDisableDenyScripts],
};

function debug(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const subcommand = SUBCOMMANDS[(args[1] as Bytes).toLowerCase()];
  const given = args.length - 2;
  if (subcommand === undefined || given < subcommand[0] || given > subcommand[1]) {
    return new ErrorReply(`ERR unknown subcommand or wrong number of arguments for '${args[1]}'. Try DEBUG HELP.`);
  }
  return subcommand[2](ctx, args);
}

/** The server stands still, as a blocked redis-server does; the process it lives in goes on. */
function sleep(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const ms = Math.floor((parseDouble(args[2] as Bytes) ?? 0) * 1000);
  if (ms <= 0) return OK;
  if (ctx.server.inExec) {
    ctx.server.still.blockProcess?.(ms);
    return OK;
  }
  const reply = ctx.block({ keys: [], timeoutMs: ms, timeoutReply: () => OK, retry: () => null, still: true });
  ctx.server.still.sleep(ms);
  return reply;
}

function setActiveExpire(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.server.expiry.enabled = args[2] !== "0";
  return OK;
}

function pauseCron(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.server.cronPaused = Number(args[2]) !== 0;
  return OK;
}

function aofFlushSleep(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (ctx.server.aof) ctx.server.aof.flushSleepMs = longArg(args[2] as Bytes) / 1000;
  return OK;
}

function loadAof(ctx: CommandContext): Reply {
  try {
    ctx.server.aof?.reload();
    return OK;
  } catch (error) {
    if (!(error instanceof LogLoadError)) throw error;
    ctx.server.onFatal?.();
    return NO_REPLY;
  }
}

/** No answer comes: the server is gone, as by a bug. */
function crash(ctx: CommandContext, signal: "SIGSEGV" | "SIGABRT"): Reply {
  ctx.server.onCrash?.(signal);
  return NO_REPLY;
}

function skipChecksums(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.server.loader.skipsChecksums = args[2] !== "0";
  return OK;
}

function digestValues(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return args.slice(2).map((key) => {
    const entry = ctx.db.peek(key);
    return new SimpleString(
      entry === undefined ? "0".repeat(40) : digestValue(toRdb(entry.value), entry.expireAt !== -1),
    );
  });
}

/** `count [prefix [size]]`: keys `prefix:0` … with values `value:0` …, padded to `size` with zero bytes. */
function populate(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const count = longArg(args[2] as Bytes);
  if (count < 0) return errors.notPositive;
  const prefix = args[3] ?? "key";
  const size = args[4] === undefined ? null : longArg(args[4]);
  for (let i = 0; i < count; i++) {
    const key = `${prefix}:${i}`;
    if (ctx.db.peek(key) !== undefined) continue;
    const value = `value:${i}`;
    ctx.db.set(key, size === null ? value : value.slice(0, size).padEnd(size, "\0"));
    ctx.db.touch(key);
  }
  return OK;
}

/** RELOAD [MERGE] [NOFLUSH] [NOSAVE] */
function reload(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const options = new Set(args.slice(2).map((word) => word.toLowerCase()));
  for (const option of options) {
    if (!["merge", "noflush", "nosave"].includes(option)) {
      return new ErrorReply("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  const how = !options.has("noflush") ? "replaceAll" : options.has("merge") ? "merge" : "append";
  try {
    ctx.server.saver?.reload(!options.has("nosave"), how);
    return OK;
  } catch (error) {
    ctx.server.log("warning", `DEBUG RELOAD failed: ${(error as Error).message}`);
    return new ErrorReply("ERR Error trying to load the RDB dump");
  }
}

/** Puts these words into the replication stream, whatever they are. */
function replicate(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { replication } = ctx.server;
  if (replication.feeding) replication.feed(-1, args.slice(2));
  return OK;
}

function changeReplId(ctx: CommandContext): Reply {
  ctx.server.log("warning", "Changing replication IDs after receiving DEBUG change-repl-id");
  ctx.server.replication.changeReplId();
  return OK;
}

function describeObject(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.peekAny(args[2] as Bytes) ?? fail(errors.noSuchKey);
  const idleS = Math.max(0, Math.floor(ctx.nowMs / 1000) - entry.accessedS);
  const length = memoryOf("", entry.value);
  return new SimpleString(
    `Value at:0x0 refcount:1 encoding:${encodingOf(entry)} serializedlength:${length} lru:${entry.accessedS & 0xffffff} lru_seconds_idle:${idleS}`,
  );
}

function log(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.server.log("warning", `DEBUG LOG: ${args[2]}`);
  return OK;
}

/** One reply of each type of RESP, for those who write clients. */
function protocol(ctx: CommandContext, args: readonly Bytes[]): Reply {
  switch ((args[2] as Bytes).toLowerCase()) {
    case "string":
      return "Hello World";
    case "integer":
      return 12345;
    case "double":
      return new DoubleReply(3.141);
    case "bignum":
      return new BigNumberReply("1234567999999999999999999999999999999");
    case "null":
      return null;
    case "array":
      return [0, 1, 2];
    case "set":
      return new SetReply([0, 1, 2]);
    case "map":
      return new MapReply([0, 1, 2].map((i) => [i, new BooleanReply(i === 1)]));
    case "attrib":
      return new AttributedReply([["key-popularity", ["key:123", 90]]], "Some real reply following the attribute");
    case "push":
      if (ctx.resp < 3) return new ErrorReply("ERR RESP2 is not supported by this command");
      // A push is no reply: who waits for one gets it behind.
      return new ManyReplies([new PushReply(["server-cpu-usage", 42]), "Some real reply following the push reply"]);
    case "verbatim":
      return new VerbatimReply("txt", "This is a verbatim\nstring");
    case "true":
      return new BooleanReply(true);
    case "false":
      return new BooleanReply(false);
    default:
      return new ErrorReply(
        "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
      );
  }
}

/** Lets scripts call what they otherwise may not. */
function setDisableDenyScripts(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.server.scripting.denyScriptDisabled = args[2] === "1";
  return OK;
}
