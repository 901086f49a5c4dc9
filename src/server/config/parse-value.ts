import type { Bytes } from "../../protocol/resp/reply.js";
import type { Directive } from "./directives.js";
import { parseMemory } from "./parse-memory.js";
import { parseSpecial } from "./parse-special.js";

/** A value as CONFIG GET shows it, or why it is refused, in redis-server's words. */
export type ParsedValue = { readonly value: string } | { readonly error: string };

/**
 * Checks a directive's value and brings it to the form that CONFIG GET shows. `current` is the value so far, from which
 * client-output-buffer-limit takes the classes that are not named.
 */
export function parseValue(directive: Directive, text: Bytes, current = directive.fallback): ParsedValue {
  const { kind } = directive;
  switch (kind.kind) {
    case "text":
      return { value: text };
    case "bool": {
      const value = text.toLowerCase();
      return value === "yes" || value === "no" ? { value } : { error: "argument must be 'yes' or 'no'" };
    }
    case "choice": {
      const words = kind.several === true ? text.split(" ") : [text];
      const value = words.map((word) => kind.choices.find((choice) => choice === word.toLowerCase()));
      return value.includes(undefined)
        ? { error: `argument(s) must be one of the following: ${kind.choices.join(", ")}` }
        : { value: value.join(" ") };
    }
    case "integer": {
      if (kind.octal === true) {
        if (!/^[0-7]+$/.test(text)) return { error: "argument couldn't be parsed as an octal number" };
        return ranged(Number.parseInt(text, 8), kind.min, kind.max, text);
      }
      if (!/^-?(0|[1-9]\d*)$/.test(text) || text === "-0")
        return { error: "argument couldn't be parsed into an integer" };
      // hz is the one that is brought into its range instead of refused.
      if (directive.name === "hz") return { value: String(Math.min(500, Math.max(1, Number(text)))) };
      return ranged(Number(text), kind.min, kind.max, text);
    }
    case "memory": {
      if (kind.min < 0 && /^\d+%$/.test(text)) return { value: text };
      const bytes = parseMemory(text);
      if (bytes === null || bytes < 0) return { error: "argument must be a memory value" };
      return ranged(bytes, kind.min, kind.max, String(bytes));
    }
    case "special":
      return parseSpecial(directive.name, text, current);
  }
}

function ranged(value: number, min: number, max: number, text: string): ParsedValue {
  return value >= min && value <= max
    ? { value: text }
    : { error: `argument must be between ${min} and ${max} inclusive` };
}
