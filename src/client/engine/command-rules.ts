import type { IssuedCommand } from "../connection/lean-command.js";
import { InvalidArgumentError } from "../errors.js";
import type { CommandSpec } from "../routing/command-table.js";

/** Commands that would change the state of a connection which all callers share. */
const REFUSED = new Map<string, string>([
  ["auth", "give username and password in redisOptions, or credentials"],
  ["hello", "give protocol, username and password in redisOptions"],
  ["reset", "the connections are shared and kept clean"],
  ["client|reply", "replies can't be switched off on shared connections"],
  ["psync", "it makes a replica of the connection"],
  ["sync", "it makes a replica of the connection"],
]);

/** Why a command can't be used on connections that all share; null = it can. */
export function sharedRefusal({ name }: IssuedCommand, spec: CommandSpec): Error | null {
  const reason = REFUSED.get(spec.name);
  if (reason === undefined) return null;
  const shown = spec.name.replace("|", " ").toUpperCase();
  return new InvalidArgumentError(`${shown} can't be used on a ReplicatedClient: ${reason}`, { command: name });
}

/** Commands that would make something else of a connection that is given back to a pool. */
const NOT_ON_LENT = new Map<string, string>([
  ["hello", "the protocol is chosen in redisOptions"],
  ["reset", "the connection is cleaned when the function has ended"],
  ["quit", "the connection is given back when the function has ended"],
  ["client|reply", "without replies nothing could be told of it"],
  ["monitor", "use monitor(), which has a connection of its own"],
  ["psync", "it makes a replica of the connection"],
  ["sync", "it makes a replica of the connection"],
]);

/** Why a command can't be used on a connection that was lent; null = it can. */
export function lentRefusal({ name }: IssuedCommand, spec: CommandSpec): Error | null {
  const reason = NOT_ON_LENT.get(spec.name);
  if (reason === undefined) return null;
  const shown = spec.name.replace("|", " ").toUpperCase();
  return new InvalidArgumentError(`${shown} can't be used on a lent connection: ${reason}`, { command: name });
}

export function isSelect({ name }: IssuedCommand): boolean {
  return name.length === 6 && name.toLowerCase() === "select";
}

export function isDatabase(db: number): boolean {
  return Number.isInteger(db) && db >= 0;
}

export function selectInMulti(command: string): Error {
  return new InvalidArgumentError(
    "SELECT can't stand inside MULTI: call select() before it, or use duplicate({ db })",
    { command },
  );
}

/** Whether a MULTI among these commands waits for its EXEC at their end. */
export function leavesMultiOpen(commands: readonly IssuedCommand[]): boolean {
  return commands.reduce(
    (open, { name }) => (/^multi$/i.test(name) ? true : !/^(?:exec|discard)$/i.test(name) && open),
    false,
  );
}
