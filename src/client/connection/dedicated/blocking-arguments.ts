import type { UserCommand } from "./host.js";

/** Where a blocking command says how long it may wait. */
interface TimeoutPlace {
  readonly index: number;
  /** Milliseconds per unit of the argument. */
  readonly unitMs: number;
}

/** Timeout last, in seconds. */
const LAST = new Set(["blpop", "brpop", "brpoplpush", "blmove", "bzpopmin", "bzpopmax"]);
/** Timeout first, in seconds. */
const FIRST = new Set(["blmpop", "bzmpop"]);
/** `BLOCK milliseconds` among the options. */
const OPTION = new Set(["xread", "xreadgroup"]);

function placeOf(command: UserCommand): TimeoutPlace | null {
  const name = command.name.toLowerCase();
  if (LAST.has(name)) return { index: command.args.length - 1, unitMs: 1000 };
  if (FIRST.has(name)) return { index: 0, unitMs: 1000 };
  if (!OPTION.has(name)) return null;
  // Behind STREAMS stand keys, and a key may be called "block".
  for (let index = 0; index + 1 < command.args.length; index++) {
    const word = String(command.args[index]).toLowerCase();
    if (word === "streams") return null;
    if (word === "block") return { index: index + 1, unitMs: 1 };
    if (word === "group") index += 2;
    else if (word === "count") index += 1;
  }
  return null;
}

/**
 * How long a blocking command may wait, in milliseconds; `Infinity` for 0 = for ever, null if it says nothing
 * that is a number (the server will tell).
 */
export function blockingTimeoutMs(command: UserCommand): number | null {
  const place = placeOf(command);
  if (!place) return null;
  const value = Number(String(command.args[place.index]));
  if (!Number.isFinite(value) || value < 0) return null;
  return value === 0 ? Number.POSITIVE_INFINITY : value * place.unitMs;
}

/** The same command with `ms` milliseconds left to wait. */
export function withTimeout(command: UserCommand, ms: number): UserCommand {
  const place = placeOf(command);
  if (!place || ms === Number.POSITIVE_INFINITY) return command;
  // 0 would be for ever.
  const value = place.unitMs === 1 ? Math.max(1, Math.ceil(ms)) : Math.max(1, Math.ceil(ms)) / 1000;
  const args = command.args.map((argument, index) => (index === place.index ? String(value) : argument));
  return {
    name: command.name,
    args,
    wantsText: command.wantsText === true,
    setReplyContext: (context) => command.setReplyContext(context),
    toWritable: () => encode(command.name, args),
  };
}

function encode(name: string, args: readonly unknown[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length + 1}\r\n`)];
  for (const word of [name, ...args]) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}
