import { type Bytes, ErrorReply, MapReply, OK, type Reply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail, wrongArity } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { HashValue } from "../keyspace/values.js";
import { arg, integerArg, isWord, randomCountArg } from "./support/arguments.js";
import { cursorArg, scanMembers, scanOptions, scanReply } from "./support/collection-scan.js";
import { hashGrown } from "./support/encodings.js";
import { addInteger, parseInteger } from "./support/integer.js";
import { addLongDouble, longDoubleText, parseLongDouble } from "./support/long-double.js";
import { pickDistinct, pickOne, pickRepeating, repetitions } from "./support/sampling.js";

export const hashCommands: CommandGroup = {
  hset,
  hsetnx,
  hmset,
  hget,
  hmget,
  hgetall,
  hdel,
  hlen,
  hstrlen,
  hexists,
  hkeys,
  hvals,
  hincrby,
  hincrbyfloat,
  hrandfield,
  hscan,
};

const notHashInteger = new ErrorReply("ERR hash value is not an integer");
const infiniteIncrement = new ErrorReply("ERR value is NaN or Infinity");
const notHashFloat = new ErrorReply("ERR hash value is not a float");

/** The hash of a key, made if there is none yet. */
function openHash(ctx: CommandContext, key: Bytes): HashValue {
  const hash = ctx.db.get(key, "hash");
  if (hash !== null) return hash;
  const made = new HashValue();
  ctx.db.set(key, made);
  return made;
}

function put(ctx: CommandContext, hash: HashValue, field: Bytes, value: Bytes): void {
  const before = hash.fields.size;
  hash.fields.set(field, value);
  if (hash.sample !== null && hash.fields.size > before && !hash.sample.added(field)) hash.sample = null;
  hashGrown(ctx, hash, field, value);
}

/** Sets the pairs from `args[2]` on; how many fields are new. */
function putPairs(ctx: CommandContext, args: readonly Bytes[], name: string): number {
  if (args.length % 2 === 1) fail(wrongArity(name));
  const key = arg(args, 1);
  const hash = openHash(ctx, key);
  const before = hash.fields.size;
  for (let at = 2; at < args.length; at += 2) put(ctx, hash, arg(args, at), arg(args, at + 1));
  ctx.changed(key, (args.length - 2) / 2);
  ctx.notify("h", "hset", key);
  return hash.fields.size - before;
}

function hset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return putPairs(ctx, args, "hset");
}

function hmset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  putPairs(ctx, args, "hmset");
  return OK;
}

function hsetnx(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const field = arg(args, 2);
  if (ctx.db.get(key, "hash")?.fields.has(field)) return 0;
  put(ctx, openHash(ctx, key), field, arg(args, 3));
  ctx.changed(key);
  ctx.notify("h", "hset", key);
  return 1;
}

function hget(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "hash")?.fields.get(arg(args, 2)) ?? null;
}

function hmget(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const fields = ctx.db.get(arg(args, 1), "hash")?.fields;
  return args.slice(2).map((field) => fields?.get(field) ?? null);
}

function hgetall(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const hash = ctx.db.get(arg(args, 1), "hash");
  return new MapReply(hash === null ? [] : [...hash.fields]);
}

function hkeys(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return [...(ctx.db.get(arg(args, 1), "hash")?.fields.keys() ?? [])];
}

function hvals(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return [...(ctx.db.get(arg(args, 1), "hash")?.fields.values() ?? [])];
}

function hdel(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const hash = ctx.db.get(key, "hash");
  if (hash === null) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at++) if (hash.fields.delete(arg(args, at))) removed++;
  if (removed === 0) return 0;
  ctx.changed(key, removed);
  ctx.notify("h", "hdel", key);
  if (ctx.db.deleteIfEmpty(key, hash)) ctx.notify("g", "del", key);
  return removed;
}

function hlen(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "hash")?.fields.size ?? 0;
}

function hstrlen(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "hash")?.fields.get(arg(args, 2))?.length ?? 0;
}

function hexists(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return ctx.db.get(arg(args, 1), "hash")?.fields.has(arg(args, 2)) ? 1 : 0;
}

function hincrby(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const field = arg(args, 2);
  const increment = integerArg(arg(args, 3));
  const old = ctx.db.get(key, "hash")?.fields.get(field) ?? "0";
  const sum = addInteger(parseInteger(old) ?? fail(notHashInteger), increment) ?? fail(errors.overflow);
  put(ctx, openHash(ctx, key), field, String(sum));
  ctx.changed(key);
  ctx.notify("h", "hincrby", key);
  return sum;
}

function hincrbyfloat(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const field = arg(args, 2);
  const increment = parseLongDouble(arg(args, 3)) ?? fail(errors.notFloat);
  if (typeof increment === "string") fail(infiniteIncrement);
  const old = parseLongDouble(ctx.db.get(key, "hash")?.fields.get(field) ?? "0") ?? fail(notHashFloat);
  const sum = longDoubleText(addLongDouble(old, increment) ?? fail(errors.nanOrInfinity));
  put(ctx, openHash(ctx, key), field, sum);
  ctx.changed(key);
  ctx.notify("h", "hincrbyfloat", key);
  // As its effect: a replica whose floating point differs must not compute it again.
  ctx.rewrite("HSET", key, field, sum);
  return sum;
}

function hrandfield(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  if (args.length === 2) {
    const hash = ctx.db.get(key, "hash");
    return hash === null ? null : (pickOne(hash, hash.fields, ctx.random) ?? null);
  }
  const withValues = args.length > 3;
  const count = randomCountArg(arg(args, 2), false);
  if (args.length > 4 || (withValues && !isWord(args[3], "withvalues"))) fail(errors.syntax);
  if (withValues) randomCountArg(arg(args, 2), true);
  const hash = ctx.db.get(key, "hash");
  if (hash === null || count === 0) return [];
  const { fields } = hash;
  const picked =
    count < 0
      ? pickRepeating(hash, fields, repetitions(ctx, count), ctx.random)
      : pickDistinct(hash, fields, count, ctx.random);
  if (!withValues) return picked;
  const pairs = picked.map((field) => [field, fields.get(field) ?? ""]);
  return ctx.resp === 2 ? pairs.flat() : pairs;
}

function hscan(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const cursor = cursorArg(arg(args, 2));
  const hash = ctx.db.get(arg(args, 1), "hash");
  if (hash === null) return scanReply("0", []);
  const { fields } = hash;
  const collection = {
    owner: hash,
    size: fields.size,
    members: () => fields.keys(),
    has: (field: Bytes) => fields.has(field),
  };
  const [next, found] = scanMembers(collection, cursor, scanOptions(args, 3));
  return scanReply(
    next,
    found.flatMap((field) => [field, fields.get(field) ?? ""]),
  );
}
