import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { encodingOf } from "./support/encoding-name.js";
import { helpText } from "./support/help.js";

/** OBJECT. https://redis.io/docs/latest/commands/?group=generic */
export const objectCommands: CommandGroup = {
  "object|encoding": encoding,
  "object|refcount": refcount,
  "object|idletime": idletime,
  "object|freq": freq,
  "object|help": () => helpText("object"),
};

const NOT_LFU = new ErrorReply(
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies " +
    "at runtime LRU and LFU data will take some time to adjust.",
);
const IS_LFU = new ErrorReply(
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime " +
    "LRU and LFU data will take some time to adjust.",
);

function encoding(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.glance(args[2] as Bytes);
  return entry === undefined ? null : encodingOf(entry);
}

/** Small integers are shared by everybody in Redis, which it shows as the largest count there is. */
function refcount(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.glance(args[2] as Bytes);
  if (entry === undefined) return null;
  const { memory } = ctx.server;
  return memory.sharesIntegers && typeof entry.value === "string" && /^(0|[1-9]\d{0,3})$/.test(entry.value)
    ? 2147483647
    : 1;
}

function idletime(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.glance(args[2] as Bytes);
  if (entry === undefined) return null;
  if (ctx.server.memory.lfu !== null) return IS_LFU;
  return Math.max(0, Math.floor(ctx.nowMs / 1000) - entry.accessedS);
}

function freq(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.glance(args[2] as Bytes);
  if (entry === undefined) return null;
  return ctx.server.memory.lfu?.count(entry.accessedS) ?? NOT_LFU;
}
