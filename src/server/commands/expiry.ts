import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { parseInteger } from "./support/integer.js";

/** Commands about the time to live of keys. https://redis.io/docs/latest/commands/?group=generic */
export const expiryCommands: CommandGroup = {
  expire: (ctx, args) => expire(ctx, args, 1000n, true, "expire"),
  pexpire: (ctx, args) => expire(ctx, args, 1n, true, "pexpire"),
  expireat: (ctx, args) => expire(ctx, args, 1000n, false, "expireat"),
  pexpireat: (ctx, args) => expire(ctx, args, 1n, false, "pexpireat"),
  ttl: (ctx, args) => remaining(ctx, args, (ms) => Math.floor((Math.max(0, ms - ctx.nowMs) + 500) / 1000)),
  pttl: (ctx, args) => remaining(ctx, args, (ms) => Math.max(0, ms - ctx.nowMs)),
  expiretime: (ctx, args) => remaining(ctx, args, (ms) => Math.floor((ms + 500) / 1000)),
  pexpiretime: (ctx, args) => remaining(ctx, args, (ms) => ms),
  persist,
};

const NX_WITH_OTHERS = new ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible");
const GT_WITH_LT = new ErrorReply("ERR GT and LT options at the same time are not compatible");
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

function expire(ctx: CommandContext, args: readonly Bytes[], factor: bigint, relative: boolean, name: string): Reply {
  const key = args[1] as Bytes;
  const conditions = conditionsOf(args);
  const given = BigInt(parseInteger(args[2] as Bytes) ?? fail(errors.notInteger));
  const scaled = given * factor;
  const at = scaled + (relative ? BigInt(ctx.nowMs) : 0n);
  if (scaled > INT64_MAX || scaled < INT64_MIN || at > INT64_MAX)
    return new ErrorReply(`ERR invalid expire time in '${name}' command`);
  // A time before 1970 is as good as any other past.
  const expireAt = Number(at < 0n ? 0n : at);

  const entry = ctx.db.lookup(key);
  if (entry === undefined) return 0;
  const old = entry.expireAt;
  if (conditions.has("nx") && old !== -1) return 0;
  if (conditions.has("xx") && old === -1) return 0;
  if (conditions.has("gt") && (old === -1 || expireAt <= old)) return 0;
  if (conditions.has("lt") && old !== -1 && expireAt >= old) return 0;

  if (expireAt <= ctx.nowMs && mayExpireNow(ctx)) {
    ctx.db.delete(key);
    ctx.changed(key);
    ctx.notify("g", "del", key);
    ctx.rewrite("DEL", key);
    return 1;
  }
  ctx.db.setExpireAt(key, expireAt);
  ctx.changed(key);
  ctx.notify("g", "expire", key);
  // What is in that form already goes on as it was typed.
  if (name !== "pexpireat") ctx.rewrite("PEXPIREAT", key, String(expireAt), ...args.slice(3));
  return 1;
}

/** A time in the past removes a key at once, except on a replica: there keys live until the master says otherwise. */
export function mayExpireNow({ client, server }: CommandContext): boolean {
  return !client.isMasterLink && server.replication.role === "master";
}

function conditionsOf(args: readonly Bytes[]): Set<string> {
  const conditions = new Set<string>();
  for (let i = 3; i < args.length; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    if (!["nx", "xx", "gt", "lt"].includes(word)) fail(`ERR Unsupported option ${args[i]}`);
    conditions.add(word);
  }
  if (conditions.has("nx") && conditions.size > 1) fail(NX_WITH_OTHERS);
  if (conditions.has("gt") && conditions.has("lt")) fail(GT_WITH_LT);
  return conditions;
}

function remaining(ctx: CommandContext, args: readonly Bytes[], show: (ms: number) => number): Reply {
  const entry = ctx.db.glance(args[1] as Bytes);
  if (entry === undefined) return -2;
  return entry.expireAt === -1 ? -1 : show(entry.expireAt);
}

function persist(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const entry = ctx.db.lookup(key);
  if (entry === undefined || entry.expireAt === -1) return 0;
  ctx.db.setExpireAt(key, -1);
  ctx.changed(key);
  ctx.notify("g", "persist", key);
  return 1;
}
