import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NULL_ARRAY, OK } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { discard as leaveMulti } from "../dispatch/dispatcher.js";
import type { CommandGroup } from "../dispatch/registry.js";

/** https://redis.io/docs/latest/commands/?group=transactions */
export const transactionCommands: CommandGroup = { multi, exec, discard, watch, unwatch };

const NESTED_MULTI = new ErrorReply("ERR MULTI calls can not be nested");
const EXEC_WITHOUT_MULTI = new ErrorReply("ERR EXEC without MULTI");
const DISCARD_WITHOUT_MULTI = new ErrorReply("ERR DISCARD without MULTI");
const WATCH_INSIDE_MULTI = new ErrorReply("ERR WATCH inside MULTI is not allowed");
const ABORTED = new ErrorReply("EXECABORT Transaction discarded because of previous errors.");

function multi(ctx: CommandContext): Reply {
  if (ctx.client.queued !== null) return NESTED_MULTI;
  ctx.client.queued = [];
  return OK;
}

function exec(ctx: CommandContext): Reply {
  const { client, server } = ctx;
  if (client.queued === null) return EXEC_WITHOUT_MULTI;
  const broken = client.queueBroken;
  const changed = client.watchBroken || server.keyspace.watchedExpired(client);
  if (broken || changed) {
    leaveMulti(server, client);
    return broken ? ABORTED : NULL_ARRAY;
  }
  // From here on nothing can break the transaction: the commands' own changes must not touch the watch.
  server.keyspace.unwatch(client);
  client.watchBroken = false;
  return server.runQueued(client);
}

function discard(ctx: CommandContext): Reply {
  if (ctx.client.queued === null) return DISCARD_WITHOUT_MULTI;
  leaveMulti(ctx.server, ctx.client);
  return OK;
}

function watch(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (ctx.client.queued !== null) return WATCH_INSIDE_MULTI;
  // Already lost: watching more is pointless, and must not look like a fresh start.
  if (ctx.client.watchBroken) return OK;
  for (let i = 1; i < args.length; i++) ctx.server.keyspace.watch(ctx.client, args[i] as Bytes);
  return OK;
}

function unwatch(ctx: CommandContext): Reply {
  ctx.server.keyspace.unwatch(ctx.client);
  ctx.client.watchBroken = false;
  return OK;
}
