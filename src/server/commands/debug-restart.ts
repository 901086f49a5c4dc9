import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { rewriteFile } from "./configuration.js";
import { longArg } from "./support/arguments.js";

const FAILED = new ErrorReply("ERR failed to restart the server. Check server logs.");

/** RESTART [ms]: the config file is rewritten, the data saved as by SHUTDOWN NOW; then the server starts anew. */
export function restart(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { server } = ctx;
  const delayMs = delayOf(args);
  if (server.config.file !== null && rewriteFile(ctx, false) instanceof ErrorReply) {
    server.log("warning", "Can't restart: configuration rewrite process failed");
    return FAILED;
  }
  if (server.shutdown?.prepare() !== true) {
    server.log("warning", "Can't restart: error preparing for shutdown");
    return FAILED;
  }
  return end(ctx, delayMs, false);
}

/** CRASH-AND-RECOVER [ms]: what was not saved is lost. */
export function crashAndRecover(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return end(ctx, delayOf(args), true);
}

function delayOf(args: readonly Bytes[]): number {
  return args[2] === undefined ? 0 : Math.max(0, longArg(args[2]));
}

/** No answer comes: every connection is closed. */
function end({ server }: CommandContext, delayMs: number, crash: boolean): Reply {
  if (server.onRestart === null) {
    server.log("warning", "Can't restart: nobody would start this server again");
    return FAILED;
  }
  server.onRestart({ delayMs, crash });
  return NO_REPLY;
}
