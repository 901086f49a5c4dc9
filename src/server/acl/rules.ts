import type { Bytes } from "../../protocol/resp/reply.js";
import { ruleErrors } from "./rule-error.js";
import { User } from "./user.js";

/** The rules with selectors that were written as several words put together; or the word whose bracket is never closed. */
export function mergeSelectors(words: readonly Bytes[]): { readonly rules: Bytes[] } | { readonly unmatched: Bytes } {
  const rules: Bytes[] = [];
  let open: { readonly first: Bytes; readonly words: Bytes[] } | null = null;
  for (const word of words) {
    if (word.startsWith("(") && !word.endsWith(")")) open = { first: word, words: [word] };
    else if (open === null) rules.push(word);
    else {
      open.words.push(word);
      if (!word.endsWith(")")) continue;
      rules.push(open.words.join(" "));
      open = null;
    }
  }
  return open === null ? { rules } : { unmatched: open.first };
}

/** A `user` line of redis.conf, checked as far as it can be: the name and its rules. */
export interface UserLine {
  readonly name: Bytes;
  readonly rules: readonly Bytes[];
}

/** Reads the words behind `user`. @returns the line, or Redis's words for what is wrong */
export function parseUserLine(
  words: readonly Bytes[],
  known: readonly UserLine[],
): UserLine | { readonly error: string } {
  const [name = "", ...rest] = words;
  const wrong = (word: Bytes, reason: string): { readonly error: string } => ({
    // A password must not show up in what is printed.
    error: `Error in user declaration '${/^[<>#!]/.test(word) ? word.slice(0, 1) : word}': ${reason}`,
  });
  if (known.some((line) => line.name === name)) return wrong(name, ruleErrors.duplicateUser);
  const merged = mergeSelectors(rest);
  if ("unmatched" in merged) return wrong(merged.unmatched, ruleErrors.syntax);
  const trial = new User(name, () => false);
  for (const rule of merged.rules) {
    const refused = trial.apply(rule);
    if (refused !== null && refused !== ruleErrors.unknownCommand) return wrong(rule, refused);
  }
  return { name, rules: merged.rules };
}
