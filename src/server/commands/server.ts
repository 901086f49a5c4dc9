import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY, OK, VerbatimReply } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { helpText } from "./support/help.js";
import { parseInteger } from "./support/integer.js";

/** Looking after the server. https://redis.io/docs/latest/commands/?group=server */
export const serverCommands: CommandGroup = {
  time,
  monitor,
  shutdown,
  lolwut: () => new VerbatimReply("txt", `Redis ver. ${REDIS_VERSION}\n`),
  "slowlog|get": slowlogGet,
  "slowlog|len": (ctx) => ctx.server.slowLog.length,
  "slowlog|reset": slowlogReset,
  "slowlog|help": () => helpText("slowlog"),
};

const MONITOR_DENIED = new ErrorReply("ERR MONITOR isn't allowed for DENY BLOCKING client");
const SHUTDOWN_WORDS = new Set(["save", "nosave", "now", "force", "abort"]);
const NO_SHUTDOWN = new ErrorReply("ERR No shutdown in progress.");
const SHUTDOWN_FAILED = new ErrorReply("ERR Errors trying to SHUTDOWN. Check logs.");
const BAD_SLOWLOG_COUNT = new ErrorReply("ERR count should be greater than or equal to -1");

function time(ctx: CommandContext): Reply {
  return [String(Math.floor(ctx.nowMs / 1000)), String((ctx.nowMs % 1000) * 1000)];
}

function monitor(ctx: CommandContext): Reply {
  if (ctx.client.isReplica) return NO_REPLY;
  if (ctx.server.inExec) return MONITOR_DENIED;
  ctx.client.isMonitor = true;
  ctx.server.monitors.add(ctx.client);
  return OK;
}

/** Answers nothing where it succeeds: the connection closes as everything does. */
function shutdown(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const words = args.slice(1).map((arg) => arg.toLowerCase());
  if (!words.every((word) => SHUTDOWN_WORDS.has(word))) return errors.syntax;
  const has = (word: string): boolean => words.includes(word);
  const abort = has("abort");
  if ((has("save") && has("nosave")) || (abort && words.some((word) => word !== "abort"))) return errors.syntax;
  const process = ctx.server.shutdown;
  if (abort) return process?.abort() ? OK : NO_SHUTDOWN;
  // While a script is set aside the data is half of something: only who does without it may end the server.
  if (ctx.server.busy !== null && !has("nosave")) return ctx.server.busy;
  if (process === null) return SHUTDOWN_FAILED;
  const save = has("save") ? true : has("nosave") ? false : null;
  return process.command(ctx, { save, now: has("now"), force: has("force") });
}

function slowlogGet(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 3) return errors.syntax;
  const count = args.length === 3 ? parseInteger(args[2] as Bytes) : 10;
  if (count === undefined || count < -1) return BAD_SLOWLOG_COUNT;
  const entries = ctx.server.slowLog.newest(count === -1 ? ctx.server.slowLog.length : Number(count));
  return entries.map((entry) => [entry.id, entry.atS, entry.micros, entry.args, entry.address, entry.clientName]);
}

function slowlogReset(ctx: CommandContext): Reply {
  ctx.server.slowLog.reset();
  return OK;
}
