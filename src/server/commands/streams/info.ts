import { type Bytes, MapReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { Stream } from "../../keyspace/stream.js";
import { byName, type StreamGroup, UNKNOWN_READ } from "../../keyspace/stream-group.js";
import { idText, MAX_ID, MIN_ID } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { entriesReply, entryReply } from "./replies.js";

/* XINFO. */

type Pairs = [Bytes, Reply][];

const DEFAULT_COUNT = 10;

function streamOf(ctx: CommandContext, args: readonly Bytes[]): Stream {
  return ctx.db.get(arg(args, 2), "stream") ?? fail(errors.noSuchKey);
}

function misused(args: readonly Bytes[]): never {
  return fail(
    `ERR unknown subcommand or wrong number of arguments for '${arg(args, 1).slice(0, 128)}'. Try XINFO HELP.`,
  );
}

export function xinfoStream(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const stream = streamOf(ctx, args);
  const full = args.length > 3;
  let count = DEFAULT_COUNT;
  if (full) {
    if ((args.length !== 4 && args.length !== 6) || !isWord(args[3], "full")) misused(args);
    if (args.length === 6) {
      if (!isWord(args[4], "count")) misused(args);
      count = longArg(arg(args, 5));
      if (count < 0) count = DEFAULT_COUNT;
    }
  }
  const common: Pairs = [
    ["length", stream.length],
    ["radix-tree-keys", stream.nodes.length],
    ["radix-tree-nodes", radixNodes(stream.nodes.map(({ masterId }) => masterId))],
    ["last-generated-id", idText(stream.lastId)],
    ["max-deleted-entry-id", idText(stream.maxDeletedId)],
    ["entries-added", stream.entriesAdded],
    ["recorded-first-entry-id", idText(stream.firstId)],
  ];
  if (full) {
    const groups = byName(stream.groups).map(([name, group]) => fullGroup(stream, name, group, count));
    return new MapReply([
      ...common,
      ["entries", entriesReply(stream.range(MIN_ID, MAX_ID, count))],
      ["groups", groups],
    ]);
  }
  const [first] = stream.range(MIN_ID, MAX_ID, 1);
  const [last] = stream.range(MIN_ID, MAX_ID, 1, true);
  return new MapReply([
    ...common,
    ["groups", stream.groups.size],
    ["first-entry", first === undefined ? null : entryReply(first)],
    ["last-entry", last === undefined ? null : entryReply(last)],
  ]);
}

/** Names up to `count` pending entries of the group and of each consumer; 0 = all. */
function fullGroup(stream: Stream, name: Bytes, group: StreamGroup, count: number): Reply {
  const pending: Reply[] = [];
  for (const one of group.pending.from(MIN_ID)) {
    pending.push([idText(one.id), one.consumer.name, one.deliveredMs, one.deliveries]);
    if (pending.length === count) break;
  }
  const consumers = byName(group.consumers).map(([consumerName, consumer]) => {
    const own: Reply[] = [];
    for (const one of consumer.pending.from(MIN_ID)) {
      own.push([idText(one.id), one.deliveredMs, one.deliveries]);
      if (own.length === count) break;
    }
    const pairs: Pairs = [
      ["name", consumerName],
      ["seen-time", consumer.seenMs],
      ["pel-count", consumer.pending.size],
      ["pending", own],
    ];
    return new MapReply(pairs);
  });
  const pairs: Pairs = [
    ["name", name],
    ["last-delivered-id", idText(group.lastId)],
    ["entries-read", entriesRead(group)],
    ["lag", stream.lagOf(group)],
    ["pel-count", group.pending.size],
    ["pending", pending],
    ["consumers", consumers],
  ];
  return new MapReply(pairs);
}

function entriesRead(group: StreamGroup): number | null {
  return group.entriesRead === UNKNOWN_READ ? null : group.entriesRead;
}

export function xinfoGroups(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const stream = streamOf(ctx, args);
  return byName(stream.groups).map(([name, group]) => {
    const pairs: Pairs = [
      ["name", name],
      ["consumers", group.consumers.size],
      ["pending", group.pending.size],
      ["last-delivered-id", idText(group.lastId)],
      ["entries-read", entriesRead(group)],
      ["lag", stream.lagOf(group)],
    ];
    return new MapReply(pairs);
  });
}

export function xinfoConsumers(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const stream = streamOf(ctx, args);
  const group =
    stream.groups.get(arg(args, 3)) ?? fail(`NOGROUP No such consumer group '${args[3]}' for key name '${args[2]}'`);
  return byName(group.consumers).map(([name, consumer]) => {
    const pairs: Pairs = [
      ["name", name],
      ["pending", consumer.pending.size],
      ["idle", Math.max(0, ctx.nowMs - consumer.seenMs)],
    ];
    return new MapReply(pairs);
  });
}

/**
 * Nodes of the radix tree that Redis keeps these keys in (sorted, of equal length): a chain of single children is one
 * node, a place where keys part is one, a leaf is one.
 */
function radixNodes(keys: readonly string[]): number {
  if (keys.length === 0) return 1;
  const under = (from: number, to: number, depth: number): number => {
    const first = keys[from] as string;
    if (to - from === 1) return depth === first.length ? 1 : 2;
    const last = keys[to - 1] as string;
    let parting = depth;
    while (first.charCodeAt(parting) === last.charCodeAt(parting)) parting++;
    let nodes = parting > depth ? 2 : 1;
    for (let at = from; at < to; ) {
      const byte = (keys[at] as string).charCodeAt(parting);
      let end = at + 1;
      while (end < to && (keys[end] as string).charCodeAt(parting) === byte) end++;
      nodes += under(at, end, parting + 1);
      at = end;
    }
    return nodes;
  };
  return under(0, keys.length, 0);
}
