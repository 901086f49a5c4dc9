import { type Bytes, ErrorReply, OK, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail, wrongArity } from "../../dispatch/errors.js";
import { type NodeLimits, Stream } from "../../keyspace/stream.js";
import { idText, MAX_ID, MIN_ID, msOf, nextId, type StreamId, seqOf, streamId } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { idArg, type NewId } from "./arguments.js";
import { exactly, trimOptions } from "./trimming.js";

/* Adding and removing entries. */

const zeroId = new ErrorReply("ERR The ID specified in XADD must be greater than 0-0");
const exhausted = new ErrorReply("ERR The stream has exhausted the last possible ID, unable to add more items");
const notAbove = new ErrorReply("ERR The ID specified in XADD is equal or smaller than the target stream top item");
const tooLarge = new ErrorReply("ERR Elements are too large to be stored");
const addedNegative = new ErrorReply("ERR entries_added must be positive");
const belowDeleted = new ErrorReply("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
const belowTop = new ErrorReply("ERR The ID specified in XSETID is smaller than the target stream top item");
const addedBelowLength = new ErrorReply(
  "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

/** What one entry may hold, in bytes. */
const LARGEST_ENTRY = 2 ** 30;

export function xadd(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const options = trimOptions(ctx, args, true);
  const idAt = options.end;
  if (args.length - idAt < 3 || (args.length - idAt) % 2 === 0) return wrongArity("xadd");
  const given = options.id;
  if (given !== "auto" && "id" in given && given.id === MIN_ID) return zeroId;
  const key = arg(args, 1);
  const known = ctx.db.get(key, "stream");
  if (known === null && options.noMkStream) return null;
  const stream = known ?? new Stream();
  if (stream.lastId === MAX_ID) return exhausted;
  const id = newId(ctx, stream, given);
  if (id <= stream.lastId) return notAbove;
  const fields = args.slice(idAt + 1);
  let size = 0;
  for (const text of fields) size += text.length;
  if (size > LARGEST_ENTRY) return tooLarge;
  if (known === null) ctx.db.set(key, stream);
  stream.append(id, fields, nodeLimits(ctx));
  ctx.changed(key);
  ctx.notify("t", "xadd", key);
  if (options.trim !== null && stream.trim(options.trim) > 0) ctx.notify("t", "xtrim", key);
  const text = idText(id);
  if (options.trim?.approximate === true || given === "auto" || "ms" in given) {
    const sent = exactly(args, options, stream);
    sent[idAt] = text;
    ctx.rewrite(...sent);
  }
  ctx.db.announce(key);
  return text;
}

export function nodeLimits(ctx: CommandContext): NodeLimits {
  const { config } = ctx.server;
  return { maxEntries: config.number("stream-node-max-entries"), maxBytes: config.number("stream-node-max-bytes") };
}

function newId(ctx: CommandContext, stream: Stream, given: NewId): StreamId {
  const { lastId } = stream;
  if (given === "auto") return ctx.nowMs > msOf(lastId) ? streamId(ctx.nowMs, 0) : (nextId(lastId) as StreamId);
  if ("id" in given) return given.id;
  if (msOf(lastId) !== given.ms) return streamId(given.ms, 0);
  const next = nextId(lastId);
  // The millisecond is full; Redis has no better word for it.
  return next === undefined || seqOf(next) === 0 ? fail(tooLarge) : next;
}

export function xtrim(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const options = trimOptions(ctx, args, false);
  const key = arg(args, 1);
  const stream = ctx.db.get(key, "stream");
  if (stream === null || options.trim === null) return 0;
  const removed = stream.trim(options.trim);
  if (removed === 0) return 0;
  ctx.notify("t", "xtrim", key);
  if (options.trim.approximate) ctx.rewrite(...exactly(args, options, stream));
  ctx.changed(key, removed);
  return removed;
}

export function xdel(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const stream = ctx.db.get(key, "stream");
  if (stream === null) return 0;
  let removed = 0;
  for (const id of args.slice(2).map(idArg)) if (stream.delete(id)) removed++;
  if (removed > 0) {
    ctx.changed(key, removed);
    ctx.notify("t", "xdel", key);
  }
  return removed;
}

export function xsetid(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const id = idArg(arg(args, 2));
  let added: number | null = null;
  let maxDeleted = MIN_ID;
  for (let at = 3; at < args.length; at += 2) {
    const value = arg(args, at + 1);
    if (isWord(args[at], "entriesadded")) {
      added = longArg(value);
      if (added < 0) fail(addedNegative);
    } else if (isWord(args[at], "maxdeletedid")) {
      maxDeleted = idArg(value);
      if (id < maxDeleted) fail(belowDeleted);
    } else fail(errors.syntax);
  }
  const key = arg(args, 1);
  const stream = ctx.db.get(key, "stream") ?? fail(errors.noSuchKey);
  if (stream.length > 0) {
    if (id < stream.lastValidId()) return belowTop;
    if (added !== null && stream.length > added) return addedBelowLength;
  }
  stream.lastId = id;
  if (added !== null) stream.entriesAdded = added;
  if (maxDeleted !== MIN_ID) stream.maxDeletedId = maxDeleted;
  ctx.changed(null);
  ctx.notify("t", "xsetid", key);
  return OK;
}
