import type { Clock } from "../../core/clock.js";
import { ReplyDecoder } from "../../protocol/resp/reply-decoder.js";
import type { Transport, TransportStream } from "../net/transport.js";
import { encodeCommand } from "../replication/stream.js";

/** A reply, or the text of an error reply. */
export type LinkReply = { readonly value: unknown } | { readonly error: string };
type Waiting = (reply: LinkReply) => void;

/** Commands that may wait for replies on one link; a peer that lets more pile up is taken for dead. */
const MAX_WAITING = 100;

/** Where a link goes and what it says first. */
export interface LinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly name: string;
}

/** One connection of a Sentinel to a server or to another Sentinel; it is not made again when it breaks. */
export class SentinelLink {
  /** A message of a channel that was subscribed to. */
  onMessage: (channel: string, message: string) => void = () => {};
  readonly openedMs: number;
  /** When the oldest command without a reply was sent; null while none waits. */
  waitingSinceMs: number | null = null;
  readonly #stream: TransportStream;
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(private readonly options: LinkOptions) {
    const { transport, clock, host, port, username, password, name } = options;
    this.openedMs = clock.now();
    const decoder = new ReplyDecoder({
      wantsText: () => true,
      reply: (value) => this.#take({ value }),
      errorReply: (error) => this.#take({ error }),
      push: (items) => this.#message(items),
      nestedError: (text) => new Error(text),
    });
    this.#stream = transport.connect({ host, port });
    this.#stream.on("data", (chunk: Buffer) => {
      try {
        decoder.write(chunk);
      } catch {
        this.close();
      }
    });
    this.#stream.on("error", () => this.close());
    this.#stream.on("close", () => this.close());
    const user = username === undefined ? [] : [username];
    if (password !== undefined && password !== "") this.send(["AUTH", ...user, password]);
    this.send(["CLIENT", "SETNAME", name]);
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(args: readonly string[], done: Waiting = () => {}): void {
    if (this.#closed) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.close();
      return;
    }
    if (this.#waiting.length === 0) this.waitingSinceMs = this.options.clock.now();
    this.#waiting.push(done);
    this.#stream.write(encodeCommand(args), "latin1");
  }

  /** What still waits will not be answered. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    this.#stream.destroy();
  }

  #take(reply: LinkReply): void {
    if ("value" in reply && Array.isArray(reply.value) && this.#message(reply.value)) return;
    const done = this.#waiting.shift();
    this.waitingSinceMs = this.#waiting.length === 0 ? null : this.options.clock.now();
    done?.(reply);
  }

  #message(items: readonly unknown[]): boolean {
    if (items[0] !== "message") return false;
    this.onMessage(String(items[1]), String(items[2]));
    return true;
  }
}
