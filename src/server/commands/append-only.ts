import { ErrorReply, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import type { CommandGroup } from "../dispatch/registry.js";

/** The append-only log. https://redis.io/docs/latest/commands/bgrewriteaof/ */
export const appendOnlyCommands: CommandGroup = { bgrewriteaof };

const IN_PROGRESS = new ErrorReply("ERR Background append only file rewriting already in progress");
const FAILED = new ErrorReply(
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
);

function bgrewriteaof(ctx: CommandContext): Reply {
  const { aof, snapshots, inExec } = ctx.server;
  if (aof === null) return FAILED;
  if (aof.rewrite.inProgress) return IN_PROGRESS;
  if (snapshots.active !== null || inExec) {
    aof.schedule();
    return new SimpleString("Background append only file rewriting scheduled");
  }
  return aof.rewrite.begin() ? new SimpleString("Background append only file rewriting started") : FAILED;
}
