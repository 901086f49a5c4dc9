import type { ServerState } from "./server-state.js";

/**
 * A dev server as it was: data, role, replid, offset, backlog, configuration, and what SAVE had written. It may be restored
 * any number of times; it doesn't change.
 */
export class ServerSnapshot {
  /** @internal */
  constructor(
    /** Null: the server was down. @internal */
    readonly state: ServerState | null,
    /** Its role then. */
    readonly role: "master" | "replica",
  ) {}

  /** Its replication id then; null if it was down. */
  get replid(): string | null {
    return this.state?.stream.history.replid ?? null;
  }

  /** Its offset then; null if it was down. */
  get offset(): number | null {
    return this.state?.stream.history.offset ?? null;
  }
}

/** A topology as it was; see {@link ServerSnapshot}. */
export class TopologySnapshot {
  /** @internal */
  constructor(
    /** One per server, in the order of `topology.servers`. */
    readonly servers: readonly ServerSnapshot[],
    /** Index of the master among them. */
    readonly master: number,
    /** Index of the server that each one follows; -1: none, or a server of no part in the topology. @internal */
    readonly follows: readonly number[],
  ) {}
}
