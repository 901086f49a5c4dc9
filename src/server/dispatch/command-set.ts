import { commandTable } from "../../protocol/command-table/table.js";
import type { CommandSpec } from "../../protocol/command-table/types.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { Flag, flagBits } from "./flags.js";
import type { Command, CommandGroup, CommandHandler } from "./registry.js";

/** The commands that a server has, by name in any letter case. */
export class CommandSet {
  readonly #commands = new Map<string, Command>();
  /** Every spelling seen so far that names a command; bounded, since a client could try them all. */
  readonly #spellings = new Map<string, Command>();

  /**
   * @param more what the command table doesn't have
   * @throws Error if a group names a command that neither has
   */
  constructor(groups: readonly CommandGroup[], more: readonly CommandSpec[] = []) {
    const handlers = new Map<string, CommandHandler>();
    for (const group of groups) {
      for (const [name, handler] of Object.entries(group)) {
        if (handlers.has(name)) throw new Error(`command '${name}' is registered twice`);
        handlers.set(name, handler);
      }
    }
    for (const spec of [...commandTable.values(), ...more]) {
      const command = build(spec, handlers);
      if (command !== null) this.#commands.set(spec.name, command);
    }
    for (const name of handlers.keys()) throw new Error(`command '${name}' is not in the command table`);
  }

  /** All commands, in the table's order, subcommands inside their parents. */
  all(): IterableIterator<Command> {
    return this.#commands.values();
  }

  get size(): number {
    return this.#commands.size;
  }

  /** A command without regard to subcommands. */
  find(name: Bytes): Command | undefined {
    const known = this.#spellings.get(name);
    if (known !== undefined) return known;
    const command = this.#commands.get(name.toLowerCase());
    if (command !== undefined && this.#spellings.size < 4096) this.#spellings.set(name, command);
    return command;
  }

  /** The command that these arguments call: of a parent with subcommands the subcommand; undefined if there is none. */
  resolve(args: readonly Bytes[]): Command | undefined {
    const command = this.find(args[0] as Bytes);
    if (command?.subcommands == null || args.length === 1) return command;
    return command.subcommands.get((args[1] as Bytes).toLowerCase());
  }

  /**
   * What the command table says of a call, whether or not this server has the command; undefined for what Redis doesn't
   * have either.
   */
  specOf(args: readonly Bytes[]): CommandSpec | undefined {
    const spec = this.find(args[0] as Bytes)?.spec ?? commandTable.get((args[0] as Bytes).toLowerCase());
    if (spec === undefined || spec.subcommands.length === 0 || args.length === 1) return spec;
    const name = `${spec.name}|${(args[1] as Bytes).toLowerCase()}`;
    return spec.subcommands.find((sub) => sub.name === name);
  }

  /** A command by full name, `parent|sub` included, as COMMAND INFO and CLIENT LIST spell it. */
  byFullName(name: Bytes): Command | undefined {
    const [parent = "", sub, ...rest] = name.toLowerCase().split("|");
    if (rest.length > 0) return undefined;
    const command = this.#commands.get(parent);
    return sub === undefined ? command : command?.subcommands?.get(sub);
  }

  /** Sets the counters of all commands to zero. */
  resetStats(): void {
    for (const command of this.#commands.values()) {
      for (const one of [command, ...(command.subcommands?.values() ?? [])]) {
        one.calls = one.usec = one.rejectedCalls = one.failedCalls = 0;
        one.latency = null;
      }
    }
  }

  /** Renames a command (rename-command); an empty name removes it. False if there is no such command or the name is taken. */
  rename(from: Bytes, to: Bytes): boolean {
    const command = this.#commands.get(from.toLowerCase());
    const target = to.toLowerCase();
    if (command === undefined || (to !== "" && this.#commands.has(target))) return false;
    this.#commands.delete(from.toLowerCase());
    this.#spellings.clear();
    if (to !== "") this.#commands.set(target, command);
    return true;
  }
}

/** The command with those of its subcommands that have handlers; null if nothing of it is there. Takes its handlers out. */
function build(spec: CommandSpec, handlers: Map<string, CommandHandler>): Command | null {
  const handler = handlers.get(spec.name) ?? null;
  handlers.delete(spec.name);
  let subcommands: Map<string, Command> | null = null;
  for (const sub of spec.subcommands) {
    const command = build(sub, handlers);
    if (command === null) continue;
    subcommands ??= new Map();
    subcommands.set(sub.name.slice(sub.name.indexOf("|") + 1), command);
  }
  if (handler === null && subcommands === null) return null;
  const bits = flagBits(spec.name, spec.flags);
  const isWrite = (bits & Flag.write) !== 0;
  return {
    name: spec.name,
    spec,
    handler,
    subcommands,
    isWrite,
    flagBits: bits,
    calls: 0,
    usec: 0,
    latency: null,
    rejectedCalls: 0,
    failedCalls: 0,
  };
}
