import { InvalidOptionError } from "../errors/kinds.js";
import { nearestName } from "./nearest.js";
import type { BooleanSpec, ChoiceSpec, GroupSpec, IntegerSpec } from "./table.js";

/** A value as an error message may show it: short, and for what could hold a secret its type only. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean")
    return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return showType(value);
}

/** The type alone, for what must not be shown. */
export function showType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

/** Whether it is an object in braces, and not an array, a Buffer or an instance of some class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An object whose keys are read; class instances pass, since applications wrap their settings so. */
export function requireObject(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(path, `must be an object; got ${showType(value)}`);
  }
  return value as Record<string, unknown>;
}

/** Refuses a key that isn't known, and names the nearest that is. */
export function refuseUnknown(owner: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const path = owner === "" ? key : `${owner}.${key}`;
    throw new InvalidOptionError(path, `is unknown; did you mean "${nearestName(key, known)}"?`);
  }
}

const UNITS = { ms: " milliseconds", bytes: " bytes" } as const;

/** A whole number within the limits of `spec`, or its default if `value` is undefined. */
export function checkInteger(path: string, spec: IntegerSpec, value: unknown): number | null {
  if (value === undefined) return spec.default;
  if (typeof value === "number" && Number.isInteger(value) && value >= spec.min && value <= spec.max) return value;
  const unit = spec.unit ? UNITS[spec.unit] : "";
  throw new InvalidOptionError(
    path,
    `must be an integer from ${spec.min} to ${spec.max}${unit}; got ${showValue(value)}`,
  );
}

export function checkBoolean(path: string, spec: BooleanSpec, value: unknown): boolean {
  if (value === undefined) return spec.default;
  if (typeof value === "boolean") return value;
  throw new InvalidOptionError(path, `must be true or false; got ${showValue(value)}`);
}

/** One of the words of `spec`, or a function where it takes one. */
export function checkChoice<T>(path: string, spec: ChoiceSpec, value: unknown): T {
  if (value === undefined) return spec.default as T;
  if (typeof value === "string" && spec.choices.includes(value)) return value as T;
  if (spec.orFunction !== undefined && typeof value === "function") return value as T;
  const words = spec.choices.map((choice) => `"${choice}"`).join(", ");
  const near = typeof value === "string" ? `; did you mean "${nearestName(value, spec.choices)}"?` : "";
  throw new InvalidOptionError(
    path,
    `must be one of ${words}${spec.orFunction === undefined ? "" : `, or a function ${spec.orFunction}`}; got ${showValue(value)}${near}`,
  );
}

/** An object of numbers with every field filled in. */
export function checkGroup<Name extends string>(path: string, spec: GroupSpec, value: unknown): Record<Name, number> {
  const given = value === undefined ? {} : requireObject(path, value);
  refuseUnknown(path, given, Object.keys(spec.fields));
  const result: Record<string, number> = {};
  for (const [name, field] of Object.entries(spec.fields)) {
    result[name] = checkInteger(`${path}.${name}`, field, given[name]) ?? 0;
  }
  return result as Record<Name, number>;
}

/** A string that isn't empty, or undefined. The value is never shown. */
export function checkSecret(path: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw new InvalidOptionError(path, `must be a string; got ${showType(value)}`);
}

/** A TCP port. */
export function checkPort(path: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new InvalidOptionError(path, `must be a port from 1 to 65535; got ${showValue(value)}`);
}
