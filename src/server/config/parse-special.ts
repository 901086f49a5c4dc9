import type { Bytes } from "../../protocol/resp/reply.js";
import { parseMemory } from "./parse-memory.js";
import type { ParsedValue } from "./parse-value.js";

const isCount = (text: string | undefined): boolean => text !== undefined && /^\d{1,18}$/.test(text);

/** A single empty word stands for no word at all. */
const given = (words: readonly Bytes[]): readonly Bytes[] => (words.length === 1 && words[0] === "" ? [] : words);

/** The directives whose value is a little language of its own. */
export function parseSpecial(name: string, words: readonly Bytes[], current: Bytes): ParsedValue {
  switch (name) {
    case "save":
      return parseSave(given(words));
    case "bind":
      return words.length > 16 ? { error: "Too many bind addresses specified." } : { value: given(words).join(" ") };
    case "client-output-buffer-limit":
      return parseBufferLimits(words, current);
    case "notify-keyspace-events":
      return parseEventClasses(words[0] ?? "");
    case "oom-score-adj-values": {
      if (words.length !== 3) return { error: "wrong number of arguments" };
      const valid = words.every((word) => /^-?\d{1,9}$/.test(word) && Math.abs(Number(word)) <= 2000);
      return valid
        ? { value: words.map(Number).join(" ") }
        : { error: "Invalid oom-score-adj-values, elements must be between -2000 and 2000." };
    }
    case "latency-tracking-info-percentiles":
      return parsePercentiles(given(words));
    case "replicaof":
      return parseMaster(words);
    default:
      return { value: words[0] ?? "" };
  }
}

function parsePercentiles(words: readonly Bytes[]): ParsedValue {
  const numbers = words.map((word) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : Number.NaN));
  if (numbers.some(Number.isNaN)) return { error: "Invalid latency-tracking-info-percentiles parameters" };
  if (numbers.some((number) => number < 0 || number > 100))
    return { error: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" };
  return { value: numbers.map((number) => String(Number(number.toFixed(6)))).join(" ") };
}

function parseMaster(words: readonly Bytes[]): ParsedValue {
  const [host, port] = words as readonly [Bytes, Bytes];
  if (words.length !== 2) return { error: "wrong number of arguments" };
  if (host.toLowerCase() === "no" && port.toLowerCase() === "one") return { value: "" };
  return isCount(port) && Number(port) <= 65535
    ? { value: `${host} ${Number(port)}` }
    : { error: "Invalid master port" };
}

/** `seconds changes` pairs; none turns saving off. */
function parseSave(words: readonly Bytes[]): ParsedValue {
  const valid =
    words.length % 2 === 0 &&
    words.every((word, i) => /^\+?\d{1,18}$/.test(word) && Number(word) >= (i % 2 === 0 ? 1 : 0));
  return valid ? { value: words.map(Number).join(" ") } : { error: "Invalid save parameters" };
}

const LIMIT_CLASSES = ["normal", "slave", "pubsub"];

/** Groups of `class hard soft seconds`; classes that are not named keep what they have. */
function parseBufferLimits(parts: readonly Bytes[], current: Bytes): ParsedValue {
  if (parts.length % 4 !== 0) return { error: "Wrong number of arguments in buffer limit configuration." };
  const limits = new Map<string, string>();
  const old = current.split(" ");
  for (let i = 0; i < old.length; i += 4) limits.set(old[i] as string, old.slice(i + 1, i + 4).join(" "));
  for (let i = 0; i < parts.length; i += 4) {
    const word = (parts[i] as string).toLowerCase();
    const name = word === "replica" ? "slave" : word;
    if (!LIMIT_CLASSES.includes(name))
      return { error: "Invalid client class specified in buffer limit configuration." };
    const hard = parseMemory(parts[i + 1] as string);
    const soft = parseMemory(parts[i + 2] as string);
    const seconds = parts[i + 3];
    if (hard === null || soft === null || !isCount(seconds)) {
      return { error: "Error in hard, soft or soft_seconds setting in buffer limit configuration." };
    }
    limits.set(name, `${hard} ${soft} ${seconds}`);
  }
  return { value: LIMIT_CLASSES.map((name) => `${name} ${limits.get(name)}`).join(" ") };
}

/** `A` = all of these. */
const ALL_EVENTS = "g$lshzxetd";
/** Letters of event classes in the order in which they are shown. */
const EVENT_ORDER = `${ALL_EVENTS}nKEm`;

function parseEventClasses(text: Bytes): ParsedValue {
  const classes = new Set<string>();
  for (const letter of text) {
    if (letter === "A") for (const one of ALL_EVENTS) classes.add(one);
    else if (EVENT_ORDER.includes(letter)) classes.add(letter);
    else return { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
  }
  let value = [...EVENT_ORDER].filter((letter) => classes.has(letter)).join("");
  if (value.startsWith(ALL_EVENTS)) value = `A${value.slice(ALL_EVENTS.length)}`;
  return { value };
}

/** notify-keyspace-events as CONFIG GET and CONFIG REWRITE spell it: beside `A` Redis leaves out the `n`, which counts all the same. */
export function shownEventClasses(value: Bytes): Bytes {
  return value.replace(/^An/, "A");
}
