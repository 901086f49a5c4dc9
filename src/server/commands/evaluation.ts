import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY, OK, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Script } from "../scripting/eval-scripts.js";
import { parseInteger } from "./support/integer.js";

/** EVAL and SCRIPT. https://redis.io/docs/latest/commands/?group=scripting */
export const evalCommands: CommandGroup = {
  eval: (ctx, args) => evaluate(ctx, args, false),
  eval_ro: (ctx, args) => evaluate(ctx, args, true),
  evalsha: (ctx, args) => evaluateSha(ctx, args, false),
  evalsha_ro: (ctx, args) => evaluateSha(ctx, args, true),
  "script|load": load,
  "script|exists": (ctx, args) => args.slice(2).map((sha) => (ctx.server.scripting.scripts.find(sha) ? 1 : 0)),
  "script|flush": flush,
  "script|kill": (ctx) => ctx.server.scripting.kill("eval") ?? OK,
  "script|debug": debug,
  "script|help": () => HELP.map((line) => new SimpleString(line)),
};

const NO_SCRIPT = new ErrorReply("NOSCRIPT No matching script. Please use EVAL.");
const TOO_MANY_KEYS = new ErrorReply("ERR Number of keys can't be greater than number of args");
const NEGATIVE_KEYS = new ErrorReply("ERR Number of keys can't be negative");

const HELP: readonly string[] = [
  "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DEBUG (YES|SYNC|NO)",
  "    Set the debug mode for subsequent scripts executed.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Return information about the existence of the scripts in the script cache.",
  "FLUSH [ASYNC|SYNC]",
  "    Flush the Lua scripts cache. Very dangerous on replicas.",
  "    When called without the optional mode argument, the behavior is determined by the",
  "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
  "    * ASYNC: Asynchronously flush the scripts cache.",
  "    * SYNC: Synchronously flush the scripts cache.",
  "KILL",
  "    Kill the currently executing Lua script.",
  "LOAD <script>",
  "    Load a script into the scripts cache without executing it.",
  "HELP",
  "    Prints this help.",
];

/** EVAL script numkeys [key …] [arg …] */
function evaluate(ctx: CommandContext, args: readonly Bytes[], readOnly: boolean): Reply {
  const { scripting } = ctx.server;
  scripting.announce(ctx.client, args);
  const keys = keyCount(args);
  if (typeof keys !== "number") return keys;
  const script = scripting.scripts.load(args[1] as Bytes);
  if (script instanceof ErrorReply) return script;
  const reply = run(ctx, args, script, keys, readOnly);
  return ctx.client.debugsScript ? undebugged(ctx, reply) : reply;
}

/** What a debugger's client gets for an EVAL: the end of its session, since scripts run here without a stop. */
function undebugged({ client }: CommandContext, reply: Reply): Reply {
  client.debugsScript = false;
  // The script was set aside, and answers for itself.
  if (reply === NO_REPLY) return reply;
  return [
    new SimpleString("* This server has no debugger: the script ran to its end"),
    reply,
    new SimpleString("<endsession>"),
  ];
}

/** EVALSHA sha1 numkeys [key …] [arg …] */
function evaluateSha(ctx: CommandContext, args: readonly Bytes[], readOnly: boolean): Reply {
  const { scripting } = ctx.server;
  scripting.announce(ctx.client, args);
  const sha = args[1] as Bytes;
  if (sha.length !== 40) return NO_SCRIPT;
  if (ctx.client.debugsScript) return new ErrorReply("ERR Please use EVAL instead of EVALSHA for debugging");
  const keys = keyCount(args);
  if (typeof keys !== "number") return keys;
  const script = scripting.scripts.find(sha);
  return script === undefined ? NO_SCRIPT : run(ctx, args, script, keys, readOnly);
}

function run(ctx: CommandContext, args: readonly Bytes[], script: Script, keys: number, readOnly: boolean): Reply {
  return ctx.server.scripting.run(ctx.client, args, {
    mode: "eval",
    name: script.sha,
    flags: script.flags,
    readOnly,
    keys: args.slice(3, 3 + keys),
    argv: args.slice(3 + keys),
    ref: script.ref,
  });
}

function keyCount(args: readonly Bytes[]): number | ErrorReply {
  const count = parseInteger(args[2] as Bytes);
  if (count === undefined) return errors.notInteger;
  return checkKeyCount(Number(count), args);
}

/** The number of keys of EVAL or FCALL, if there can be so many. */
export function checkKeyCount(count: number, args: readonly Bytes[]): number | ErrorReply {
  if (count > args.length - 3) return TOO_MANY_KEYS;
  return count < 0 ? NEGATIVE_KEYS : count;
}

/** SCRIPT LOAD script */
function load(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const script = ctx.server.scripting.scripts.load(args[2] as Bytes);
  return script instanceof ErrorReply ? script : script.sha;
}

/** SCRIPT FLUSH [ASYNC|SYNC] */
function flush(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const mode = args[2]?.toLowerCase();
  if (args.length > 3 || (mode !== undefined && mode !== "sync" && mode !== "async")) {
    return new ErrorReply("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  ctx.server.scripting.scripts.flush();
  return OK;
}

/** SCRIPT DEBUG YES|SYNC|NO. There is no debugger here: the session that the next EVAL begins says so, and ends. */
function debug(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const mode = (args[2] as Bytes).toLowerCase();
  if (mode !== "yes" && mode !== "sync" && mode !== "no") return new ErrorReply("ERR Use SCRIPT DEBUG YES/SYNC/NO");
  ctx.client.debugsScript = mode !== "no";
  return OK;
}
