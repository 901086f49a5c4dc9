import type { Random } from "../../core/random.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import type { Database } from "../keyspace/database.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";

/** What a command that waits for keys asks for. */
export interface BlockRequest {
  /** Keys of the current database whose appearance may serve the command. Empty: only `unblock()` or the timeout ends it. */
  readonly keys: readonly Bytes[];
  /** Milliseconds; 0 = wait for ever. */
  readonly timeoutMs: number;
  /** The answer when time is up. */
  readonly timeoutReply: () => Reply;
  /** The answer where blocking is not allowed, as inside MULTI; default: the timeout's. */
  readonly deniedReply?: () => Reply;
  /**
   * Tries again after `key` was added, with `ctx` of the waiting client: the reply, or null to go on waiting (also when
   * the key holds another type). Tells of changes with `ctx.changed`, `ctx.propagate` as any command.
   */
  readonly retry: (key: Bytes) => Reply | null;
  /** The server stands still meanwhile: the time of the wait was counted when it began. */
  readonly still?: boolean;
}

/** What a running command sees of its server and its client. There is one per client; it lasts as long as the client. */
export interface CommandContext {
  readonly server: ServerCore;
  readonly client: Client;
  /** The database that the client has selected. */
  readonly db: Database;
  /** Milliseconds since 1970, fixed for this command or transaction. */
  readonly nowMs: number;
  readonly random: Random;
  /** 2 or 3. */
  readonly resp: 2 | 3;

  /**
   * The command changed `key` (null: nothing that a key stands for) of the current database, `count` times (default 1):
   * those who WATCH the key are told, and the command will be propagated, verbatim unless `rewrite` or
   * `preventPropagation` says otherwise.
   */
  changed(key: Bytes | null, count?: number): void;
  /** As `changed` for a key of another database (MOVE, COPY … DB). */
  changedIn(db: Database, key: Bytes): void;
  /** Propagates this in place of the command, provided that `changed` is called too. */
  rewrite(...argv: Bytes[]): void;
  /** Propagates this too, before the command itself, in the order of calls (SPOP count: one SREM each, with `preventPropagation`). */
  alsoPropagate(...argv: Bytes[]): void;
  /** The command itself is not propagated, whatever it changed. */
  preventPropagation(): void;
  /** The command is propagated even if it changed nothing (PUBLISH, FLUSHALL). */
  forcePropagation(): void;

  /** Publishes a keyspace event if notify-keyspace-events asks for its class (one of `g$lshzxetdmn`). */
  notify(eventClass: string, event: string, key: Bytes, db?: Database): void;

  /**
   * Parks the client. Return what this returns. Waiters of a key are served first come, first served, after the command
   * or transaction that touched the key; where blocking is not allowed the timeout reply comes at once.
   */
  block(request: BlockRequest): Reply;

  /**
   * Suspends the command until `start` has called back with what is left to do; return what this returns. The server stands
   * still meanwhile, also in the midst of a transaction or a script. `denied` is the answer where a script can't be left.
   */
  suspend(start: (done: (finish: () => Reply) => void) => void, denied: Reply): Reply;
}
