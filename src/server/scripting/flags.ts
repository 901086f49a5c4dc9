import type { Bytes } from "../../protocol/resp/reply.js";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { Flag } from "../dispatch/flags.js";

/** What a script says of itself in its first line, or a function where it is registered. */
export const ScriptFlag = {
  noWrites: 1,
  allowOom: 2,
  allowStale: 4,
  noCluster: 8,
  allowCrossSlot: 16,
  /** It says nothing: an EVAL without `#!lua`, judged by what it calls. */
  compat: 32,
} as const;

/** The flags by the names that users write, in the order in which FUNCTION LIST tells them. */
export const SCRIPT_FLAGS: ReadonlyMap<string, number> = new Map([
  ["no-writes", ScriptFlag.noWrites],
  ["allow-oom", ScriptFlag.allowOom],
  ["allow-stale", ScriptFlag.allowStale],
  ["no-cluster", ScriptFlag.noCluster],
  ["allow-cross-slot-keys", ScriptFlag.allowCrossSlot],
]);

/** Flags of EVAL or FCALL for a script with flags of its own, which then count in place of the command's. */
export function commandBits(bits: number, scriptFlags: number): number {
  let result = bits & ~(Flag.stale | Flag.denyOom | Flag.write | Flag.mayReplicate);
  if ((scriptFlags & (ScriptFlag.allowOom | ScriptFlag.noWrites)) === 0) result |= Flag.denyOom;
  if ((scriptFlags & ScriptFlag.noWrites) === 0) result |= Flag.write;
  if ((scriptFlags & ScriptFlag.allowStale) !== 0) result |= Flag.stale;
  return result;
}

/** What the first line of a script says; `code` is the rest with the line feed, so that line numbers stay. */
export interface Shebang {
  readonly flags: number;
  readonly code: Bytes;
}

/** Reads `#!lua flags=a,b`; a string is the error. */
export function readShebang(body: Bytes): Shebang | Bytes {
  if (!body.startsWith("#!")) return { flags: ScriptFlag.compat, code: body };
  const end = body.indexOf("\n");
  if (end < 0) return "ERR Invalid script shebang";
  const parts = splitArguments(body.slice(0, end));
  if (parts === null || parts.length === 0) return "ERR Invalid engine in script shebang";
  if (parts[0] !== "#!lua") return `ERR Unexpected engine in script shebang: ${parts[0]}`;
  let flags = 0;
  for (const part of parts.slice(1)) {
    if (!part.startsWith("flags=")) return `ERR Unknown lua shebang option: ${part}`;
    const names = part.slice(6);
    for (const name of names === "" ? [] : names.split(",")) {
      const flag = SCRIPT_FLAGS.get(name);
      if (flag === undefined) return `ERR Unexpected flag in script shebang: ${name}`;
      flags |= flag;
    }
  }
  return { flags, code: body.slice(end) };
}

/** The first line of a function library: `#!lua name=mylib`; a string is the error. */
export interface LibraryHead {
  readonly engine: Bytes;
  readonly name: Bytes;
  readonly code: Bytes;
}

/** Reads the first line of a function library. */
export function readLibraryHead(payload: Bytes): LibraryHead | Bytes {
  if (!payload.startsWith("#!")) return "ERR Missing library metadata";
  const end = payload.indexOf("\n");
  const parts = end < 0 ? null : splitArguments(payload.slice(0, end));
  if (parts === null || parts.length === 0) return "ERR Invalid library metadata";
  let name: Bytes | null = null;
  for (const part of parts.slice(1)) {
    if (part.slice(0, 5).toLowerCase() !== "name=") return `ERR Invalid metadata value given: ${part}`;
    if (name !== null) return "ERR Invalid metadata value, name argument was given multiple times";
    name = part.slice(5);
  }
  if (name === null) return "ERR Library name was not given";
  return { engine: (parts[0] as Bytes).slice(2), name, code: payload.slice(end) };
}
