import { type Bytes, ErrorReply, MapReply, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { Stream } from "../../keyspace/stream.js";
import type { StreamConsumer, StreamGroup } from "../../keyspace/stream-group.js";
import { idText, MAX_ID, MIN_ID, nextId, type StreamId } from "../../keyspace/stream-id.js";
import { typeOf } from "../../keyspace/values.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { groupOf, idArg, seenConsumer } from "./arguments.js";
import { addConsumer, entriesReply, entryReply, propagateClaim, propagateGroupId } from "./replies.js";

/* XREAD and XREADGROUP. */

const groupOption = new ErrorReply("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
const noAckOption = new ErrorReply("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
const unbalanced = new ErrorReply(
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
);
const missingGroup = new ErrorReply("ERR Missing GROUP option for XREADGROUP");
const dollarInGroup = new ErrorReply(
  "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
);
const newOutsideGroup = new ErrorReply(
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);
const badTimeout = new ErrorReply("ERR timeout is not an integer or out of range");
const groupGone = new ErrorReply("NOGROUP the consumer group this client was blocked on no longer exists");
const streamGone = new ErrorReply("UNBLOCKED the stream key no longer exists");

/** How many entries a client that had to wait gets at most, unless it said. */
const COUNT_AFTER_WAITING = 1000;

interface ReadOptions {
  /** Milliseconds; null = don't wait. */
  readonly blockMs: number | null;
  /** 0 = all. */
  readonly count: number;
  readonly group: { readonly name: Bytes; readonly consumer: Bytes } | null;
  readonly noAck: boolean;
  readonly keys: readonly Bytes[];
  readonly ids: readonly Bytes[];
}

export function xread(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return read(ctx, options(ctx, args, false));
}

export function xreadgroup(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return read(ctx, options(ctx, args, true));
}

function options(ctx: CommandContext, args: readonly Bytes[], grouped: boolean): ReadOptions {
  let blockMs: number | null = null;
  let count = 0;
  let group: ReadOptions["group"] = null;
  let noAck = false;
  let first = 0;
  for (let at = 1; at < args.length && first === 0; at++) {
    const more = args.length - 1 - at;
    if (more > 0 && isWord(args[at], "block")) {
      if (ctx.client.isScript) fail(`ERR ${args[0]} command is not allowed with BLOCK option from scripts`);
      blockMs = blockArg(arg(args, ++at));
    } else if (more > 0 && isWord(args[at], "count")) count = Math.max(0, longArg(arg(args, ++at)));
    else if (more > 0 && isWord(args[at], "streams")) first = at + 1;
    else if (more > 1 && isWord(args[at], "group")) {
      if (!grouped) fail(groupOption);
      group = { name: arg(args, at + 1), consumer: arg(args, at + 2) };
      at += 2;
    } else if (isWord(args[at], "noack")) {
      if (!grouped) fail(noAckOption);
      noAck = true;
    } else fail(errors.syntax);
  }
  if (first === 0) fail(errors.syntax);
  const streams = args.length - first;
  if (streams % 2 !== 0) fail(unbalanced);
  if (grouped && group === null) fail(missingGroup);
  const keys = args.slice(first, first + streams / 2);
  return { blockMs, count, group, noAck, keys, ids: args.slice(first + streams / 2) };
}

function blockArg(text: Bytes): number {
  const ms = longArg(text, badTimeout);
  if (ms < 0) fail(errors.timeoutNegative);
  return ms;
}

/** One of the streams to read, and the last id that the reader has. */
interface Source {
  readonly key: Bytes;
  readonly stream: Stream | null;
  readonly group: StreamGroup | null;
  /** {@link MAX_ID}: what the group has not given to anybody. */
  readonly after: StreamId;
}

function source(ctx: CommandContext, request: ReadOptions, key: Bytes, id: Bytes): Source {
  let stream = ctx.db.get(key, "stream");
  let group: StreamGroup | null = null;
  if (request.group !== null) {
    [stream, group] = groupOf(ctx, key, request.group.name, " in XREADGROUP with GROUP option");
  }
  let after: StreamId;
  if (id === "$") {
    if (group !== null) fail(dollarInGroup);
    after = stream?.lastId ?? MIN_ID;
  } else if (id === ">") {
    if (group === null) fail(newOutsideGroup);
    after = MAX_ID;
  } else after = idArg(id);
  return { key, stream, group, after };
}

function read(ctx: CommandContext, request: ReadOptions): Reply {
  const sources = request.keys.map((key, at) => source(ctx, request, key, arg(request.ids, at)));
  const found: (readonly [Bytes, Reply])[] = [];
  for (const { key, stream, group, after } of sources) {
    if (stream === null) continue;
    if (group !== null) {
      const history = after !== MAX_ID;
      if (!history && (stream.length === 0 || stream.lastValidId() <= group.lastId)) continue;
      found.push([key, readGroup(ctx, request, key, stream, group, request.count, history ? after : null)]);
    } else if (stream.length > 0 && stream.lastValidId() > after) {
      found.push([key, entriesReply(entriesAfter(stream, after, request.count))]);
    }
  }
  if (found.length > 0) {
    if (request.group !== null) ctx.preventPropagation();
    return keyed(ctx, found);
  }
  if (request.blockMs === null) return NULL_ARRAY;
  return wait(ctx, request, sources);
}

function keyed(ctx: CommandContext, found: readonly (readonly [Bytes, Reply])[]): Reply {
  return ctx.resp === 3 ? new MapReply(found) : found;
}

function entriesAfter(stream: Stream, id: StreamId, count: number): ReturnType<Stream["range"]> {
  const from = nextId(id);
  return from === undefined ? [] : stream.range(from, MAX_ID, count);
}

/** What a consumer gets: new entries, which become pending for it, or with `after` those that are. */
function readGroup(
  ctx: CommandContext,
  request: ReadOptions,
  key: Bytes,
  stream: Stream,
  group: StreamGroup,
  count: number,
  after: StreamId | null,
): Reply {
  const { name, consumer: consumerName } = request.group as NonNullable<ReadOptions["group"]>;
  let consumer = seenConsumer(ctx, group, consumerName);
  if (consumer === undefined) {
    consumer = addConsumer(ctx, key, group, consumerName);
    if (request.noAck) ctx.alsoPropagate("XGROUP", "CREATECONSUMER", key, name, consumerName);
  }
  ctx.changed(null);
  if (after !== null) return history(ctx, stream, consumer, after, count);
  const before = group.lastId;
  const entries = entriesAfter(stream, before, count);
  for (const { id } of entries) {
    stream.advance(group, id);
    if (!request.noAck) propagateClaim(ctx, key, group, name, group.deliver(id, consumer, ctx.nowMs));
  }
  if (request.noAck && group.lastId !== before) propagateGroupId(ctx, key, group, name);
  return entriesReply(entries);
}

/** What is pending for a consumer; entries that have been deleted meanwhile show as null. */
function history(
  ctx: CommandContext,
  stream: Stream,
  consumer: StreamConsumer,
  after: StreamId,
  count: number,
): Reply[] {
  const found: Reply[] = [];
  for (const pending of consumer.pending.from(nextId(after) ?? MAX_ID)) {
    const entry = stream.find(pending.id);
    if (entry === undefined) found.push([idText(pending.id), NULL_ARRAY]);
    else {
      found.push(entryReply(entry));
      pending.deliveredMs = ctx.nowMs;
      pending.deliveries++;
    }
    if (found.length === count) break;
  }
  return found;
}

function wait(ctx: CommandContext, request: ReadOptions, sources: readonly Source[]): Reply {
  const after = new Map<Bytes, StreamId>();
  for (const source of sources) if (!after.has(source.key)) after.set(source.key, source.after);
  const count = request.count === 0 ? COUNT_AFTER_WAITING : request.count;
  return ctx.block({
    keys: [...after.keys()],
    timeoutMs: request.blockMs ?? 0,
    timeoutReply: () => NULL_ARRAY,
    retry(key) {
      const value = ctx.db.lookup(key)?.value;
      const stream = value !== undefined && typeOf(value) === "stream" ? (value as Stream) : null;
      // What a reader does goes into the replication stream entry by entry, and reading alone changes nothing.
      ctx.preventPropagation();
      if (request.group !== null) {
        if (stream === null) return streamGone;
        const group = stream.groups.get(request.group.name);
        if (group === undefined) return groupGone;
        if (stream.lastId <= group.lastId) return null;
        return keyed(ctx, [[key, readGroup(ctx, request, key, stream, group, count, null)]]);
      }
      const last = after.get(key) as StreamId;
      if (stream === null || stream.lastId <= last) return null;
      return keyed(ctx, [[key, entriesReply(entriesAfter(stream, last, count))]]);
    },
  });
}
