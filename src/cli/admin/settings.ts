import type { AdminConnection } from "./connection.js";
import { AdminReplyError } from "./connection.js";
import { fieldPairs } from "./survey.js";

/** Directives whose values are secrets: only whether they are set leaves the connection. */
const SECRETS = new Set(["masterauth", "requirepass"]);

/** What stands in place of a secret's value. */
const SET = "(set)";

/** A node's directives by name; null when it doesn't tell them (CONFIG renamed, or not permitted). */
export type Settings = ReadonlyMap<string, string> | null;

/** Asks for directives by their names; those that a server doesn't know are missing in the answer. */
export async function readSettings(connection: AdminConnection, names: readonly string[]): Promise<Settings> {
  // One name per question: versions before 7.0 take one only.
  const answers = await Promise.all(names.map((name) => connection.ask("CONFIG", "GET", name)));
  const settings = new Map<string, string>();
  for (const answer of answers) {
    if (answer instanceof AdminReplyError) return null;
    for (const [name, value] of fieldPairs(answer))
      settings.set(name, SECRETS.has(name) ? (value === "" ? "" : SET) : value);
  }
  return settings;
}
