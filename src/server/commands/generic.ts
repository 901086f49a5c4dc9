import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, OK, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Database } from "../keyspace/database.js";
import { freedLazily } from "../keyspace/free-effort.js";
import { copyValue, typeOf } from "../keyspace/values.js";
import { isWord, longArg } from "./support/arguments.js";
import { cursorArg } from "./support/collection-scan.js";
import { globMatch } from "./support/glob.js";

/** Commands for keys of any type. https://redis.io/docs/latest/commands/?group=generic */
export const genericCommands: CommandGroup = {
  del,
  unlink: (ctx, args) => {
    for (const key of args.slice(1)) {
      const entry = ctx.db.peek(key);
      if (entry !== undefined && freedLazily(entry.value)) ctx.server.stats.lazyFreed++;
    }
    return del(ctx, args);
  },
  exists: (ctx, args) => countKeys(args, (key) => ctx.db.glance(key) !== undefined),
  touch: (ctx, args) => countKeys(args, (key) => ctx.db.has(key)),
  type,
  keys,
  scan,
  randomkey,
  rename: (ctx, args) => rename(ctx, args, false),
  renamenx: (ctx, args) => rename(ctx, args, true),
  copy,
  move,
  dbsize: (ctx) => ctx.db.size,
  flushdb: (ctx, args) => flush(ctx, args, false),
  flushall: (ctx, args) => flush(ctx, args, true),
  swapdb,
};

const SAME_OBJECTS = new ErrorReply("ERR source and destination objects are the same");
const INVALID_FIRST_DB = new ErrorReply("ERR invalid first DB index");
const INVALID_SECOND_DB = new ErrorReply("ERR invalid second DB index");

function del(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let removed = 0;
  for (let i = 1; i < args.length; i++) {
    const key = args[i] as Bytes;
    if (!ctx.db.delete(key)) continue;
    ctx.changed(key);
    ctx.notify("g", "del", key);
    removed++;
  }
  return removed;
}

function countKeys(args: readonly Bytes[], isThere: (key: Bytes) => boolean): number {
  let found = 0;
  for (let i = 1; i < args.length; i++) if (isThere(args[i] as Bytes)) found++;
  return found;
}

function type(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.glance(args[1] as Bytes);
  return new SimpleString(entry === undefined ? "none" : typeOf(entry.value));
}

function keys(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const pattern = args[1] as Bytes;
  const found: Bytes[] = [];
  for (const [key, entry] of ctx.db.entries()) {
    if ((pattern === "*" || globMatch(pattern, key)) && !ctx.db.isExpired(entry)) found.push(key);
  }
  return found;
}

/** The cursor is the number of the slot to go on with, so that keys never move from before it to behind it. */
function scan(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const cursor = Number(cursorArg(args[1] as Bytes));
  let match: Bytes | null = null;
  let count = 10;
  let wanted: string | null = null;
  for (let i = 2; i < args.length; i += 2) {
    const value = args[i + 1];
    if (value === undefined) return errors.syntax;
    if (isWord(args[i], "count")) {
      count = longArg(value);
      if (count < 1) return errors.syntax;
    } else if (isWord(args[i], "match")) match = value === "*" ? null : value;
    else if (isWord(args[i], "type")) wanted = value.toLowerCase();
    else return errors.syntax;
  }
  if (!ctx.server.inExec) ctx.server.effects.unwrap();
  const found: Bytes[] = [];
  let slot = cursor;
  for (let looked = 0; slot < ctx.db.slotCount && looked < count; slot++) {
    const entries = ctx.db.slot(slot);
    looked += entries.length;
    for (const [key, entry] of entries) {
      if (match !== null && !globMatch(match, key)) continue;
      if (wanted !== null && typeOf(entry.value) !== wanted) continue;
      // Looking at it also removes it, if it has expired and this is a master.
      if (entry.expireAt === -1 || ctx.db.peek(key) !== undefined) found.push(key);
    }
  }
  while (slot < ctx.db.slotCount && ctx.db.slot(slot).length === 0) slot++;
  return [slot >= ctx.db.slotCount ? "0" : String(slot), found];
}

function randomkey(ctx: CommandContext): Reply {
  if (!ctx.server.inExec) ctx.server.effects.unwrap();
  for (let tries = 0; ; tries++) {
    const key = ctx.db.randomKey(ctx.random);
    if (key === undefined) return null;
    // A replica may hold nothing but expired keys, which it must not delete: an end has to be made.
    if (ctx.db.peek(key) !== undefined || tries >= 100) return key;
  }
}

function rename(ctx: CommandContext, args: readonly Bytes[], onlyNew: boolean): Reply {
  const from = args[1] as Bytes;
  const to = args[2] as Bytes;
  const entry = ctx.db.lookup(from);
  if (entry === undefined) return errors.noSuchKey;
  if (from === to) return onlyNew ? 0 : OK;
  if (onlyNew && ctx.db.has(to)) return 0;
  const { value, expireAt } = entry;
  ctx.db.delete(to);
  ctx.db.delete(from);
  ctx.db.set(to, value);
  if (expireAt !== -1) ctx.db.setExpireAt(to, expireAt);
  ctx.db.touch(from);
  ctx.changed(to);
  ctx.notify("g", "rename_from", from);
  ctx.notify("g", "rename_to", to);
  return onlyNew ? 1 : OK;
}

/** The database of that number, or the command fails. */
export function databaseArg(ctx: CommandContext, text: Bytes, notNumber = errors.notInteger): Database {
  return ctx.server.databases[longArg(text, notNumber)] ?? fail(errors.dbOutOfRange);
}

function copy(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let target = ctx.db;
  let replace = false;
  for (let i = 3; i < args.length; i++) {
    if (isWord(args[i], "replace")) replace = true;
    else if (isWord(args[i], "db") && i + 1 < args.length) target = databaseArg(ctx, args[++i] as Bytes);
    else return errors.syntax;
  }
  const from = args[1] as Bytes;
  const to = args[2] as Bytes;
  if (target === ctx.db && from === to) return SAME_OBJECTS;
  const entry = ctx.db.lookup(from);
  if (entry === undefined || (target.has(to) && !replace)) return 0;
  const { expireAt } = entry;
  const value = copyValue(entry.value);
  target.delete(to);
  target.set(to, value);
  if (expireAt !== -1) target.setExpireAt(to, expireAt);
  ctx.changedIn(target, to);
  ctx.notify("g", "copy_to", to, target);
  return 1;
}

function move(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const target = databaseArg(ctx, args[2] as Bytes);
  if (target === ctx.db) return SAME_OBJECTS;
  const entry = ctx.db.lookup(key);
  if (entry === undefined || target.has(key)) return 0;
  const { value, expireAt } = entry;
  ctx.db.delete(key);
  target.set(key, value);
  if (expireAt !== -1) target.setExpireAt(key, expireAt);
  ctx.changed(key);
  target.touch(key);
  ctx.notify("g", "move_from", key);
  ctx.notify("g", "move_to", key, target);
  return 1;
}

function flush(ctx: CommandContext, args: readonly Bytes[], all: boolean): Reply {
  if (args.length > 2 || (args.length === 2 && !isWord(args[1], "sync") && !isWord(args[1], "async")))
    return errors.syntax;
  let removed = 0;
  for (const db of all ? ctx.server.databases : [ctx.db]) {
    removed += db.size;
    db.clear();
  }
  if (isWord(args[1], "async")) ctx.server.stats.lazyFreed += removed;
  // What was saved is no change any more.
  const saved = all && ctx.server.saver?.flushed() === true;
  if (removed > 0 && !saved) ctx.changed(null, removed);
  ctx.forcePropagation();
  return OK;
}

function swapdb(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const first = databaseArg(ctx, args[1] as Bytes, INVALID_FIRST_DB);
  const second = databaseArg(ctx, args[2] as Bytes, INVALID_SECOND_DB);
  if (first !== second) first.swapContents(second);
  ctx.changed(null);
  return OK;
}
