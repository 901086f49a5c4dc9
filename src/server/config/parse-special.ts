import type { Bytes } from "../../protocol/resp/reply.js";
import { parseMemory } from "./parse-memory.js";
import type { ParsedValue } from "./parse-value.js";

const words = (text: Bytes): string[] => text.split(" ").filter((word) => word !== "");
const isCount = (text: string | undefined): boolean => text !== undefined && /^\d+$/.test(text);

/** The directives whose value is a little language of its own. */
export function parseSpecial(name: string, text: Bytes, current: Bytes): ParsedValue {
  switch (name) {
    case "save":
      return parseSave(text);
    case "bind":
      return words(text).length > 16
        ? { error: "Too many bind addresses specified." }
        : { value: words(text).join(" ") };
    case "client-output-buffer-limit":
      return parseBufferLimits(text, current);
    case "notify-keyspace-events":
      return parseEventClasses(text);
    case "oom-score-adj-values": {
      const values = words(text);
      if (values.length !== 3) return { error: "wrong number of arguments" };
      const valid = values.every((value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) <= 2000);
      return valid
        ? { value: values.join(" ") }
        : { error: "Invalid oom-score-adj-values, elements must be between -2000 and 2000." };
    }
    case "latency-tracking-info-percentiles": {
      const values = words(text);
      if (!values.every((value) => /^\d+(\.\d+)?$/.test(value)))
        return { error: "Invalid latency-tracking-info-percentiles parameters" };
      return values.every((value) => Number(value) <= 100)
        ? { value: values.map((value) => String(Number(value))).join(" ") }
        : { error: "latency-tracking-info-percentiles parameters must be between 0.0 and 100.0" };
    }
    case "replicaof": {
      const [host, port, ...rest] = words(text);
      if (text === "" || `${host} ${port}`.toLowerCase() === "no one") return { value: "" };
      if (port === undefined || rest.length > 0) return { error: "wrong number of arguments" };
      return isCount(port) && Number(port) <= 65535 ? { value: `${host} ${port}` } : { error: "Invalid master port" };
    }
    default:
      return { value: text };
  }
}

/** `seconds changes` pairs; an empty text (or `""`) turns saving off. */
function parseSave(text: Bytes): ParsedValue {
  const parts = words(text === '""' ? "" : text);
  const valid =
    parts.length % 2 === 0 && parts.every((part, i) => /^-?\d+$/.test(part) && Number(part) >= (i % 2 === 0 ? 1 : 0));
  return valid ? { value: parts.join(" ") } : { error: "Invalid save parameters" };
}

const LIMIT_CLASSES = ["normal", "slave", "pubsub"];

/** Groups of `class hard soft seconds`; classes that are not named keep what they have. */
function parseBufferLimits(text: Bytes, current: Bytes): ParsedValue {
  const parts = words(text);
  if (parts.length % 4 !== 0) return { error: "Wrong number of arguments in buffer limit configuration." };
  const limits = new Map<string, string>();
  const old = words(current);
  for (let i = 0; i < old.length; i += 4) limits.set(old[i] as string, old.slice(i + 1, i + 4).join(" "));
  for (let i = 0; i < parts.length; i += 4) {
    const given = (parts[i] as string).toLowerCase();
    const name = given === "replica" ? "slave" : given;
    if (!LIMIT_CLASSES.includes(name))
      return { error: "Invalid client class specified in buffer limit configuration." };
    const hard = parseMemory(parts[i + 1] as string);
    const soft = parseMemory(parts[i + 2] as string);
    const seconds = parts[i + 3];
    if (hard === null || soft === null || hard < 0 || soft < 0 || !isCount(seconds)) {
      return { error: "Error in hard, soft or soft_seconds setting in buffer limit configuration." };
    }
    limits.set(name, `${hard} ${soft} ${seconds}`);
  }
  return { value: LIMIT_CLASSES.map((name) => `${name} ${limits.get(name)}`).join(" ") };
}

/** Letters of event classes in the order that CONFIG GET shows; `A` = all of `g$lshzxetd`. */
const ALL_EVENTS = "g$lshzxetd";
const EVENT_ORDER = "g$lshzxetdKEmn";

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
