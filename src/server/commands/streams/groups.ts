import { type Bytes, ErrorReply, OK, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { fail } from "../../dispatch/errors.js";
import { Stream } from "../../keyspace/stream.js";
import { StreamGroup, UNKNOWN_READ } from "../../keyspace/stream-group.js";
import { MIN_ID } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { edgeIdArg, idArg } from "./arguments.js";
import { addConsumer } from "./replies.js";

/* XGROUP, and XACK. */

const keyMustExist = new ErrorReply(
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
const groupExists = new ErrorReply("BUSYGROUP Consumer Group name already exists");
const badEntriesRead = new ErrorReply("ERR value for ENTRIESREAD must be positive or -1");

interface GroupOptions {
  readonly makeStream: boolean;
  readonly entriesRead: number;
}

/** The options behind the id, and no more of them than Redis takes. */
function groupOptions(args: readonly Bytes[], name: "CREATE" | "SETID"): GroupOptions {
  let makeStream = false;
  let entriesRead = UNKNOWN_READ;
  for (let at = 5; at < args.length; at++) {
    if (name === "CREATE" && isWord(args[at], "mkstream")) makeStream = true;
    else if (isWord(args[at], "entriesread") && at + 1 < args.length) {
      entriesRead = longArg(arg(args, ++at));
      if (entriesRead < 0 && entriesRead !== UNKNOWN_READ) fail(badEntriesRead);
    } else misused(args);
  }
  return { makeStream, entriesRead };
}

function misused(args: readonly Bytes[]): never {
  return fail(
    `ERR unknown subcommand or wrong number of arguments for '${arg(args, 1).slice(0, 128)}'. Try XGROUP HELP.`,
  );
}

function streamOf(ctx: CommandContext, args: readonly Bytes[]): Stream {
  return ctx.db.get(arg(args, 2), "stream") ?? fail(keyMustExist);
}

function groupOf(ctx: CommandContext, args: readonly Bytes[]): readonly [Stream, StreamGroup] {
  const stream = streamOf(ctx, args);
  const group = stream.groups.get(arg(args, 3));
  return group === undefined ? noGroup(args) : [stream, group];
}

function noGroup(args: readonly Bytes[]): never {
  return fail(`NOGROUP No such consumer group '${arg(args, 3)}' for key name '${arg(args, 2)}'`);
}

export function xgroupCreate(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { makeStream, entriesRead } = groupOptions(args, "CREATE");
  const key = arg(args, 2);
  const known = ctx.db.get(key, "stream");
  if (known === null && !makeStream) return keyMustExist;
  if (args.length > 8) misused(args);
  const id = args[4] === "$" ? (known?.lastId ?? MIN_ID) : idArg(arg(args, 4));
  const stream = known ?? new Stream();
  if (stream.groups.has(arg(args, 3))) return groupExists;
  if (known === null) ctx.db.set(key, stream);
  stream.groups.set(arg(args, 3), new StreamGroup(id, entriesRead));
  ctx.changed(known === null ? key : null);
  ctx.notify("t", "xgroup-create", key);
  return OK;
}

export function xgroupSetid(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { entriesRead } = groupOptions(args, "SETID");
  const [stream, group] = groupOf(ctx, args);
  if (args.length !== 5 && args.length !== 7) misused(args);
  group.lastId = args[4] === "$" ? stream.lastId : edgeIdArg(arg(args, 4));
  group.entriesRead = entriesRead;
  ctx.changed(null);
  ctx.notify("t", "xgroup-setid", arg(args, 2));
  return OK;
}

export function xgroupDestroy(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const stream = streamOf(ctx, args);
  if (!stream.groups.delete(arg(args, 3))) return 0;
  ctx.changed(null);
  ctx.notify("t", "xgroup-destroy", arg(args, 2));
  // Who waits as a consumer of this group must hear that it is gone.
  ctx.db.announce(arg(args, 2));
  return 1;
}

export function xgroupCreateconsumer(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const [, group] = groupOf(ctx, args);
  const name = arg(args, 4);
  if (group.consumers.has(name)) return 0;
  addConsumer(ctx, arg(args, 2), group, name);
  return 1;
}

export function xgroupDelconsumer(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const [, group] = groupOf(ctx, args);
  const consumer = group.consumers.get(arg(args, 4));
  if (consumer === undefined) return 0;
  const pending = group.removeConsumer(consumer);
  ctx.changed(null);
  ctx.notify("t", "xgroup-delconsumer", arg(args, 2));
  return pending;
}

export function xack(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const group = ctx.db.get(arg(args, 1), "stream")?.groups.get(arg(args, 2));
  if (group === undefined) return 0;
  let acknowledged = 0;
  for (const id of args.slice(3).map(idArg)) if (group.acknowledge(id)) acknowledged++;
  if (acknowledged > 0) ctx.changed(null, acknowledged);
  return acknowledged;
}
