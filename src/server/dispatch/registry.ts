import type { CommandSpec } from "../../protocol/command-table/types.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "./context.js";
import type { LatencyHistogram } from "./latency-histogram.js";

/**
 * Runs one command: check, parse, run, return a reply. `args[0]` is the name as the client typed it (for a
 * subcommand `args[1]` too). Arity is already checked. Errors are returned as ErrorReply or thrown with `fail()`.
 */
export type CommandHandler = (ctx: CommandContext, args: readonly Bytes[]) => Reply;

/**
 * The registration list of a group: lower-case name → handler; a subcommand is named `parent|sub`.
 * Arity, flags and key positions come from the command table. A parent of subcommands needs no handler of its own.
 */
export type CommandGroup = Readonly<Record<string, CommandHandler>>;

/** A command that this server has. */
export interface Command {
  /** Lower-case full name, `parent|sub` for a subcommand. */
  readonly name: string;
  readonly spec: CommandSpec;
  /** null for a parent that has only subcommands. */
  readonly handler: CommandHandler | null;
  readonly subcommands: ReadonlyMap<string, Command> | null;
  readonly isWrite: boolean;
  /** Flags as bits for the hot path; see `flags.ts`. */
  readonly flagBits: number;
  calls: number;
  /** Microseconds spent in it. */
  usec: number;
  /** Null until it has run with latency-tracking on. */
  latency: LatencyHistogram | null;
  rejectedCalls: number;
  failedCalls: number;
}
