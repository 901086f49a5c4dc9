import type { Bytes, ErrorReply } from "../../protocol/resp/reply.js";
import type { Client } from "./client.js";

/** What the core asks of replication. Assigned to `ServerCore.replication` before it listens. */
export interface ReplicationHooks {
  readonly role: "master" | "replica";
  /** False while nobody needs the stream (no backlog, no replica): the core then skips `feed`. */
  readonly feeding: boolean;
  /**
   * The stream's next command. `db` is the database that it refers to (a SELECT may have to go before); -1 = any
   * (EXEC): no SELECT. Never called for what the master link brought: a replica hands on its master's bytes.
   */
  feed(db: number, argv: readonly Bytes[], targets?: number): void;
  /**
   * Refusals in Redis's order: NOREPLICAS, READONLY, MASTERDOWN (LOADING is `loading` below); null = go on. `bits` are
   * the command's flags (`Flag` in flags.ts); for EXEC `write` if anything queued writes, `stale` if all of it has it.
   * Not asked for the master's commands.
   */
  refusal(client: Client, bits: number): ErrorReply | null;
  /** True while a dataset is loaded: commands without the `loading` flag get -LOADING. */
  readonly loading: boolean;
  /** `name:value` lines of INFO's sections, without the header. */
  infoReplication(): readonly string[];
  infoPersistence(): readonly string[];
  /** For INFO stats. */
  readonly syncFull: number;
  readonly syncPartialOk: number;
  readonly syncPartialErr: number;
  /** CONFIG RESETSTAT: the counters above begin anew. */
  resetStats(): void;
  /** Replicas that are attached, for INFO and CLIENT LIST. */
  readonly connectedReplicas: number;
  /** Bytes of the replication stream so far; noted for each client after its commands, as what WAIT refers to. */
  readonly offset: number;
  /** Bytes that the backlog holds. */
  readonly backlogBytes: number;
  /** CLIENT KILL of the master link: it is closed and made anew. */
  dropMaster(): void;
  /** DEBUG CHANGE-REPL-ID: a history of its own begins, so that nobody can resume. */
  changeReplId(): void;
  /** The server stands still (DEBUG SLEEP), or goes on: nothing is read from the master meanwhile, no period passes. */
  standStill(on: boolean): void;
  /** A client (a replica's link, a blocked WAIT …) is gone. */
  clientClosed(client: Client): void;
  /** CONFIG SET has changed these directives (`replica-priority`, `repl-backlog-size`, …). */
  configChanged(names: readonly string[]): void;
  /** The server stops listening; called once, before the connections are closed. `save` is SHUTDOWN's or the save points'. */
  shutdown(save: boolean): Promise<void> | void;
}

/** What is to become of a command, by an injected fault. */
export type Fault =
  | { readonly kind: "error"; readonly reply: ErrorReply }
  /** Neither executed nor answered; the connection stays. */
  | { readonly kind: "swallow" }
  /** Resets the connection, before or after executing. */
  | { readonly kind: "close"; readonly when: "before" | "after" }
  /** Executed; only so many bytes of the reply are sent (null: half of them), then the connection is closed. */
  | { readonly kind: "cutReply"; readonly bytes: number | null }
  /** Executed; its reply, and what stands behind it, waits so many milliseconds. */
  | { readonly kind: "slow"; readonly ms: number };

/** Injected faults. Assigned to `ServerCore.faults`; null costs nothing. */
export interface FaultHooks {
  /** Asked before each command of a client (not of the master link). */
  beforeCommand(client: Client, name: string, args: readonly Bytes[]): Fault | null;
  /** A connection comes: null lets it in, a text (raw bytes, may be empty) is sent before it is closed. */
  refuses(): string | null;
  /** A connection was accepted: here `client.connection` may be held or delayed from its first byte. */
  clientOpened(client: Client): void;
}
