import type { Command } from "ioredis";
import type { SocketBatch } from "./socket-batch.js";

/** What ioredis asks of the commands that it sends; `setReplyContext` is told the protocol of the connection. */
export type ReplyContext = Parameters<Command["setReplyContext"]>[0];

/** What stands in a connection's queue from being written until its reply: no promise and no timers of its own. */
export abstract class WireCommand {
  abstract readonly name: string;
  /** Strings of the reply are wanted as text (UTF-8) rather than as Buffers. */
  wantsText = false;
  /** Number on its connection, from 1; the order on the wire. 0 = on no connection. */
  seq = 0;
  /** Bytes written; 0 before it was. */
  size = 0;

  abstract setReplyContext(context: ReplyContext): void;
  /** Writes it and notes its size. `socket` tells connections apart, for scripts that a server may not know yet. */
  abstract writeTo(batch: SocketBatch, socket: object): void;
  /** The server's reply. */
  abstract resolve(reply: unknown): void;
  /** The server's error reply, or the end of the connection. */
  abstract reject(error: Error): void;

  /**
   * The text of an error reply, before an error is made of it, which costs more than all else that is done with it.
   * True: it needs none, or makes its own.
   */
  refuse(_text: string, _error: (text: string) => Error): boolean {
    return false;
  }
}

/** A command of ours with its text ready-made: fences, SELECT, CLIENT KILL. */
export class InternalCommand extends WireCommand {
  constructor(
    readonly name: string,
    private readonly text: string,
    private readonly settle: (reply: unknown, error: Error | null) => void,
  ) {
    super();
    this.wantsText = true;
  }

  setReplyContext(): void {}

  writeTo(batch: SocketBatch): void {
    this.size = batch.append(this.text);
  }

  resolve(reply: unknown): void {
    this.settle(reply, null);
  }

  reject(error: Error): void {
    this.settle(null, error);
  }
}

/** The bytes of a command whose words are ASCII. */
export function encodeWords(...words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
  return text;
}
