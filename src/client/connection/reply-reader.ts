import { type Redis, ReplyError } from "ioredis";
import { Fifo } from "../../core/fifo.js";
import { ReplyDecoder, type ReplySink } from "../../protocol/resp/reply-decoder.js";
import type { WireCommand } from "./wire-command.js";

const ServerError = ReplyError as new (message: string) => Error;
const serverError = (text: string): Error => new ServerError(text);

/**
 * Takes over what arrives on an open connection, once ioredis has greeted the server: decodes it and hands each
 * reply to the command that has waited longest. Strings are decoded once, straight into what the command wants,
 * which is a third of the cost of decoding them as ioredis does.
 */
export class ReplyReader implements ReplySink {
  readonly #awaiting = new Fifo<WireCommand>();
  readonly #decoder: ReplyDecoder;
  /** Pieces that have arrived. */
  pieces = 0;
  #stopped = false;

  /** @param outOfStep told when what arrives is no answer to anything: nothing more of it may be believed */
  constructor(
    redis: Redis,
    options: { readonly stringNumbers?: unknown; readonly replyMapping?: unknown },
    private readonly outOfStep: (problem: string) => void,
  ) {
    this.#decoder = new ReplyDecoder(this, {
      numbersAsText: options.stringNumbers === true,
      native: options.replyMapping === "resp3",
    });
    const { stream } = redis;
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      if (this.#stopped) return;
      this.pieces++;
      try {
        this.#decoder.write(chunk);
      } catch (error) {
        this.outOfStep(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** The next reply that nobody else awaits is for this command. */
  expect(command: WireCommand): void {
    this.#awaiting.push(command);
  }

  /** Believes nothing more of what arrives, not even the rest of what has arrived. */
  stop(): void {
    this.#stopped = true;
  }

  /** The connection has ended: nobody gets a reply any more. */
  rejectAll(error: Error): void {
    for (let command = this.#awaiting.shift(); command !== undefined; command = this.#awaiting.shift())
      command.reject(error);
  }

  wantsText(): boolean {
    return this.#awaiting.peek()?.wantsText === true;
  }

  reply(value: unknown): void {
    if (this.#stopped) return;
    const command = this.#awaiting.shift();
    if (command === undefined) this.outOfStep("a reply came that answers no command");
    else {
      try {
        command.resolve(value);
      } catch (error) {
        // What an application's transformer throws is its own, and must not be taken for broken RESP.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  errorReply(text: string): void {
    if (this.#stopped) return;
    const command = this.#awaiting.shift();
    if (command === undefined) this.outOfStep(`an error came that answers no command: ${text}`);
    else if (!command.refuse(text, serverError)) command.reject(new ServerError(text));
  }

  /** Shared connections subscribe to nothing; what is pushed all the same (a client that is told of evictions) answers nothing. */
  push(): void {}

  nestedError(text: string): Error {
    return new ServerError(text);
  }
}
