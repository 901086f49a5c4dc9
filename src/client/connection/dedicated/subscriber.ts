import type { Redis } from "ioredis";
import { Backoff } from "../../../core/backoff.js";
import type { TimerHandle } from "../../../core/clock.js";
import { deferred } from "../../../core/deferred.js";
import { ClientClosedError, NoMasterError } from "../../errors/kinds.js";
import { decorateReplyError } from "../../errors/reply-error.js";
import type { Target } from "../address.js";
import { openRedis } from "../open-redis.js";
import type { DedicatedHost, UserCommand } from "./host.js";

/** Where messages go: the client, which is an emitter in ioredis's manner. */
export interface MessageSink {
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
}

/** Emitted as `resubscribed` after the subscriptions moved to a new connection: what was published between is lost. */
export interface Resubscribed {
  /** Id of the node before and now. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds from noticing the loss to the last subscription confirmed. */
  readonly gapMs: number;
}

type Kind = "subscribe" | "psubscribe" | "ssubscribe";

/** One open connection that is subscribed. */
interface Line {
  readonly redis: Redis;
  readonly target: Target;
  readonly close: (reason: string) => void;
}

/**
 * The one connection on which a client is subscribed. It is opened at the first SUBSCRIBE, on the master; after a
 * lost connection or a change of master it subscribes again there. A subscriber on a demoted master would stay
 * connected and hear less and less, and one on a dead link nothing, so it is pinged as well.
 */
export class Subscriber {
  /** What is subscribed to, in the order of asking. Channels are told apart as ioredis does: as text. */
  readonly #wanted: Record<Kind, Map<string, string | Buffer>> = {
    subscribe: new Map(),
    psubscribe: new Map(),
    ssubscribe: new Map(),
  };
  #line: Promise<Line> | null = null;
  #open: Line | null = null;
  /** What is being opened; a hung server would keep it waiting long after another has become the master. */
  #opening: Line | null = null;
  #closed = false;
  /** When and where the last line was lost; null while it stands. */
  #gap: { readonly since: number; readonly node: string } | null = null;
  #heartbeat: TimerHandle | null = null;
  readonly #closing = deferred<never>();

  constructor(
    private readonly host: DedicatedHost,
    private readonly sink: MessageSink,
  ) {
    this.#closing.promise.catch(() => {});
  }

  /** Does this command belong here? */
  static handles(name: string): boolean {
    return /^[ps]?(?:un)?subscribe$/i.test(name);
  }

  /** Number of channels, patterns and shard channels that are subscribed to. */
  get size(): number {
    return this.#wanted.subscribe.size + this.#wanted.psubscribe.size + this.#wanted.ssubscribe.size;
  }

  /**
   * Runs SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE or their opposites. Resolves with the count as ioredis tells it: how many
   * subscriptions the connection has afterwards. Subscribing waits for a master up to `failoverTimeoutMs`.
   */
  async execute(command: UserCommand): Promise<unknown> {
    const name = command.name.toLowerCase();
    const channels = command.args.map((channel) => (Buffer.isBuffer(channel) ? channel : String(channel)));
    return name.includes("un") ? this.#unsubscribe(name, channels) : this.#subscribe(name as Kind, channels);
  }

  /** The master is now `node`. */
  masterChanged(node: string): void {
    for (const line of [this.#open, this.#opening]) {
      if (line && line.target.node !== node) line.close("its node is the master no more");
    }
  }

  /** A node is gone, though its connections may not show it. */
  nodeLost(node: string, reason: string): void {
    for (const line of [this.#open, this.#opening]) if (line?.target.node === node) line.close(reason);
  }

  /** Ends it for good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.reject(new ClientClosedError());
    this.#stop("the client is closed");
  }

  async #subscribe(name: Kind, channels: readonly (string | Buffer)[]): Promise<unknown> {
    const startedAt = this.host.clock.now();
    for (;;) {
      const line = await this.#connected();
      try {
        const count = await line.redis.call(name, ...channels);
        for (const channel of channels) this.#wanted[name].set(channel.toString(), channel);
        return count;
      } catch (error) {
        if ((error as Error).name === "ReplyError") {
          if (this.size === 0) this.#stop("nothing is subscribed to");
          throw decorateReplyError(error as Error, { node: line.target.node, command: name });
        }
        // Subscribing twice does no harm, so the lost connection is not the caller's concern.
        if (this.#closed) throw new ClientClosedError({ command: name });
        const waited = this.host.clock.now() - startedAt;
        if (waited >= this.host.options.failoverTimeoutMs) {
          throw new NoMasterError(Math.round(waited), [{ node: line.target.node, reason: (error as Error).message }], {
            command: name,
          });
        }
      }
    }
  }

  async #unsubscribe(name: string, channels: readonly (string | Buffer)[]): Promise<unknown> {
    const kind = name.replace("un", "") as Kind;
    const wanted = this.#wanted[kind];
    if (channels.length === 0) wanted.clear();
    for (const channel of channels) wanted.delete(channel.toString());
    // A line that is being opened may have taken the channels along already.
    const line = this.#open ?? (await this.#line?.catch(() => null)) ?? null;
    try {
      if (line) await line.redis.call(name, ...channels);
    } catch (error) {
      if ((error as Error).name === "ReplyError") {
        throw decorateReplyError(error as Error, { node: line?.target.node, command: name });
      }
      // The connection is gone, and the subscription with it.
    }
    const count = kind === "ssubscribe" ? wanted.size : this.#wanted.subscribe.size + this.#wanted.psubscribe.size;
    if (this.size === 0) this.#stop("nothing is subscribed to");
    return count;
  }

  #connected(): Promise<Line> {
    if (this.#closed) return Promise.reject(new ClientClosedError());
    if (!this.#line) {
      const line = this.#connect();
      this.#line = line;
      line.catch(() => {
        if (this.#line === line) this.#line = null;
      });
    }
    return this.#line;
  }

  /** Opens a line and subscribes to everything wanted; tries until `failoverTimeoutMs` has passed without one. */
  async #connect(): Promise<Line> {
    const { clock, random, options } = this.host;
    const startedAt = clock.now();
    const backoff = new Backoff({ firstMs: 20, maxMs: 1000 }, random);
    for (;;) {
      const target = await Promise.race([this.host.master("subscribe"), this.#closing.promise]);
      let line: Line | null = null;
      try {
        line = await this.#openLine(target);
        for (const kind of ["subscribe", "psubscribe", "ssubscribe"] as const) {
          const channels = [...this.#wanted[kind].values()];
          if (channels.length > 0) await line.redis.call(kind, ...channels);
        }
        this.#established(line);
        return line;
      } catch (error) {
        (line ?? this.#opening)?.close("it could not be subscribed");
        this.#opening = null;
        if (this.#closed) throw new ClientClosedError();
        this.host.requestCheck(target.node);
        const waited = clock.now() - startedAt;
        if (waited >= options.failoverTimeoutMs) {
          throw new NoMasterError(Math.round(waited), [{ node: target.node, reason: (error as Error).message }]);
        }
        await this.#pause(backoff.next());
      }
    }
  }

  #established(line: Line): void {
    // It may have ended while it was being subscribed; then its end has been told already.
    if (line.redis.status === "end" || this.#closed) throw new Error("Connection is closed.");
    this.#open = line;
    this.#opening = null;
    if (this.#gap) {
      const { since, node } = this.#gap;
      this.#gap = null;
      const told: Resubscribed = { from: node, to: line.target.node, gapMs: Math.round(this.host.clock.now() - since) };
      this.sink.emit("resubscribed", told);
    }
    this.#beat(line);
  }

  async #openLine(target: Target): Promise<Line> {
    const { clock, options } = this.host;
    const opened = openRedis(await this.host.openOptions(target), {
      ended: () => this.#ended(line),
    });
    const { redis } = opened;
    const line: Line = {
      redis,
      target,
      close: () => {
        redis.disconnect();
        opened.socket()?.destroy();
      },
    };
    this.#opening = line;
    redis.on("messageBuffer", (channel: Buffer, message: Buffer) => this.#deliver("message", [channel, message]));
    redis.on("smessageBuffer", (channel: Buffer, message: Buffer) => this.#deliver("smessage", [channel, message]));
    redis.on("pmessageBuffer", (pattern: string, channel: Buffer, message: Buffer) =>
      this.#deliver("pmessage", [pattern, channel, message]),
    );
    const timer = clock.setTimer(() => line.close("no answer"), options.redis.connectTimeout ?? 10_000, true);
    try {
      await Promise.race([redis.connect(), this.#closing.promise]);
      return line;
    } finally {
      clock.clearTimer(timer);
    }
  }

  /** As ioredis does it: text for those who want text, Buffers always. A pattern is text in both. */
  #deliver(event: "message" | "pmessage" | "smessage", parts: readonly (string | Buffer | null)[]): void {
    if (this.sink.listenerCount(event) > 0) this.sink.emit(event, ...parts.map((part) => part?.toString() ?? ""));
    this.sink.emit(`${event}Buffer`, ...parts);
  }

  #ended(line: Line): void {
    if (this.#open !== line) return;
    this.#open = null;
    this.#line = null;
    this.host.clock.clearTimer(this.#heartbeat);
    if (this.#closed || this.size === 0) return;
    this.#gap ??= { since: this.host.clock.now(), node: line.target.node };
    this.host.requestCheck(line.target.node);
    this.#recover();
  }

  /** Keeps trying for as long as something is subscribed to. */
  #recover(): void {
    this.#connected().catch(() => {
      if (!this.#closed && this.size > 0)
        void this.#pause(this.host.options.pollIntervalMs).then(() => this.#recover());
    });
  }

  #beat(line: Line): void {
    const { clock, options } = this.host;
    this.#heartbeat = clock.setTimer(() => {
      const late = clock.setTimer(() => line.close("no answer to PING"), options.heartbeatTimeoutMs);
      const over = (): void => {
        clock.clearTimer(late);
        if (this.#open === line) this.#beat(line);
      };
      line.redis.ping().then(over, over);
    }, options.pollIntervalMs);
  }

  #stop(reason: string): void {
    const open = this.#open;
    const opening = this.#line;
    this.#open = null;
    this.#line = null;
    this.#gap = null;
    this.host.clock.clearTimer(this.#heartbeat);
    if (open) open.close(reason);
    else opening?.then((line) => line.close(reason)).catch(() => {});
  }

  async #pause(ms: number): Promise<void> {
    const over = deferred<void>();
    const timer = this.host.clock.setTimer(() => over.resolve(), ms, true);
    await Promise.race([over.promise, this.#closing.promise]).catch(() => {});
    this.host.clock.clearTimer(timer);
  }
}
