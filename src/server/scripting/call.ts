import { commandTable } from "../../protocol/command-table/table.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { Flag } from "../dispatch/flags.js";
import { feedMonitors } from "../dispatch/monitor.js";
import type { Command } from "../dispatch/registry.js";
import { arityFits } from "../dispatch/request.js";
import { OUT_OF_MEMORY } from "../memory/memory.js";
import type { ServerCore } from "../server-core.js";
import type { ScriptRun } from "./run.js";

const UNKNOWN = new ErrorReply("ERR Unknown Redis command called from script");
const WRONG_ARITY = new ErrorReply("ERR Wrong number of args calling Redis command from script");
const NOT_FROM_SCRIPT = new ErrorReply("ERR This Redis command is not allowed from script");
const STALE = new ErrorReply("ERR Can not execute the command on a stale replica");
const READ_ONLY_SCRIPT = new ErrorReply("ERR Write commands are not allowed from read-only scripts.");

/** Runs a command for a script; a refusal is counted as one. */
export function callFromScript(server: ServerCore, run: ScriptRun, args: readonly Bytes[]): Reply {
  const command = server.commands.resolve(args);
  const refusal = refusalOf(server, run, command, args);
  if (refusal !== null) {
    server.stats.countError(refusal.text);
    if (command !== undefined) command.rejectedCalls++;
    return refusal;
  }
  const known = command as Command;
  if (known.isWrite) run.dirty = true;
  run.client.lastCommand = known.name;
  const reply = server.runForScript(run.client, known, args, run.repl);
  if (run.caller.tracking !== null && (known.flagBits & Flag.readonly) !== 0)
    server.tracking.rememberScript(run.caller);
  if (server.monitors.size > 0 && !server.inExec) feedMonitors(server, run.client, known, args);
  return reply;
}

/** Redis's checks of a command that a script calls, in its order. */
function refusalOf(
  server: ServerCore,
  run: ScriptRun,
  command: Command | undefined,
  args: readonly Bytes[],
): ErrorReply | null {
  if (command === undefined) return isDenied(args) ? NOT_FROM_SCRIPT : UNKNOWN;
  if (!arityFits(command, args)) return WRONG_ARITY;
  if (command.handler === null) return UNKNOWN;
  const bits = command.flagBits;
  if ((bits & Flag.noScript) !== 0 && !server.scripting.denyScriptDisabled) return NOT_FROM_SCRIPT;
  const trusted = run.caller.isMasterLink;
  if (!trusted && server.replication.refusal(run.caller, bits & Flag.stale) !== null) return STALE;
  const denied = run.client.user.unrestricted ? null : server.acl.scriptRefusal(run.client, command, args);
  if (denied !== null) return denied;
  if (run.readOnly && (bits & (Flag.write | Flag.mayReplicate)) !== 0) return READ_ONLY_SCRIPT;
  // What has begun to write is let finish: half of a script's writes would be worse.
  if (run.dirty || trusted) return null;
  if (command.isWrite) {
    const refused = server.replication.refusal(run.caller, Flag.write | Flag.stale);
    if (refused !== null) return refused;
  }
  const full = server.memory.limit > 0 && server.memory.exhausted && !run.allowOom;
  return full && (bits & Flag.denyOom) !== 0 ? OUT_OF_MEMORY : null;
}

/** Whether a command that this server does not have is one of those that no script may call. */
function isDenied(args: readonly Bytes[]): boolean {
  const spec = commandTable.get((args[0] as Bytes).toLowerCase());
  const full = `${spec?.name}|${args[1]?.toLowerCase()}`;
  const found = spec?.subcommands.find(({ name }) => name === full) ?? spec;
  return found?.flags.includes("noscript") ?? false;
}
