import { Command } from "ioredis";
import { CommandHeads } from "./command-heads.js";
import type { SocketBatch } from "./socket-batch.js";
import type { ReplyContext } from "./wire-command.js";

/** What the engine asks of a command of the application: ioredis's `Command` is one, a lean one is another. */
export interface IssuedCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  resolve(reply: unknown): void;
  reject(error: Error): void;
  setReplyContext(context: ReplyContext): void;
  toWritable(socket: object): string | Buffer;
  /** The reply's strings are to be given as text; ioredis's own `Command` takes Buffers. */
  readonly wantsText?: boolean;
  /** Writes itself, where it can do so without making a string first; returns its bytes. */
  writeTo?(batch: SocketBatch): number;
}

type Argument = string | Buffer;

const HEADS = new CommandHeads();

/**
 * A command that needs nothing of what ioredis's `Command` can do beside being sent: its arguments are text or
 * bytes, nobody transforms them or the reply, and there is no callback. It costs a third of one.
 */
export class LeanCommand implements IssuedCommand {
  readonly promise: Promise<unknown>;
  resolve!: (reply: unknown) => void;
  reject!: (error: Error) => void;

  constructor(
    readonly name: string,
    readonly args: readonly Argument[],
    readonly wantsText: boolean,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  setReplyContext(): void {}

  /** Writes itself; returns its bytes. */
  writeTo(batch: SocketBatch): number {
    const { args } = this;
    let bytes = batch.append(HEADS.of(this.name, args.length));
    for (let i = 0; i < args.length; i++) {
      const argument = args[i] as Argument;
      if (typeof argument === "string") bytes += batch.argument(argument);
      else bytes += batch.append(`$${argument.length}\r\n`) + batch.append(argument) + batch.append(CRLF);
    }
    return bytes;
  }

  /** For whoever sends it like a command of ioredis's. */
  toWritable(): Buffer {
    const parts: Buffer[] = [HEADS.of(this.name, this.args.length)];
    for (const argument of this.args) {
      const bytes = typeof argument === "string" ? Buffer.from(argument) : argument;
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
    }
    return Buffer.concat(parts);
  }
}

const CRLF = Buffer.from("\r\n");

/**
 * The arguments as a lean command takes them; null if they need ioredis's own handling (nested lists, objects,
 * `undefined`, a callback).
 */
export function leanArguments(args: readonly unknown[]): Argument[] | null {
  const lean = new Array<Argument>(args.length);
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (typeof argument === "string") lean[i] = argument;
    else if (typeof argument === "number") lean[i] = String(argument);
    else if (argument instanceof Buffer) lean[i] = argument;
    else return null;
  }
  return lean;
}

interface Transformers {
  readonly argument: Readonly<Record<string, unknown>>;
  readonly reply: Readonly<Record<string, unknown>>;
}

/**
 * May this command go lean? Not if arguments or reply have a transformer, ioredis's own or one that the application
 * set. Where ioredis should ever keep them elsewhere, nothing goes lean.
 */
export function mayBeLean(name: string): boolean {
  const transformers = (Command as unknown as { _transformer?: Transformers })._transformer;
  return (
    transformers !== undefined && transformers.argument[name] === undefined && transformers.reply[name] === undefined
  );
}
