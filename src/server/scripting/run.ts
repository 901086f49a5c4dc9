import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import { TO_AOF, TO_REPLICAS } from "../dispatch/effects.js";
import type { LuaEnvironment } from "./lua/environment.js";

/** Where a script's writes go: a sum of these. */
export const REPL = { none: 0, aof: TO_AOF, replica: TO_REPLICAS, all: TO_AOF | TO_REPLICAS } as const;

/** One call of EVAL or FCALL, from its first instruction to its reply. */
export interface ScriptRun {
  readonly mode: "eval" | "function";
  /** The script's SHA-1, or the function's name. */
  readonly name: Bytes;
  readonly environment: LuaEnvironment;
  readonly caller: Client;
  /** The command that called it, for FUNCTION STATS. */
  readonly args: readonly Bytes[];
  /** In whose name its commands run: no connection, the caller's user, a database and a protocol of its own. */
  readonly client: Client;
  /** It may not call commands that write: EVAL_RO, or the flag no-writes. */
  readonly readOnly: boolean;
  readonly allowOom: boolean;
  /** On the clock's monotonic time. */
  readonly startMs: number;
  /** Milliseconds since 1970 that count for its keys to expire: time stands still in a script. */
  readonly nowMs: number;
  readonly expiry: "ignore" | "delete" | "hide";
  /** After so many milliseconds it is set aside now and then, so that others hear that the server is busy; 0: never. */
  readonly busyAfterMs: number;
  /** Its commands go to the replicas and the AOF as this says. */
  repl: number;
  /** It has called a command that writes: from here on it can't be refused and not be killed. */
  dirty: boolean;
  /** Questions of the watch since it last could be set aside. */
  stuck: number;
  /** It was set aside at least once: its caller is parked. */
  parked: boolean;
  killed: boolean;
  /** The stack of its latest redis.call, and whether that raises errors. */
  stack: number;
  raises: boolean;
  /** Its latest redis.call waits for another server, and it has been left there. */
  left: boolean;
  /** Answers its caller, who was suspended when it was first left. */
  done: ((finish: () => Reply) => void) | null;
}

/** What others are told while a script is set aside. */
export const BUSY_TEXT = {
  eval: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  function: "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
} as const;
