import { InvalidOptionError } from "../errors/kinds.js";
import type { NodeTags } from "../types.js";
import { requireObject, showType, showValue } from "./check.js";

const LONGEST = 256;

/** A name that people gave to a place or a thing: a text that isn't empty. */
export function checkLabel(path: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= LONGEST) return value;
  const shown = typeof value === "string" ? showValue(value) : showType(value);
  throw new InvalidOptionError(path, `must be a text of 1 to ${LONGEST} characters; got ${shown}`);
}

/** A tag set: names with texts. */
export function checkTags(path: string, value: unknown): NodeTags {
  const tags: Record<string, string> = {};
  for (const [name, text] of Object.entries(requireObject(path, value))) {
    if (name === "__proto__") throw new InvalidOptionError(path, "must not have a tag of the name __proto__");
    tags[name] = checkLabel(`${path}.${name}`, text);
  }
  return Object.freeze(tags);
}
