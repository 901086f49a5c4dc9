import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { DoubleReply, MapReply, OK, VerbatimReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { memoryOf } from "../keyspace/measure.js";
import { STARTUP_BYTES } from "../memory/memory.js";
import { isWord } from "./support/arguments.js";
import { helpText } from "./support/help.js";
import { parseInteger } from "./support/integer.js";

/** MEMORY, by the server's own account. https://redis.io/docs/latest/commands/?group=server */
export const memoryCommands: CommandGroup = {
  "memory|usage": usage,
  "memory|stats": stats,
  "memory|doctor": doctor,
  "memory|malloc-stats": () => new VerbatimReply("txt", "Stats not supported for the current allocator"),
  "memory|purge": () => OK,
  "memory|help": () => helpText("memory"),
};

/** Below it there is nothing to diagnose. */
const SMALL_BYTES = 5 * 1024 * 1024;

function usage(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let samples = 5;
  for (let i = 3; i < args.length; i += 2) {
    if (!isWord(args[i], "samples") || i + 1 >= args.length) return errors.syntax;
    const wanted = parseInteger(args[i + 1] as Bytes);
    if (wanted === undefined) return errors.notInteger;
    if (wanted < 0) return errors.syntax;
    samples = Number(wanted);
  }
  const key = args[2] as Bytes;
  const entry = ctx.db.peek(key);
  return entry === undefined ? null : memoryOf(key, entry.value, samples);
}

function stats(ctx: CommandContext): Reply {
  const { server } = ctx;
  const used = server.memory.used();
  const { rss } = process.memoryUsage();
  let keys = 0;
  for (const db of server.databases) keys += db.size;
  const overhead = used.total - used.data;
  const net = used.total - STARTUP_BYTES;
  const ratio = (value: number): DoubleReply => new DoubleReply(value);
  return new MapReply([
    ["peak.allocated", server.memory.peak],
    ["total.allocated", used.total],
    ["startup.allocated", STARTUP_BYTES],
    ["replication.backlog", used.backlog],
    ["clients.slaves", used.replicas],
    ["clients.normal", used.normal],
    ["cluster.links", 0],
    ["aof.buffer", 0],
    ["lua.caches", 0],
    ["functions.caches", 0],
    ...server.databases.filter((db) => db.size > 0).map((db): [string, Reply] => [`db.${db.index}`, perDatabase()]),
    ["overhead.total", overhead],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(net / keys)],
    ["dataset.bytes", used.data],
    ["dataset.percentage", ratio(net === 0 ? 0 : (used.data * 100) / net)],
    ["peak.percentage", ratio((used.total * 100) / server.memory.peak)],
    ["allocator.allocated", used.total],
    ["allocator.active", used.total],
    ["allocator.resident", rss],
    ["allocator-fragmentation.ratio", ratio(1)],
    ["allocator-fragmentation.bytes", 0],
    ["allocator-rss.ratio", ratio(rss / used.total)],
    ["allocator-rss.bytes", rss - used.total],
    ["rss-overhead.ratio", ratio(1)],
    ["rss-overhead.bytes", 0],
    ["fragmentation", ratio(rss / used.total)],
    ["fragmentation.bytes", rss - used.total],
  ]);
}

/** What Redis's hash tables take beside the data is counted with the keys here. */
function perDatabase(): Reply {
  return new MapReply([
    ["overhead.hashtable.main", 0],
    ["overhead.hashtable.expires", 0],
    ["overhead.hashtable.slot-to-keys", 0],
  ]);
}

function doctor(ctx: CommandContext): Reply {
  const { memory } = ctx.server;
  const { total } = memory.used();
  const say = (text: string): Reply => new VerbatimReply("txt", `${text}\n`);
  if (total < SMALL_BYTES) return say("There is next to nothing in memory: nothing can be said of it.");
  if (memory.peak > total * 1.5) return say("At its peak the instance used over 150% of the memory that it uses now.");
  return say("No issue was found in how memory is used.");
}
