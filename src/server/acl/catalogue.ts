import { commandTable } from "../../protocol/command-table/table.js";
import type { CommandSpec } from "../../protocol/command-table/types.js";

/** A command as access rules see it: by its original name, whatever it was renamed to, whether this server has it or not. */
export interface AclCommand {
  /** Its place in the bits of a selector. */
  readonly id: number;
  /** Lower case; a subcommand is `parent|sub`. */
  readonly name: string;
  /** Without the `@`. */
  readonly categories: ReadonlySet<string>;
  readonly parent: AclCommand | null;
  readonly subcommands: readonly AclCommand[];
}

/** The categories in the order in which ACL CAT lists them. */
export const CATEGORIES: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

const byName = new Map<string, AclCommand>();

function enter(spec: CommandSpec, parent: AclCommand | null): AclCommand {
  const subcommands: AclCommand[] = [];
  const categories = new Set(spec.categories.map((category) => category.slice(1)));
  const command: AclCommand = { id: byName.size, name: spec.name, categories, parent, subcommands };
  byName.set(spec.name, command);
  for (const sub of spec.subcommands) subcommands.push(enter(sub, command));
  return command;
}

/** Top-level commands, subcommands inside them. */
export const catalogue: readonly AclCommand[] = [...commandTable.values()].map((spec) => enter(spec, null));

/** Commands and subcommands together: one bit each. */
export const COMMAND_COUNT = byName.size;

/** A command by its full name, `parent|sub` for a subcommand, in any letter case. */
export function findAclCommand(name: string): AclCommand | undefined {
  return byName.get(name.toLowerCase());
}

/** Every command and subcommand, parents first. */
export function everyCommand(): Iterable<AclCommand> {
  return byName.values();
}
