import type { TimerHandle } from "../../core/clock.js";
import { ReplyDecoder } from "../../protocol/resp/reply-decoder.js";
import type { TransportStream } from "../net/transport.js";
import type { ServerCore } from "../server-core.js";

/** How an exchange ended: every reply is there, or how far it came and whether time was up. */
export type Outcome =
  | { readonly complete: true }
  | { readonly complete: false; readonly stage: "connecting" | "writing" | "reading"; readonly timedOut: boolean };

/** The text of an error reply, or null for any other reply. */
export type TargetReply = string | null;

interface Exchange {
  left: number;
  readonly timeoutMs: number;
  readonly reply: (error: TargetReply) => void;
  readonly done: (outcome: Outcome) => void;
}

/** So much is written before the time begins anew. */
const CHUNK = 64 * 1024;

/** A connection to a server that keys are moved to, kept for a while after its use. One exchange at a time. */
export class MigrationTarget {
  /** The database that is selected there; -1 = not known. */
  db = -1;
  /** On the clock's monotonic time. */
  usedMs: number;
  readonly #stream: TransportStream;
  #connected = false;
  #unwritten = 0;
  #exchange: Exchange | null = null;
  #timer: TimerHandle | null = null;
  #closed = false;

  constructor(
    private readonly core: ServerCore,
    host: string,
    port: number,
  ) {
    this.usedMs = core.clock.now();
    const decoder = new ReplyDecoder({
      wantsText: () => false,
      reply: () => this.#take(null),
      errorReply: (text) => this.#take(text),
      push: () => {},
      nestedError: () => null,
    });
    const socket = core.transport.connect({ host, port });
    const stream = core.config.flag("tls-cluster") ? core.tls.connect(socket) : socket;
    this.#stream = stream;
    stream.once(stream.readyEvent ?? "connect", () => {
      this.#connected = true;
      this.#restartTimer();
    });
    stream.on("data", (chunk: Buffer) => {
      try {
        decoder.write(chunk);
      } catch {
        this.#fail(false);
      }
    });
    stream.on("error", () => this.#fail(false));
    stream.on("end", () => this.#fail(false));
    stream.on("close", () => this.#fail(false));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends `commands` and takes their replies, one after another.
   * @param timeoutMs for connecting, for each piece that is written and for each reply
   */
  exchange(
    commands: Buffer,
    replies: number,
    timeoutMs: number,
    reply: Exchange["reply"],
    done: Exchange["done"],
  ): void {
    this.usedMs = this.core.clock.now();
    this.#exchange = { left: replies, timeoutMs, reply, done };
    this.#restartTimer();
    for (let at = 0; at < commands.length; at += CHUNK) {
      const piece = commands.subarray(at, at + CHUNK);
      this.#unwritten += piece.length;
      this.#stream.write(piece, () => {
        this.#unwritten -= piece.length;
        this.#restartTimer();
      });
    }
  }

  /** Ends it without a word to anybody. */
  close(): void {
    this.#exchange = null;
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.core.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#stream.destroy();
  }

  #take(error: TargetReply): void {
    const exchange = this.#exchange;
    // Nobody asked for anything: whatever this is, the next replies would be taken for others' ones.
    if (exchange === null) return this.#end();
    exchange.reply(error);
    if (--exchange.left > 0) return this.#restartTimer();
    this.core.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#exchange = null;
    exchange.done({ complete: true });
  }

  #fail(timedOut: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    const stage = !this.#connected ? "connecting" : this.#unwritten > 0 ? "writing" : "reading";
    this.#end();
    exchange?.done({ complete: false, stage, timedOut });
  }

  #restartTimer(): void {
    const { clock } = this.core;
    clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#exchange === null || this.#closed) return;
    this.#timer = clock.setTimer(() => this.#fail(true), this.#exchange.timeoutMs);
  }
}
