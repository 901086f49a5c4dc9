import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { fail } from "../../dispatch/errors.js";
import type { Stream } from "../../keyspace/stream.js";
import type { StreamConsumer, StreamGroup } from "../../keyspace/stream-group.js";
import { MAX_ID, MIN_ID, nextId, parseU64, previousId, type StreamId, streamId } from "../../keyspace/stream-id.js";

const invalidId = new ErrorReply("ERR Invalid stream ID specified as stream command argument");
const invalidStart = new ErrorReply("ERR invalid start ID for the interval");
const invalidEnd = new ErrorReply("ERR invalid end ID for the interval");

/** Longer texts are no ids, whatever they hold. */
const LONGEST_ID = 127;

/** `<ms>-<seq>` or `<ms>`, to which `missingSeq` belongs then; undefined if it is neither. */
export function parseId(text: Bytes, missingSeq: number | bigint = 0): StreamId | undefined {
  if (text.length > LONGEST_ID) return undefined;
  // A C string to Redis: a zero byte ends it.
  const [whole = ""] = text.split("\0", 1);
  const dash = whole.indexOf("-");
  const ms = parseU64(dash < 0 ? whole : whole.slice(0, dash));
  const seq = dash < 0 ? missingSeq : parseU64(whole.slice(dash + 1));
  return ms === undefined || seq === undefined ? undefined : streamId(ms, seq);
}

/** An id, or the command fails. */
export function idArg(text: Bytes): StreamId {
  return parseId(text) ?? fail(invalidId);
}

/** As {@link idArg}, and `-` and `+` for the lowest and highest there are. */
export function edgeIdArg(text: Bytes): StreamId {
  if (text === "-") return MIN_ID;
  return text === "+" ? MAX_ID : idArg(text);
}

/** XADD's id: `*` and `<ms>-*` leave it to the server to find one, the second within this millisecond. */
export type NewId = { readonly id: StreamId } | { readonly ms: number | bigint } | "auto";

/** What XADD is given as id. */
export function newIdArg(text: Bytes): NewId {
  if (text === "*") return "auto";
  if (!text.endsWith("-*")) return { id: idArg(text) };
  return { ms: parseU64(text.slice(0, -2)) ?? fail(invalidId) };
}

/** The lower end of an interval; `(` leaves the id itself out. */
export function startArg(text: Bytes): StreamId {
  if (text.length > 1 && text.startsWith("(")) return nextId(idArg(text.slice(1))) ?? fail(invalidStart);
  return edgeIdArg(text);
}

/** The upper end of an interval; a time alone means all of that millisecond. */
export function endArg(text: Bytes): StreamId {
  const whole = (id: Bytes): StreamId => parseId(id, 0xffff_ffff_ffff_ffffn) ?? fail(invalidId);
  if (text.length > 1 && text.startsWith("(")) return previousId(whole(text.slice(1))) ?? fail(invalidEnd);
  return text === "-" || text === "+" ? edgeIdArg(text) : whole(text);
}

/** The group of a key, or the command fails with `NOGROUP No such key …` and what `where` adds. */
export function groupOf(ctx: CommandContext, key: Bytes, name: Bytes, where = ""): readonly [Stream, StreamGroup] {
  const stream = ctx.db.get(key, "stream");
  const group = stream?.groups.get(name);
  if (stream === null || group === undefined) {
    return fail(`NOGROUP No such key '${key}' or consumer group '${name}'${where}`);
  }
  return [stream, group];
}

/** The consumer of that name, if there is one; being called counts as being seen. */
export function seenConsumer(ctx: CommandContext, group: StreamGroup, name: Bytes): StreamConsumer | undefined {
  const consumer = group.consumers.get(name);
  if (consumer !== undefined) consumer.seenMs = ctx.nowMs;
  return consumer;
}
