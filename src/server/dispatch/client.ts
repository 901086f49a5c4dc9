import { encodeReply } from "../../protocol/resp/encode.js";
import { type Bytes, ManyReplies, type Reply } from "../../protocol/resp/reply.js";
import { RequestDecoder } from "../../protocol/resp/request-decoder.js";
import type { User } from "../acl/user.js";
import type { Database } from "../keyspace/database.js";
import type { Connection } from "../net/connection.js";
import type { ClientTracking } from "../tracking/client-tracking.js";
import type { Waiter } from "./blocking.js";
import type { CommandContext } from "./context.js";
import type { Command } from "./registry.js";

/** A command that waits for EXEC. */
export interface QueuedCommand {
  readonly command: Command;
  readonly args: readonly Bytes[];
}

/** What a connection has said so far. The master link of a replica is one too, without a `connection`. */
export class Client {
  /** What came in and waits to be parsed. */
  readonly decoder: RequestDecoder;
  /** Set while this client's requests are being worked off, so that waking it inside does not start over. */
  busy = false;
  name: Bytes = "";
  db: Database;
  resp: 2 | 3 = 2;
  authenticated = false;
  /** Whose rights it has. */
  user: User;
  /** The commands since MULTI; null outside. */
  queued: QueuedCommand[] | null = null;
  /** A command was refused while queueing: EXEC will be refused. */
  queueBroken = false;
  /** A watched key was touched. */
  watchBroken = false;
  /** Keys that this client WATCHes, by database, with when they expired at that time (null: no such key). */
  readonly watches = new Map<Database, Map<Bytes, number | null>>();
  readonly channels = new Set<Bytes>();
  readonly patterns = new Set<Bytes>();
  readonly shardChannels = new Set<Bytes>();
  /** CLIENT REPLY. */
  replyMode: "on" | "off" | "skip" | "skipNext" = "on";
  /** Commands of this client come from the server's master. */
  isMasterLink = false;
  /** It has no connection: scripts run their commands in its name. */
  isScript = false;
  /** SCRIPT DEBUG YES or SYNC: its next EVAL is to be debugged. */
  debugsScript = false;
  /** This connection has become a replica's link (it sent PSYNC or SYNC). */
  isReplica = false;
  isMonitor = false;
  noEvict = false;
  /** CLIENT TRACKING; null = off. */
  tracking: ClientTracking | null = null;
  /** Bytes of the arguments of the command that runs, where maxmemory-clients counts them. */
  argumentBytes = 0;
  /** Set while the client is parked in a blocking command. */
  waiter: Waiter | null = null;
  /** A command that a pause holds back; it runs before anything else of this client. */
  postponed: readonly Bytes[] | null = null;
  /** No further command is read; the connection closes once its output is written. */
  closing = false;
  /** Offset of the replication stream after this client's last command: what WAIT waits for. */
  streamOffset = 0;
  lastCommand = "NULL";
  lastActiveMs: number;
  /** A replica's link, a blocked WAIT …: what replication keeps of this client. */
  link: unknown = null;
  /** On the master link: the socket that the stream comes by, while it does. No reply ever goes there. */
  masterConnection: Connection | null = null;
  /** Filled by the server when it takes the client in. */
  ctx!: CommandContext;

  constructor(
    readonly id: number,
    /** null for a client without a socket: the master link. */
    readonly connection: Connection | null,
    db: Database,
    user: User,
    readonly createdMs: number,
    maxBulkBytes: number,
  ) {
    this.decoder = new RequestDecoder({ maxBulkBytes, unauthenticated: false });
    this.db = db;
    this.user = user;
    this.lastActiveMs = createdMs;
  }

  /**
   * Appends a reply to the output, which is written when the turn ends; nothing if CLIENT REPLY says so.
   * @returns its size in bytes
   */
  reply(reply: Reply): number {
    if (this.connection === null) return 0;
    // What SUBSCRIBE and its like answer is pushed, which CLIENT REPLY does not stop.
    if (this.replyMode !== "on" && !(reply instanceof ManyReplies)) return 0;
    const { limits } = this.ctx.server;
    let encoded: Bytes;
    try {
      encoded = encodeReply(reply, this.resp);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      limits.dropOversized(this);
      return 0;
    }
    this.connection.write(encoded);
    if (limits.limitsOutput) limits.checkOutput(this);
    return encoded.length;
  }

  /** Sends what the client did not ask for just now: a pub/sub message, a MONITOR line. CLIENT REPLY OFF does not stop it. */
  push(reply: Reply): void {
    if (this.connection === null) return;
    this.connection.write(encodeReply(reply, this.resp));
    const { limits } = this.ctx.server;
    if (limits.limitsOutput) limits.checkOutput(this);
  }

  /** In a state where only pub/sub commands are allowed (RESP2). */
  get isSubscriber(): boolean {
    return this.channels.size > 0 || this.patterns.size > 0 || this.shardChannels.size > 0;
  }
}
