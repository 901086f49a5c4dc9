import type { Clock } from "../../../core/clock.js";
import type { Random } from "../../../core/random.js";
import type { ResolvedOptions } from "../../options/resolved.js";
import type { Target } from "../address.js";
import type { NodeConnection } from "../node-connection.js";
import type { OpenOptions } from "../open-redis.js";
import type { SocketBatch } from "../socket-batch.js";
import type { ReplyContext } from "../wire-command.js";

/** What the dedicated connections of one client need of it. */
export interface DedicatedHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: ResolvedOptions;
  /** "The master" is one node by name, whatever its role: nothing is tried again there. */
  readonly fixed?: boolean;
  /**
   * The master that may be written to. While there is none it waits, up to `failoverTimeoutMs`.
   * Rejects with NoMasterError, or with ClientClosedError once the client is closed.
   */
  master(command: string): Promise<Target>;
  /** The master at this moment, without waiting; null while there is none. */
  currentMaster(): string | null;
  /** A new connection generation to that node, open and greeted. Rejects with the reason. */
  connect(target: Target): Promise<NodeConnection>;
  /** What an ioredis instance to that node is opened with, for connections that ioredis itself serves. */
  openOptions(target: Target): Promise<OpenOptions>;
  /** A reply or a lost connection makes one doubt the node: have a look at it. */
  requestCheck(node: string): void;
}

/** The part of an ioredis `Command` that is needed to carry it; its promise is settled by the caller. */
export interface UserCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  setReplyContext(context: ReplyContext): void;
  toWritable(socket: object): string | Buffer;
  /** The reply's strings are to be given as text rather than as Buffers. */
  readonly wantsText?: boolean;
  writeTo?(batch: SocketBatch): number;
}

/** How one command is to be run. */
export interface DedicatedCall {
  /** Number of the database. */
  readonly db: number;
  /** It changes nothing, so that it may be asked again after a lost connection. */
  readonly readOnly: boolean;
  /** Deadline, in milliseconds; null = none but the command's own. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
}
