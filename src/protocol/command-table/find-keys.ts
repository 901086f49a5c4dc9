import type { Bytes } from "../resp/reply.js";
import type { CommandSpec, KeySpec } from "./types.js";

/** A key's position among the arguments and how the command uses it. */
export interface FoundKey {
  readonly position: number;
  readonly flags: readonly string[];
}

/**
 * The keys of a call, by the key specs; where a spec is "unknown" the commands that have one are known here
 * (SORT's STORE). Null if the arguments contradict the specs.
 */
export function findKeys(spec: CommandSpec, args: readonly Bytes[]): FoundKey[] | null {
  const found: FoundKey[] = [];
  for (const keySpec of spec.keySpecs) {
    if (keySpec.flags.includes("not_key")) continue;
    const start = startOf(keySpec, args);
    if (start === null) continue;
    if (!collect(keySpec, start, args, found)) return null;
  }
  if (spec.name === "sort") {
    // Only the last one counts; what LIMIT, GET and BY take is no option, whatever it says.
    let store = 0;
    for (let i = 2; i + 1 < args.length; i++) {
      const word = args[i]?.toLowerCase();
      if (word === "store") store = ++i;
      else if (word === "get" || word === "by") i++;
      else if (word === "limit") i += 2;
    }
    if (store > 0) found.push({ position: store, flags: ["OW", "update"] });
  }
  if (spec.name === "set" || spec.name === "bitfield")
    return found.map(({ position }) => exactly(spec, position, args));
  // MIGRATE with an empty key names its keys behind KEYS.
  return spec.name === "migrate" ? found.filter(({ position }) => args[position] !== "") : found;
}

function startOf(spec: KeySpec, args: readonly Bytes[]): number | null {
  const { begin } = spec;
  if (begin === "unknown") return null;
  if ("index" in begin) return begin.index;
  const { keyword, startFrom } = begin;
  const step = startFrom > 0 ? 1 : -1;
  for (let i = startFrom > 0 ? startFrom : args.length + startFrom; i > 0 && i < args.length; i += step) {
    if (args[i]?.toLowerCase() === keyword.toLowerCase()) return i + 1;
  }
  return null;
}

/** Adds the keys of one spec; false if they would lie outside the arguments. */
function collect(spec: KeySpec, start: number, args: readonly Bytes[], found: FoundKey[]): boolean {
  const { find } = spec;
  if (find === "unknown") return true;
  let first = start;
  let last: number;
  if ("keyNumIndex" in find) {
    const text = args[start + find.keyNumIndex] ?? "";
    if (!/^-?\d+$/.test(text)) return false;
    first = start + find.firstKey;
    last = first + (Number(text) - 1) * find.step;
  } else if (find.lastKey >= 0) last = start + find.lastKey;
  else if (find.limit > 1) last = start + Math.floor((args.length - start) / find.limit) + find.lastKey;
  else last = args.length + find.lastKey;
  if (last >= args.length) return false;
  for (let i = first; i <= last; i += find.step) found.push({ position: i, flags: spec.flags });
  return true;
}

/** SET and BITFIELD read or write their key by their options: "variable_flags". */
function exactly(spec: CommandSpec, position: number, args: readonly Bytes[]): FoundKey {
  const words = args.slice(2).map((arg) => arg.toLowerCase());
  if (spec.name === "set") {
    return { position, flags: words.indexOf("get", 1) > 0 ? ["RW", "access", "update"] : ["OW", "update"] };
  }
  return { position, flags: onlyReads(words) ? ["RO", "access"] : ["RW", "access", "update"] };
}

/** Whether the operations of a BITFIELD are all GET; what makes no sense might write. */
function onlyReads(words: readonly string[]): boolean {
  for (let i = 0; i < words.length; ) {
    const length = words[i] === "get" ? 3 : words[i] === "overflow" ? 2 : Number.POSITIVE_INFINITY;
    if (i + length > words.length) return false;
    i += length;
  }
  return true;
}
