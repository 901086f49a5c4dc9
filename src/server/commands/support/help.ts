import { commandTable } from "../../../protocol/command-table/table.js";
import type { Reply } from "../../../protocol/resp/reply.js";
import { SimpleString } from "../../../protocol/resp/reply.js";

/** The answer of `<parent> HELP`: the subcommands with the number of their arguments, from the command table. */
export function helpText(parent: string): Reply {
  const lines = [`${parent.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const { name, arity } of commandTable.get(parent)?.subcommands ?? []) {
    const word = name.slice(parent.length + 1).toUpperCase();
    const wanted = Math.abs(arity) - 2;
    lines.push(arity < 0 ? `${word} (${wanted} or more arguments)` : `${word} (${wanted} arguments)`);
  }
  return lines.map((line) => new SimpleString(line));
}
