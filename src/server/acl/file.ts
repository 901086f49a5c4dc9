import type { Bytes } from "../../protocol/resp/reply.js";
import { hasSpaces, ruleErrors } from "./rule-error.js";
import { mergeSelectors } from "./rules.js";
import type { User } from "./user.js";

const NOTHING_CHANGED = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/** The users of an aclfile, or all that is wrong with it in one line. Only blank lines and `user` lines may stand in it. */
export function readAclFile(
  file: string,
  text: Bytes,
  create: (name: Bytes) => User,
): { readonly users: Map<Bytes, User> } | { readonly errors: string } {
  const users = new Map<Bytes, User>();
  let errors = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    const at = `${file}:${index + 1}`;
    const [keyword, name, ...words] = line.split(" ");
    if (keyword !== "user" || name === undefined) {
      errors += `${at} should start with user keyword followed by the username. `;
    } else if (hasSpaces(name)) {
      errors += `'${at}: username '${name}' contains invalid characters. `;
    } else if (users.has(name)) {
      errors += `WARNING: Duplicate user '${name}' found on line ${index + 1}. `;
    } else {
      const user = create(name);
      users.set(name, user);
      errors += applyAll(user, words, at);
    }
  }
  return errors === "" ? { users } : { errors: `${errors}${NOTHING_CHANGED}` };
}

/** What is wrong with the rules: every unknown command, of the rest the first only, since it may have caused the others. */
function applyAll(user: User, words: readonly Bytes[], at: string): string {
  const merged = mergeSelectors(words);
  if ("unmatched" in merged) return `${at}: Unmatched parenthesis in selector definition.`;
  let errors = "";
  let told = false;
  for (const rule of merged.rules) {
    const refused = user.apply(rule.trim());
    if (refused === ruleErrors.unknownCommand) {
      errors += `${at}: Error in applying operation '${rule}': ${refused}. `;
    } else if (refused !== null && !told) {
      errors += `${at}: ${refused}. `;
      told = true;
    }
  }
  return errors;
}
