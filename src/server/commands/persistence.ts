import { type Bytes, ErrorReply, OK, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Value } from "../keyspace/values.js";
import { fromRdb, toRdb } from "../rdb/convert.js";
import { RdbError } from "../rdb/error.js";
import { readDump } from "../rdb/read.js";
import type { Saver } from "../rdb/saver.js";
import { RdbWriter } from "../rdb/write.js";
import type { Replication } from "../replication/replication.js";
import { mayExpireNow } from "./expiry.js";
import { parseIntegerWithin } from "./support/integer.js";

/** Commands that save, for the server whose data `of()` keeps. */
export function persistenceCommands(of: () => Replication): CommandGroup {
  return {
    save: (ctx) => save(of(), ctx),
    bgsave: (ctx, args) => bgsave(of(), ctx, args),
    lastsave: () => of().saver.lastSaveS,
    dump,
    restore,
    "restore-asking": restore,
  };
}

const IN_PROGRESS = new ErrorReply("ERR Background save already in progress");
const OTHER_CHILD = new ErrorReply(
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
);
/** The system's error may name paths; Redis doesn't tell clients more either. */
const FAILED = new ErrorReply("ERR");

/** SAVE */
function save({ saver }: Replication, ctx: CommandContext): Reply {
  if (savesAlready(ctx, saver)) return IN_PROGRESS;
  try {
    saver.save();
    return OK;
  } catch {
    return FAILED;
  }
}

/** BGSAVE [SCHEDULE]: the dataset is cut now and written bit by bit. */
function bgsave({ saver }: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 2 || (args.length === 2 && (args[1] as Bytes).toLowerCase() !== "schedule")) return errors.syntax;
  if (savesAlready(ctx, saver)) return IN_PROGRESS;
  const { snapshots, inExec } = ctx.server;
  if (snapshots.active !== null || inExec) {
    if (args.length === 1 && !inExec) return OTHER_CHILD;
    saver.schedule();
    return new SimpleString("Background saving scheduled");
  }
  return saver.saveInBackground() ? new SimpleString("Background saving started") : FAILED;
}

/** What replicas get counts as a save too, as long as it is written. */
function savesAlready({ server }: CommandContext, saver: Saver): boolean {
  const kind = server.snapshots.active?.kind;
  return saver.inProgress || (kind !== undefined && kind !== "aof");
}

/** DUMP key */
function dump(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const entry = ctx.db.lookup(args[1] as Bytes);
  return entry ? RdbWriter.dump(toRdb(entry.value), ctx.server.config.flag("rdbcompression")) : null;
}

/** RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] */
function restore(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = args[1] as Bytes;
  const options = restoreOptions(args);
  if (!options.replace && ctx.db.lookup(key)) return new ErrorReply("BUSYKEY Target key name already exists.");
  const ttl =
    parseIntegerWithin(args[2] as Bytes, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? fail(errors.notInteger);
  if (ttl < 0) return new ErrorReply("ERR Invalid TTL value, must be >= 0");
  const stored = fromDump(ctx, args[3] as Bytes);
  const deleted = options.replace && ctx.db.delete(key);
  const expireAt = ttl === 0 ? -1 : options.absolute ? ttl : ctx.nowMs + ttl;
  if (expireAt !== -1 && expireAt <= ctx.nowMs && mayExpireNow(ctx)) {
    // It would be gone at once: what is left to tell is that the old value went.
    if (deleted) {
      ctx.rewrite("DEL", key);
      ctx.changed(key);
    }
    return OK;
  }
  ctx.db.set(key, stored);
  noteUsage(ctx, key, options);
  if (expireAt !== -1) {
    ctx.db.setExpireAt(key, expireAt);
    if (!options.absolute) ctx.rewrite(...args.slice(0, 2), String(expireAt), ...args.slice(3), "ABSTTL");
  }
  ctx.changed(key);
  ctx.notify("g", "restore", key);
  return OK;
}

/** What eviction is to know of the key, as far as the policy asks for it. */
function noteUsage(ctx: CommandContext, key: Bytes, { idleS, freq }: RestoreOptions): void {
  const { lfu } = ctx.server.memory;
  if (lfu === null && idleS !== null) ctx.db.setAccessed(key, Math.floor(ctx.nowMs / 1000) - idleS);
  if (lfu !== null && freq !== null) ctx.db.setAccessed(key, lfu.stamp(freq));
}

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
  idleS: number | null;
  freq: number | null;
}

function restoreOptions(args: readonly Bytes[]): RestoreOptions {
  const options: RestoreOptions = { replace: false, absolute: false, idleS: null, freq: null };
  for (let i = 4; i < args.length; i++) {
    const name = (args[i] as Bytes).toLowerCase();
    const next = args[i + 1];
    if (name === "replace") options.replace = true;
    else if (name === "absttl") options.absolute = true;
    else if (name === "idletime" && next !== undefined) {
      const idleS =
        parseIntegerWithin(next, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? fail(errors.notInteger);
      if (idleS < 0) fail("ERR Invalid IDLETIME value, must be >= 0");
      options.idleS = idleS;
      i++;
    } else if (name === "freq" && next !== undefined) {
      const freq =
        parseIntegerWithin(next, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? fail(errors.notInteger);
      if (freq < 0 || freq > 255) fail("ERR Invalid FREQ value, must be >= 0 and <= 255");
      options.freq = freq;
      i++;
    } else fail(errors.syntax);
  }
  return options;
}

/** The value of a payload, or the command fails. */
function fromDump({ server }: CommandContext, payload: Bytes): Value {
  try {
    const value = readDump(Buffer.from(payload, "latin1"), !server.loader.skipsChecksums);
    if (value === null) fail("ERR DUMP payload version or checksum are wrong");
    return fromRdb(value, server.config);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    server.log("warning", `RESTORE of a payload whose integrity check failed: ${error.message}`);
    return fail("ERR Bad data format");
  }
}
