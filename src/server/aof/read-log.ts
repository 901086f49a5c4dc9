import type { Bytes } from "../../protocol/resp/reply.js";

/** One command of a log. */
export interface LogCommand {
  readonly args: readonly Bytes[];
  /** Offset behind it. */
  readonly end: number;
}

/** The file ends in the middle of a command. */
export class TruncatedLog extends Error {}

/** The file is not a log of commands. */
export class BadLog extends Error {}

const MAX_LINE = 128;
const CR = 13;
const HASH = 35;

/**
 * Reads the commands of a log file from `start` on; lines that begin with `#` (time stamps) are passed over.
 * @throws TruncatedLog, BadLog
 */
export function* readLog(file: Buffer, start = 0): Generator<LogCommand, void, undefined> {
  let at = start;
  const line = (prefix: string): number => {
    const end = file.indexOf("\r\n", at, "latin1");
    if (end < 0 || end - at > MAX_LINE) {
      if (end < 0 && file.length - at <= MAX_LINE) throw new TruncatedLog();
      throw new BadLog();
    }
    const text = file.latin1Slice(at, end);
    if (text[0] !== prefix || !/^.-?\d{1,10}$/.test(text)) throw new BadLog();
    at = end + 2;
    return Number(text.slice(1));
  };
  while (at < file.length) {
    if (file[at] === HASH) {
      const end = file.indexOf("\n", at, "latin1");
      if (end < 0) throw new TruncatedLog();
      at = end + 1;
      continue;
    }
    const count = line("*");
    if (count < 1) throw new BadLog();
    const args: Bytes[] = [];
    for (let i = 0; i < count; i++) {
      if (at >= file.length) throw new TruncatedLog();
      const length = line("$");
      if (length < 0) throw new BadLog();
      if (at + length + 2 > file.length) throw new TruncatedLog();
      args.push(file.latin1Slice(at, at + length));
      at += length;
      if (file[at] !== CR) throw new BadLog();
      at += 2;
    }
    yield { args, end: at };
  }
}
