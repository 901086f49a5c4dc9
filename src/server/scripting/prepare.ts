import { ErrorReply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import { errors } from "../dispatch/errors.js";
import { Flag } from "../dispatch/flags.js";
import type { ServerCore } from "../server-core.js";
import { ScriptFlag } from "./flags.js";
import type { Callable } from "./scripting.js";

const STALE = new ErrorReply(
  "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.",
);
const READ_ONLY_REPLICA = new ErrorReply("READONLY Can not run script with write flag on readonly replica");
const OUT_OF_MEMORY = new ErrorReply(
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
);
const WRITES_IN_RO = new ErrorReply("ERR Can not execute a script with write flag using *_ro command.");

/** The data can't be saved: what writes hear of it, in the words for scripts. */
function unsaved({ text }: ErrorReply): ErrorReply {
  const hint = "Writable scripts are blocked. Use 'no-writes' flag for read only scripts.";
  if (!text.startsWith("MISCONF Errors writing to the AOF file: ")) {
    return new ErrorReply(
      `MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. ${hint}`,
    );
  }
  const cause = text.slice(text.indexOf(": ") + 2);
  return new ErrorReply(
    `MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. ${hint} AOF error: ${cause}`,
  );
}

/** Whether a script may begin, by its flags and the server's state; null = yes. */
export function refusalBeforeRun(server: ServerCore, caller: Client, what: Callable): ErrorReply | null {
  const trusted = caller.isMasterLink;
  const stale = !trusted && server.replication.refusal(caller, 0) !== null;
  if ((what.flags & ScriptFlag.compat) !== 0) return stale ? errors.masterDown : null;
  if (stale && (what.flags & ScriptFlag.allowStale) === 0) return STALE;
  if ((what.flags & ScriptFlag.noWrites) !== 0) return null;
  const refused = trusted ? null : server.replication.refusal(caller, Flag.write | Flag.stale);
  if (refused === errors.readOnly) return READ_ONLY_REPLICA;
  if (refused !== null && refused !== errors.noReplicas) return unsaved(refused);
  if (what.readOnly) return WRITES_IN_RO;
  if (refused !== null) return refused;
  const full = server.memory.limit > 0 && server.memory.exhausted;
  return full && (what.flags & ScriptFlag.allowOom) === 0 ? OUT_OF_MEMORY : null;
}
