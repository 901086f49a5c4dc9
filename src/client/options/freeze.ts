import { inspect } from "node:util";
import { isPlainObject } from "./check.js";

const SECRET_NAMES = new Set([
  "password",
  "sentinelPassword",
  "passphrase",
  "key",
  "pfx",
  "pskCallback",
  "ticketKeys",
  "session",
]);
const MASK = "***";

/**
 * Copies plain objects and arrays all the way down and freezes the copies; anything else (Buffers, functions,
 * signals, secure contexts) is the application's and stays what it is.
 */
export function frozenCopy<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map((item: unknown) => frozenCopy(item))) as T;
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) copy[name] = frozenCopy(item);
  return Object.freeze(guarded(copy)) as T;
}

/** A copy in which secrets are masked and functions and instances are named by their type: safe to print and for JSON. */
export function redacted(value: unknown, name = ""): unknown {
  if (value === undefined || value === null) return value;
  if (SECRET_NAMES.has(name)) return MASK;
  if (Array.isArray(value)) return value.map((item: unknown) => redacted(item));
  if (isPlainObject(value)) {
    const copy: Record<string, unknown> = {};
    for (const [field, item] of Object.entries(value)) copy[field] = redacted(item, field);
    return copy;
  }
  if (typeof value === "function") return "[function]";
  if (typeof value === "object") return `[${value.constructor?.name ?? "object"}]`;
  return value;
}

/** Makes `util.inspect` and `JSON.stringify` of an object show {@link redacted} instead. */
export function guarded<T extends object>(target: T): T {
  const show = (): unknown => redacted({ ...target });
  Object.defineProperty(target, inspect.custom, { value: show, enumerable: false });
  Object.defineProperty(target, "toJSON", { value: show, enumerable: false });
  return target;
}
