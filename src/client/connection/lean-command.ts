import { Command } from "ioredis";
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
}

type Argument = string | Buffer;

/** `$<length>\r\n` for the lengths that are common. */
const LENGTHS = Array.from({ length: 512 }, (_, length) => `$${length}\r\n`);

/** What stands before the arguments, by name and number of arguments. */
const HEADS = new Map<string, string[]>();

function head(name: string, count: number): string {
  let heads = HEADS.get(name);
  if (heads === undefined) {
    heads = [];
    HEADS.set(name, heads);
  }
  heads[count] ??= `*${count + 1}\r\n$${Buffer.byteLength(name)}\r\n${name}\r\n`;
  return heads[count];
}

/** Bytes of the text in UTF-8; the loop is faster than the call for what keys usually are. */
function byteLength(text: string): number {
  const { length } = text;
  if (length > 32) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 127) return Buffer.byteLength(text);
  return length;
}

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

  toWritable(): string | Buffer {
    const { args, name } = this;
    let text = head(name, args.length);
    for (let i = 0; i < args.length; i++) {
      const argument = args[i] as Argument;
      if (typeof argument !== "string") return this.#toBuffer();
      const length = byteLength(argument);
      text += (LENGTHS[length] ?? `$${length}\r\n`) + argument + "\r\n";
    }
    return text;
  }

  #toBuffer(): Buffer {
    const parts: Buffer[] = [Buffer.from(head(this.name, this.args.length))];
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
