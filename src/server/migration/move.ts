import { ErrorReply, OK, type Reply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { toRdb } from "../rdb/convert.js";
import { RdbWriter } from "../rdb/write.js";
import { encodeCommand } from "../replication/stream.js";
import type { Outcome, TargetReply } from "./target.js";

/** What MIGRATE was asked for, checked. */
export interface Move {
  readonly host: string;
  readonly port: number;
  /** Keys that are there. */
  readonly keys: readonly string[];
  /** The database over there. */
  readonly db: number;
  readonly timeoutMs: number;
  /** The keys stay here. */
  readonly copy: boolean;
  readonly replace: boolean;
  /** What AUTH is sent with; empty = it isn't sent. */
  readonly credentials: readonly string[];
}

const CANT_CONNECT = new ErrorReply("IOERR error or timeout connecting to the client");

/** Told what is left to do when the other server has answered: to remove what it took, and to reply. */
type Done = (finish: () => Reply) => void;

/**
 * Moves the keys. A key is removed here only when the other server has said that it has it. A kept connection that turns out to be closed is replaced by a new one, once.
 */
export function moveKeys(ctx: CommandContext, move: Move, done: Done): void {
  attempt(ctx, move, true, done);
}

function attempt(ctx: CommandContext, move: Move, mayRetry: boolean, done: Done): void {
  const { migration, clock } = ctx.server;
  const target = migration.take(move.host, move.port);
  const intro: string[][] = [];
  if (move.credentials.length > 0) intro.push(["AUTH", ...move.credentials]);
  if (target.db !== move.db) intro.push(["SELECT", String(move.db)]);
  const keys: string[] = [];
  let text = intro.map(encodeCommand).join("");
  for (const key of move.keys) {
    const entry = ctx.db.peek(key);
    if (entry === undefined) continue;
    const leftMs = entry.expireAt === -1 ? 0 : entry.expireAt - clock.epoch();
    if (leftMs < 0) continue;
    const ttl = entry.expireAt === -1 ? 0 : Math.max(1, leftMs);
    const payload = RdbWriter.dump(toRdb(entry.value), ctx.server.config.flag("rdbcompression"));
    text += encodeCommand(["RESTORE", key, String(ttl), payload, ...(move.replace ? ["REPLACE"] : [])]);
    keys.push(key);
  }
  if (intro.length + keys.length === 0) return done(() => OK);
  const replies: TargetReply[] = [];
  target.exchange(
    Buffer.from(text, "latin1"),
    intro.length + keys.length,
    move.timeoutMs,
    (error) => replies.push(error),
    (outcome) => {
      const answered = replies.slice(intro.length);
      const introError = replies.slice(0, intro.length).find((error) => error !== null) ?? null;
      const error = introError ?? answered.find((reply) => reply !== null) ?? null;
      if (!outcome.complete) {
        migration.drop(move.host, move.port);
        const retry = mayRetry && !outcome.timedOut && outcome.stage !== "connecting" && answered.length === 0;
        if (retry && error === null) return attempt(ctx, move, false, done);
      }
      target.db = error === null ? move.db : -1;
      done(() => {
        if (!move.copy && introError === null) removeMoved(ctx, keys, answered);
        return replyTo(outcome, error);
      });
    },
  );
}

function replyTo(outcome: Outcome, error: TargetReply): Reply {
  if (error !== null) return new ErrorReply(`ERR Target instance replied with error: ${error}`);
  if (outcome.complete) return OK;
  if (outcome.stage === "connecting") return CANT_CONNECT;
  return new ErrorReply(`IOERR error or timeout ${outcome.stage} to target instance`);
}

/** Removes the keys that the other server has taken; replicas are told by one DEL. */
function removeMoved(ctx: CommandContext, keys: readonly string[], answered: readonly TargetReply[]): void {
  const taken = keys.filter((_, i) => answered[i] === null);
  if (taken.length === 0) return;
  for (const key of taken) {
    ctx.db.delete(key);
    ctx.changed(key);
    ctx.notify("g", "del", key);
  }
  ctx.rewrite("DEL", ...taken);
}
