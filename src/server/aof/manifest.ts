import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { quoted } from "../commands/support/quoted.js";

/** One file of an append-only log. */
export interface LogEntry {
  readonly name: string;
  /** From 1 on; base files and incremental files are counted apart. */
  readonly seq: number;
}

/** Which files make up an append-only log: a base, what was appended to it in order, and what is of no use any more. */
export interface Manifest {
  readonly base: LogEntry | null;
  readonly incremental: readonly LogEntry[];
  readonly history: readonly LogEntry[];
}

/** No file at all. */
export const EMPTY_MANIFEST: Manifest = { base: null, incremental: [], history: [] };

/** A manifest that can't be read; the message is redis-server's. */
export class ManifestError extends Error {
  /** @param line counts from 1; 0 = the whole file is meant */
  constructor(
    reason: string,
    readonly line: number,
    readonly text: string,
  ) {
    super(reason);
    this.name = "ManifestError";
  }
}

const MAX_LINE = 1024;
const WRONG = "Invalid AOF manifest file format";

/** Reads a manifest. @throws ManifestError */
export function parseManifest(file: string): Manifest {
  if (file === "") throw new ManifestError("Found an empty AOF manifest", 0, "");
  let base: LogEntry | null = null;
  const incremental: LogEntry[] = [];
  const history: LogEntry[] = [];
  const lines = file.split("\n");
  const last = lines.pop() as string;
  if (last !== "" && !last.startsWith("#")) lines.push(last);
  lines.forEach((raw, i) => {
    const fail = (reason: string): never => {
      throw new ManifestError(reason, i + 1, raw.trim());
    };
    if (raw.startsWith("#")) return;
    if (raw.length >= MAX_LINE || (raw === last && i === lines.length - 1 && last !== ""))
      fail("The AOF manifest file contains too long line");
    const { type, ...entry } = parseLine(raw) ?? fail(WRONG);
    if (/[/\\]/.test(entry.name)) fail("File can't be a path, just a filename");
    if (type === "b") {
      if (base !== null) fail("Found duplicate base file information");
      base = entry;
    } else if (type === "h") history.push(entry);
    else if (type === "i") {
      if (entry.seq <= (incremental.at(-1)?.seq ?? 0)) fail("Found a non-monotonic sequence number");
      incremental.push(entry);
    } else fail("Unknown AOF file type");
  });
  return { base, incremental, history };
}

function parseLine(line: string): (LogEntry & { readonly type: string }) | null {
  const words = splitArguments(line);
  if (words === null || words.length < 6 || words.length % 2 !== 0) return null;
  const found = new Map<string, string>();
  // What a later version may add is passed over.
  for (let i = 0; i < words.length; i += 2) found.set((words[i] as string).toLowerCase(), words[i + 1] as string);
  const name = found.get("file");
  const seq = Number.parseInt(found.get("seq") ?? "", 10);
  const type = found.get("type")?.charAt(0) ?? "";
  return name === undefined || !seq || type === "" ? null : { name, seq, type };
}

/** The text of a manifest file. */
export function formatManifest({ base, history, incremental }: Manifest): string {
  const line = ({ name, seq }: LogEntry, type: string): string =>
    `file ${/[\s"'\\]|[^\x20-\x7e]/.test(name) ? quoted(name) : name} seq ${seq} type ${type}\n`;
  return [
    ...(base === null ? [] : [line(base, "b")]),
    ...history.map((entry) => line(entry, "h")),
    ...incremental.map((entry) => line(entry, "i")),
  ].join("");
}
