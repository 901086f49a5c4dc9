/**
 * Where a command goes: `read` a node chosen by selection · `write` the master · `dedicated` a connection of its own
 * (blocking, subscribing, MONITOR, WATCH, WAIT) · `pinned` the scan home (SCAN family) · `master` the master, though it
 * is no write by its flags (PUBLISH, INFO, EVAL).
 */
export type CommandIntent = "read" | "write" | "dedicated" | "pinned" | "master";

/** Whether {@link keysOf} names every key the call touches: `all`, only some, or none (and there may be some). */
export type KeysKnown = "all" | "partial" | "none";

/** What a call changes: the keys that `keysOf` names, something that cannot be named (raises the floor), or no data. */
export type CommandEffects = "keys" | "unknown" | "none";

/** How the positions of the keys are found; private to the command table. */
export type KeyFinder = (args: readonly unknown[]) => readonly number[];

/** One command (or one form of it) as routing sees it. Shared and immutable: compare by identity. */
export interface CommandSpec {
  /** Lower case; of a subcommand `object|encoding`. */
  readonly name: string;
  readonly intent: CommandIntent;
  /** A read that is not `all` must satisfy the ledger's ceiling. */
  readonly keysKnown: KeysKnown;
  /** A call with `keys` is issued to the ledger with its keys, one with `unknown` as `issueUnknown()`. */
  readonly effects: CommandEffects;
  /** May block its connection; such a call is always `dedicated`. */
  readonly blocking: boolean;
  /** True: the keys are all known and exactly `[args[0]]`. The fast path: no `keysOf` needed. */
  readonly firstKeyOnly: boolean;
  /** False where neither server nor static table knows the command: it is treated as a write of unknown effects. */
  readonly known: boolean;
  /** Where the arguments decide (subcommand, BLOCK, BY, numkeys 0): picks the form. Null for most commands. */
  readonly refine: ((args: readonly unknown[]) => CommandSpec) | null;
  /** See `keysOf()`. */
  readonly findKeys: KeyFinder;
}

/** Positions of the keys in `args` (the arguments behind the command's name). Usually a shared array: do not change it. */
export function keysOf(spec: CommandSpec, args: readonly unknown[]): readonly number[] {
  return spec.findKeys(args);
}
