import { type CommandFacts, staticSubcommands } from "./command-facts.js";
import type { KeyFinder } from "./command-spec.js";
import { allOf, keyRange, MOVING_KEYS, noKeys } from "./key-finders.js";
import { countIn, indexOfWord, isWord } from "./words.js";

/**
 * Reads the reply to COMMAND, as ioredis hands it out in RESP2 and RESP3, with strings or Buffers. What does not look
 * like a command is left out.
 */
export function serverFacts(reply: readonly unknown[]): CommandFacts[] {
  return reply.map(factsOf).filter((facts) => facts !== null);
}

function factsOf(entry: unknown): CommandFacts | null {
  const [rawName, , rawFlags, first, last, step, , , specs, subcommands] = listOf(entry);
  const name = textOf(rawName).toLowerCase();
  if (name === "" || typeof first !== "number" || typeof last !== "number" || typeof step !== "number") return null;
  const flags = new Set(listOf(rawFlags).map(textOf));
  const keys = keysOf(name, listOf(specs), { first, last, step }, flags.has("movablekeys"));
  const subs = listOf(subcommands)
    .map(factsOf)
    .filter((facts) => facts !== null);
  return {
    name,
    flags,
    ...keys,
    subcommands:
      subs.length > 0
        ? new Map(subs.map((facts) => [facts.name.slice(facts.name.indexOf("|") + 1), facts]))
        : staticSubcommands(name),
  };
}

function keysOf(
  name: string,
  specs: readonly unknown[],
  legacy: { readonly first: number; readonly last: number; readonly step: number },
  movable: boolean,
): Pick<CommandFacts, "keysKnown" | "findKeys"> {
  const moving = MOVING_KEYS.get(name);
  if (moving) return { keysKnown: "all", findKeys: moving };
  if (specs.length > 0) return keysOfSpecs(specs);
  const { first, last, step } = legacy;
  if (first <= 0 || step <= 0) return { keysKnown: "none", findKeys: noKeys };
  // Before 7.0 there are no key specs, and keys that move are not all in this range.
  return { keysKnown: movable ? "partial" : "all", findKeys: keyRange(first - 1, last < 0 ? last : last - 1, step) };
}

function keysOfSpecs(specs: readonly unknown[]): Pick<CommandFacts, "keysKnown" | "findKeys"> {
  let complete = true;
  const finders: KeyFinder[] = [];
  for (const spec of specs) {
    const flags = listOf(fieldOf(spec, "flags")).map(textOf);
    if (flags.includes("not_key")) continue;
    const finder = finderOf(spec);
    if (finder === null || flags.includes("incomplete")) complete = false;
    if (finder !== null) finders.push(finder);
  }
  if (finders.length === 0) return { keysKnown: "none", findKeys: noKeys };
  return { keysKnown: complete ? "all" : "partial", findKeys: allOf(finders) };
}

/** One key specification as a finder; null for the kinds that say `unknown`. */
function finderOf(spec: unknown): KeyFinder | null {
  const begin = fieldOf(spec, "begin_search");
  const find = fieldOf(spec, "find_keys");
  const beginSpec = fieldOf(begin, "spec");
  const findSpec = fieldOf(find, "spec");
  const findType = textOf(fieldOf(find, "type"));
  if (findType !== "range" && findType !== "keynum") return null;
  switch (textOf(fieldOf(begin, "type"))) {
    case "index": {
      const index = numberOf(beginSpec, "index") - 1;
      const limit = numberOf(findSpec, "limit");
      if (findType === "range" && limit <= 1) {
        const last = numberOf(findSpec, "lastkey");
        return keyRange(index, last < 0 ? last : index + last, numberOf(findSpec, "keystep"));
      }
      return (args) => keysFrom(args, index, findType, findSpec);
    }
    case "keyword": {
      const word = textOf(fieldOf(beginSpec, "keyword")).toUpperCase();
      const from = numberOf(beginSpec, "startfrom");
      return (args) => {
        const at = from >= 0 ? indexOfWord(args, word, from - 1) : lastIndexOfWord(args, word, args.length + from);
        return at < 0 ? [] : keysFrom(args, at + 1, findType, findSpec);
      };
    }
    default:
      return null;
  }
}

function keysFrom(args: readonly unknown[], begin: number, type: "range" | "keynum", spec: unknown): number[] {
  const step = Math.max(1, numberOf(spec, "keystep"));
  const positions: number[] = [];
  if (type === "keynum") {
    const first = begin + numberOf(spec, "firstkey");
    const count = countIn(args[begin + numberOf(spec, "keynumidx")]);
    for (let i = 0; i < count && first + i * step < args.length; i++) positions.push(first + i * step);
    return positions;
  }
  const lastKey = numberOf(spec, "lastkey");
  const limit = numberOf(spec, "limit");
  // A limit of n says that only the first nth of what remains are keys (XREAD: half of it).
  const share = lastKey === -1 && limit > 1 ? Math.floor((args.length - begin) / limit) : args.length - begin;
  const end = lastKey < 0 ? Math.min(args.length + lastKey, begin + share - 1) : begin + lastKey;
  for (let i = begin; i <= end && i < args.length; i += step) positions.push(i);
  return positions;
}

function lastIndexOfWord(args: readonly unknown[], word: string, from: number): number {
  for (let i = Math.min(from, args.length - 1); i >= 0; i--) if (isWord(args[i], word)) return i;
  return -1;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : Buffer.isBuffer(value) ? value.toString("latin1") : "";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value instanceof Set ? [...value] : [];
}

/** A field of a map, which arrives as a flat list, a Map or an object. */
function fieldOf(map: unknown, name: string): unknown {
  if (Array.isArray(map)) {
    for (let i = 0; i + 1 < map.length; i += 2) if (textOf(map[i]) === name) return map[i + 1];
    return undefined;
  }
  if (map instanceof Map) {
    for (const [key, value] of map) if (textOf(key) === name) return value;
    return undefined;
  }
  return typeof map === "object" && map !== null && Object.hasOwn(map, name)
    ? (map as Record<string, unknown>)[name]
    : undefined;
}

function numberOf(map: unknown, name: string): number {
  const value = fieldOf(map, name);
  return typeof value === "number" ? value : 0;
}
