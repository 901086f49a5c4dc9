import type { Redis } from "ioredis";
import type { Clock, TimerHandle } from "../../core/clock.js";
import { deferred } from "../../core/deferred.js";
import { type Fence, parseFence } from "../../protocol/info.js";
import { RefusalClassifier } from "../../protocol/reply-errors.js";
import { FENCE, FenceCommand } from "./fence-command.js";
import { type HandshakeRequest, handshake, type NodeIdentity } from "./handshake.js";
import { Latency } from "./latency.js";
import { type OpenedRedis, type OpenOptions, openRedis } from "./open-redis.js";
import { ReplyReader } from "./reply-reader.js";
import type { SocketBatch } from "./socket-batch.js";
import { describeSocketError } from "./socket-error.js";
import { unaskedError } from "./unasked-error.js";
import { encodeWords, InternalCommand, WireCommand } from "./wire-command.js";

/** The database of a SELECT that is to be answered: none is selected for it, and what comes behind selects its own. */
export const OWN_SELECT = -1;

const ENDING = "the socket can't be written to any more";

/** What went to one node's socket in one system call. */
export class Flush {
  /** Reads whose replies wait for the fence behind them. */
  readonly parked: CarriedCommand[] = [];
  /** Monotonic milliseconds; 0 until it was handed to the socket. */
  sentAt = 0;
  /** Set when it carries a command of a caller. */
  carries = false;
  /** Set when a fence goes with it whatever it carries. */
  fenced = false;
  /** Order of sending of its fence, over all connections of the client. */
  ticket = 0;
  /** What the key ledger knows its fence by; 0 = the ledger was not told of it. */
  ledgerTicket = 0;
  /** What the fence behind it showed; null until it came back. */
  behind: Fence | null = null;

  constructor(
    readonly connection: NodeConnection,
    readonly id: number,
    /** The newest good fence that had come back on this connection before: a lower bound on what its reads see. */
    readonly before: Fence | null,
  ) {}
}

/** Whoever routes: told of all that happens on a connection, in the order of the wire. */
export interface ConnectionHost {
  /** True while nothing but one command is under way: it is then sent at the end of this tick, not of this turn. */
  isLone(): boolean;
  /** Asked once per flush: does this one need a fence though no read in it asks for one? */
  wantsFence(connection: NodeConnection): boolean;
  /** The fence of this flush is about to be sent. */
  fenceSending(connection: NodeConnection, flush: Flush): void;
  /** A fence came back. `null`: the reply was no INFO, so replies are not in step; the connection ends. */
  fenced(connection: NodeConnection, fence: Fence | null, flush: Flush): void;
  /** The generation is over. Commands that were on it have been rejected before this is called. */
  closed(connection: NodeConnection): void;
}

/** Who is told how the reads of a connection fare. */
export interface ReadWatch {
  /** Whether answers are to be told. */
  readonly troubled: boolean;
  answered(): void;
  /** Not answered in time, or refused for a reason of the server's own. */
  failed(why: string): void;
}

export type ConnectionState = "new" | "opening" | "open" | "closed";

/** A command that a connection carries for a caller. */
export abstract class CarriedCommand extends WireCommand {
  /** Its reply is handed out only after the fence behind it was judged. */
  verified = false;
  /** The database it is meant for. */
  abstract readonly db: number;
  /** The connection it was last given to. */
  connection: NodeConnection | null = null;
  flush: Flush | null = null;
}

/**
 * One connection generation to one node: opened once, shared by all, never reopened. It numbers what it is
 * given, joins it into flushes, ends a flush with a fence where one is needed, and knows at its end what was
 * handed to the socket and what was not.
 */
export class NodeConnection {
  state: ConnectionState = "new";
  /** Known once open. */
  identity: NodeIdentity | null = null;
  /** Told how reads fare that go over it; null = nobody wants to know. */
  circuit: ReadWatch | null = null;
  /** Why it ended; empty before. */
  reason = "";
  /** The error that ended it, if it was one of the socket's or of the handshake. */
  cause: Error | null = null;
  /** It was open, and its end did not come from here. */
  endedByPeer = false;
  /** Commands sent and not answered, fences left out. */
  inFlight = 0;
  inFlightBytes = 0;
  /** It ended with writes handed to the socket and not answered: they may still run on the server. */
  unansweredWrites = false;
  /** Monotonic time at which the last fence was sent. */
  fenceSentAt = -Infinity;
  /** Number of the last command that was handed to the socket. */
  flushedSeq = 0;
  /** Number of the last command of a caller, whether handed to the socket or not. */
  carriedSeq = 0;
  /** Of its refusals. */
  readonly refusals = new RefusalClassifier();
  /** The newest good fence that came back on this connection. */
  lastFence: Fence | null = null;

  #seq = 0;
  #flushId = 0;
  #current: Flush | null = null;
  #db: number;
  #redis: Redis | null = null;
  #opened: OpenedRedis | null = null;
  #batch: SocketBatch | null = null;
  #latencyProbe: Flush | null = null;
  readonly #latency = new Latency();
  #reader: ReplyReader | null = null;
  /** The text that {@link lastFence} was read from. */
  #lastReply = "";

  constructor(
    /** Id of the node in the topology. */
    readonly node: string,
    /** Number of this connection among all of the client's; later ones are higher. */
    readonly generation: number,
    private readonly options: OpenOptions & { readonly connectTimeoutMs: number },
    private readonly clock: Clock,
    private readonly host: ConnectionHost,
  ) {
    this.#db = Number(options.redis.db ?? 0);
  }

  /** Moving average of the time from a flush to its first reply, in milliseconds; null before the first. */
  get latencyMs(): number | null {
    return this.#latency.averageMs;
  }

  /** How many pieces have arrived: what is answered in one of them was answered at once. */
  get pieces(): number {
    return this.#reader === null ? 0 : this.#reader.pieces;
  }

  /** Monotonic milliseconds since when a flush has been without its first reply; Infinity = none is. */
  get waitingSince(): number {
    return this.#latencyProbe === null ? Number.POSITIVE_INFINITY : this.#latencyProbe.sentAt;
  }

  /**
   * Connects and greets. Rejects with the reason (refused, certificate, authentication, time-out …); the
   * time limit covers the greeting too, so that a hung server can't keep it waiting.
   */
  async open(request: HandshakeRequest): Promise<NodeIdentity> {
    this.state = "opening";
    const ended = deferred<never>();
    ended.promise.catch(() => {});
    let refusal = "";
    const opened = openRedis(this.options, {
      opened: (socket, batch) => {
        this.#batch = batch;
        unaskedError(socket, (text) => (refusal = text));
      },
      ended: (error) => {
        this.endedByPeer ||= this.state === "open";
        const silent = this.state === "opening" && refusal !== "" ? refusal : "closed by the server";
        this.#close(error ? describeSocketError(error) : silent, error ?? null);
        this.#reader?.rejectAll(new Error("Connection is closed."));
        ended.reject(this.cause ?? new Error(this.reason));
        this.#notifyClosed();
      },
    });
    this.#opened = opened;
    this.#redis = opened.redis;
    opened.redis.on("error", (error: Error) => {
      this.cause ??= error;
    });
    opened.redis.on("end", () => {
      ended.reject(this.cause ?? new Error(this.reason || "Connection is closed."));
      this.#notifyClosed();
    });
    const timer: TimerHandle = this.clock.setTimer(() => {
      this.cause ??= new Error(`no answer within ${this.options.connectTimeoutMs} ms`);
      this.destroy(this.cause.message);
    }, this.options.connectTimeoutMs);
    try {
      await Promise.race([
        opened.redis.connect().catch((error: unknown) => Promise.reject(this.cause ?? error)),
        ended.promise,
      ]);
      // ioredis selects the database too, and goes on in database 0 if there is none of that number.
      const selected = this.#db === 0 ? null : opened.redis.select(this.#db);
      const [identity] = await Promise.race([Promise.all([handshake(opened.redis, request), selected]), ended.promise]);
      this.identity = identity;
      if ((this.state as ConnectionState) === "closed") throw this.cause ?? new Error(this.reason);
      this.state = "open";
      this.#reader = new ReplyReader(opened.redis, this.options.redis, (problem) => this.destroy(problem));
      const batch = this.#batch;
      if (batch) batch.schedule = () => this.#schedule();
      return identity;
    } catch (error) {
      this.cause ??= error instanceof Error ? error : new Error(String(error));
      this.destroy(this.cause.message);
      throw this.cause;
    } finally {
      this.clock.clearTimer(timer);
    }
  }

  /** Queues a command into the flush of this turn. */
  send(command: CarriedCommand): void {
    if (command.db !== this.#db) this.#select(command.db);
    const flush = this.#flush();
    command.connection = this;
    command.flush = flush;
    flush.carries = true;
    command.seq = this.carriedSeq = ++this.#seq;
    if (command.verified) {
      flush.fenced = true;
      flush.parked.push(command);
    }
    this.inFlight++;
    this.#write(command);
    this.inFlightBytes += command.size;
  }

  /** To be called by each carried command when its reply or error is there. */
  answered(command: CarriedCommand): void {
    this.inFlight--;
    this.inFlightBytes -= command.size;
    const flush = command.flush;
    if (flush !== null && flush === this.#latencyProbe) this.#measure(flush);
  }

  /** Was this command handed to the socket? If not, the server has certainly never seen it. */
  wasSent(command: WireCommand): boolean {
    return command.seq <= this.flushedSeq;
  }

  /** Hands over what was sent so far, without waiting for the end of this turn. */
  flushNow(): void {
    this.#flushNow();
  }

  /** Sends a fence with the flush of this turn, whatever else it carries. */
  requestFence(): void {
    if (this.state !== "open") return;
    const flush = this.#flush();
    if (flush.fenced) return;
    flush.fenced = true;
    // The fence itself is added when the flush is; something must set the flush off.
    if ((this.#batch?.bytes ?? 0) === 0) this.#schedule();
  }

  /** A fence in front of what is queued next: a lower bound on what those commands see. */
  fenceInFront(judge: (fence: Fence | null) => void): void {
    this.#send(
      new InternalCommand("info", FENCE, (reply, error) => {
        judge(error ? null : parseFence(reply as string | Buffer));
      }),
    );
  }

  /** Sends a command of our own on this connection; `settle` gets the reply or the error. */
  internal(words: readonly string[], settle: (reply: unknown, error: Error | null) => void): void {
    this.#send(new InternalCommand((words[0] ?? "").toLowerCase(), encodeWords(...words), settle));
  }

  /** Ends the generation at once. What was on it is rejected; {@link wasSent} tells which had gone. */
  destroy(reason: string): void {
    if (this.state === "closed") return;
    this.#close(reason, null);
    this.#reader?.stop();
    const socket = this.#opened?.socket();
    if (socket) socket.destroy();
    else this.#opened?.redis.disconnect();
  }

  /** The other side has ended it, and the socket has not said so yet. */
  #givenUp(): void {
    this.endedByPeer ||= this.state === "open";
    this.destroy(ENDING);
  }

  #close(reason: string, cause: Error | null): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.reason = reason;
    this.cause ??= cause;
  }

  #notified = false;
  #notifyClosed(): void {
    if (this.#notified) return;
    this.#notified = true;
    this.host.closed(this);
  }

  #flush(): Flush {
    this.#current ??= new Flush(this, ++this.#flushId, this.lastFence);
    return this.#current;
  }

  #send(command: WireCommand): void {
    this.#flush();
    command.seq = ++this.#seq;
    this.#write(command);
  }

  /** Puts the bytes into the batch and the command into the line of those that await a reply. */
  #write(command: WireCommand): void {
    const redis = this.#redis;
    const batch = this.#batch;
    const reader = this.#reader;
    if (redis === null || batch === null || reader === null || this.state !== "open" || !redis.stream.writable) {
      // A socket that is ending says so before it closes; who asks must not be told "open" and be refused again at once.
      this.#givenUp();
      command.reject(new Error("Connection is closed."));
      return;
    }
    command.setReplyContext(redis.condition);
    command.writeTo(batch, redis.stream);
    reader.expect(command);
  }

  #select(db: number): void {
    this.#db = db;
    if (db === OWN_SELECT) return;
    this.internal(["SELECT", String(db)], (_reply, error) => {
      // The commands behind it would run in the wrong database.
      if (error && this.state === "open") this.destroy(`SELECT ${db} failed: ${error.message}`);
    });
  }

  #schedule(): void {
    if (this.host.isLone()) process.nextTick(this.#flushNow);
    else this.clock.setImmediate(this.#flushNow);
  }

  readonly #flushNow = (): void => {
    const flush = this.#current;
    if (flush === null || this.state === "closed") return;
    if (this.#redis?.stream.writable === false) {
      // Nothing of this flush leaves any more, so nothing of it was sent. A fence would be refused here and now, and
      // speak for reads in front of it that are still to be rejected in their turn.
      this.#givenUp();
      return;
    }
    flush.fenced ||= this.host.wantsFence(this);
    const now = this.clock.now();
    flush.sentAt = now;
    if (flush.fenced) {
      this.fenceSentAt = now;
      this.host.fenceSending(this, flush);
      this.#send(new FenceCommand(flush, this.#onFence));
    }
    this.#current = null;
    // Only what is told when it is answered can be timed: a question of our own alone would be waited for for ever, and
    // the node be taken for one that hangs.
    if (flush.carries || flush.fenced) this.#latencyProbe ??= flush;
    this.flushedSeq = this.#seq;
    this.#batch?.flush();
  };

  readonly #onFence = (flush: Flush, reply: unknown, error: Error | null): void => {
    if (flush === this.#latencyProbe) this.#measure(flush);
    const fence = error || this.state === "closed" ? null : this.#parse(reply as string);
    if (fence) this.lastFence = flush.behind = fence;
    this.host.fenced(this, fence, flush);
    // BUSY is an answer in its place: the server runs a script, and so long says this to everything.
    if (error?.message.startsWith("BUSY ")) return;
    if (!fence && this.state === "open")
      this.destroy(
        error
          ? `INFO replication failed: ${error.message}`
          : "a fence was answered with something else: replies are out of step",
      );
  };

  /** While nothing is written anywhere the same text comes back again and again. */
  #parse(reply: string): Fence | null {
    if (reply === this.#lastReply) return this.lastFence;
    const fence = parseFence(reply);
    this.#lastReply = fence === null ? "" : reply;
    return fence;
  }

  #measure(flush: Flush): void {
    this.#latencyProbe = null;
    this.#latency.note(flush.sentAt, this.clock.now());
  }
}
