import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { isWord, longArg } from "./support/arguments.js";

/** LCS: the longest common subsequence of two strings. https://redis.io/docs/latest/commands/lcs/ */
export const lcsCommands: CommandGroup = { lcs };

const NOT_STRINGS = new ErrorReply("ERR The specified keys must contain string values");
const LEN_AND_IDX = new ErrorReply("ERR If you want both the length and indexes, please just use IDX.");
const TOO_LARGE = new ErrorReply("ERR Insufficient memory, failed allocating transient memory for LCS");
/** Cells of the table, four bytes each. */
const MAX_CELLS = 2 ** 27;

interface Match {
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
}

function lcs(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const values = [args[1] as Bytes, args[2] as Bytes].map((key) => ctx.db.lookup(key)?.value ?? "");
  const [a, b] = values;
  if (typeof a !== "string" || typeof b !== "string") return NOT_STRINGS;
  let onlyLength = false;
  let indexes = false;
  let withLength = false;
  let shortest = 0;
  for (let i = 3; i < args.length; i++) {
    if (isWord(args[i], "idx")) indexes = true;
    else if (isWord(args[i], "len")) onlyLength = true;
    else if (isWord(args[i], "withmatchlen")) withLength = true;
    else if (isWord(args[i], "minmatchlen") && i + 1 < args.length) shortest = Math.max(0, longArg(args[++i] as Bytes));
    else return errors.syntax;
  }
  if (onlyLength && indexes) return LEN_AND_IDX;
  if ((a.length + 1) * (b.length + 1) > MAX_CELLS) return TOO_LARGE;
  const lengths = table(a, b);
  const length = lengths[lengths.length - 1] as number;
  if (onlyLength) return length;
  const { text, matches } = trace(a, b, lengths);
  if (!indexes) return text;
  const shown = matches.filter((match) => match.a[1] - match.a[0] + 1 >= shortest);
  return new MapReply([
    [
      "matches",
      shown.map((match) => (withLength ? [match.a, match.b, match.a[1] - match.a[0] + 1] : [match.a, match.b])),
    ],
    ["len", length],
  ]);
}

/** Length of the longest common subsequence of each pair of prefixes, row by row. */
function table(a: Bytes, b: Bytes): Uint32Array {
  const width = b.length + 1;
  const cells = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const at = i * width + j;
      if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) cells[at] = (cells[at - width - 1] as number) + 1;
      else cells[at] = Math.max(cells[at - width] as number, cells[at - 1] as number);
    }
  }
  return cells;
}

/** Walks back through the table: the subsequence, and the runs that are common to both, last one first. */
function trace(a: Bytes, b: Bytes, cells: Uint32Array): { text: Bytes; matches: Match[] } {
  const width = b.length + 1;
  const matches: Match[] = [];
  const chars: string[] = [];
  let run: { a0: number; a1: number; b0: number; b1: number } | null = null;
  const endRun = (): void => {
    if (run !== null) matches.push({ a: [run.a0, run.a1], b: [run.b0, run.b1] });
    run = null;
  };
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) {
      i--;
      j--;
      chars.push(a.charAt(i));
      if (run === null) run = { a0: i, a1: i, b0: j, b1: j };
      else {
        run.a0 = i;
        run.b0 = j;
      }
    } else {
      endRun();
      if ((cells[(i - 1) * width + j] as number) > (cells[i * width + j - 1] as number)) i--;
      else j--;
    }
  }
  endRun();
  return { text: chars.reverse().join(""), matches };
}
