import type { Bytes } from "../../protocol/resp/reply.js";
import { checkText } from "./check-text.js";
import type { Directive } from "./directives.js";
import { parseMemory } from "./parse-memory.js";
import { parseSpecial } from "./parse-special.js";

/** A value as CONFIG GET shows it, or why it is refused, in redis-server's words. */
export type ParsedValue = { readonly value: string } | { readonly error: string };

/** Texts of one number that mean another one to redis-server: `relative` is shown as its older name. */
const SYNONYMS: Readonly<Record<string, string>> = { relative: "yes" };
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** As {@link parseWords}, for a value given as one text, as CONFIG SET does. */
export function parseValue(directive: Directive, text: Bytes, current = directive.fallback): ParsedValue {
  if (directive.several !== true) return parseWords(directive, [text], current);
  return parseWords(directive, text === "" ? [] : text.split(" "), current);
}

/**
 * Checks a directive's value and brings it to the form that CONFIG GET shows. `current` is the value so far, from which
 * client-output-buffer-limit takes the classes that are not named.
 */
export function parseWords(
  directive: Directive,
  words: readonly Bytes[],
  current: Bytes = directive.fallback,
): ParsedValue {
  const { kind } = directive;
  if (directive.several !== true && words.length !== 1) return { error: "wrong number of arguments" };
  const text = words[0] ?? "";
  switch (kind.kind) {
    case "text":
      return checkText(directive.name, text);
    case "bool": {
      const value = text.toLowerCase();
      return value === "yes" || value === "no" ? { value } : { error: "argument must be 'yes' or 'no'" };
    }
    case "choice":
      return parseChoice(directive, kind.choices, words);
    case "integer":
      return parseInteger(directive.name, kind, text);
    case "memory": {
      if (kind.percent === true && /^\d{1,18}%$/.test(text)) {
        return Number.parseInt(text, 10) > -kind.min
          ? { error: `percentage argument must be less or equal to ${-kind.min}` }
          : { value: Number.parseInt(text, 10) === 0 ? "0" : `${Number.parseInt(text, 10)}%` };
      }
      const bytes = parseMemory(text);
      if (bytes === null)
        return { error: `argument must be a memory ${kind.percent === true ? "or percent value" : "value"}` };
      return ranged(bytes, kind.min, kind.max);
    }
    case "special":
      return parseSpecial(directive.name, words, current);
  }
}

function parseChoice(directive: Directive, choices: readonly string[], words: readonly Bytes[]): ParsedValue {
  const chosen = new Set<string>();
  for (const word of words) {
    const choice = choices.find((one) => one === word.toLowerCase());
    if (choice !== undefined) chosen.add(choice);
    else return { error: `argument(s) must be one of the following: ${choices.join(", ")}` };
  }
  if (chosen.size === 0) return { error: `argument(s) must be one of the following: ${choices.join(", ")}` };
  if (directive.several !== true)
    return { value: SYNONYMS[words[0]?.toLowerCase() ?? ""] ?? ([...chosen][0] as string) };
  // The first choice of such a directive is "none of them".
  const none = choices[0] as string;
  chosen.delete(none);
  if (chosen.has("save") && chosen.has("nosave"))
    return { error: "shutdown options SAVE and NOSAVE can't be used simultaneously" };
  return { value: chosen.size === 0 ? none : choices.filter((choice) => chosen.has(choice)).join(" ") };
}

function parseInteger(
  name: string,
  { min, max, octal }: { readonly min: bigint; readonly max: bigint; readonly octal?: boolean },
  text: Bytes,
): ParsedValue {
  if (octal === true) {
    if (!/^[0-7]{0,20}$/.test(text)) return { error: "argument couldn't be parsed as an octal number" };
    const value = BigInt(`0o${text === "" ? "0" : text}`);
    const refused = ranged(value, min, max, 8);
    return "error" in refused ? refused : { value: value.toString(8) };
  }
  const number = /^(?:0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : null;
  if (number === null || number < INT64_MIN || number > INT64_MAX)
    return { error: "argument couldn't be parsed into an integer" };
  const result = ranged(number, min, max);
  // hz is the one that is brought into its range instead of refused.
  if (name === "hz" && "value" in result) return { value: String(Math.min(500, Math.max(1, Number(number)))) };
  return result;
}

function ranged(value: bigint, min: bigint, max: bigint, radix = 10): ParsedValue {
  return value >= min && value <= max
    ? { value: String(value) }
    : { error: `argument must be between ${min.toString(radix)} and ${max.toString(radix)} inclusive` };
}
