/** What every fault returns. */
export interface FaultHandle {
  /** Lifts this fault; what it held back goes on. Safe to call twice. */
  clear(): void;
}

/** What a partition cuts. `Server` is the class of the dev servers. */
export interface PartitionOptions<Server> {
  /** Only the replication links to and from this server, or only ordinary clients. Default: everything. */
  readonly with?: Server | "clients";
  /** Seen from this server: bytes coming `"in"`, going `"out"`, or `"both"` (the default). */
  readonly direction?: "in" | "out" | "both";
}

/** Which commands `fail()` answers with an error. */
export interface FailOptions {
  /** Command names, in any letter case. Default: every command. */
  readonly commands?: readonly string[];
  /** Lifts itself after this many failures. Default: never. */
  readonly times?: number;
}

/** Faults of one server. Each returns a handle whose `clear()` lifts it; several may hold at once. */
export interface ServerFaults<Server> {
  /** A replica applies each piece of the stream `ms` milliseconds after it came; offset and ACK follow what is applied. */
  lag(ms: number): FaultHandle;
  /** A replica stops applying the stream and keeps serving what it has; its link stays up. */
  freeze(): FaultHandle;
  /** Cuts without closing a socket: both sides hear nothing, as with a pulled cable. Healing delivers what was held. */
  partition(options?: PartitionOptions<Server>): FaultHandle;
  /** Answers commands of clients with an error instead of running them. A bare code gets the text real Redis sends with it. */
  fail(error: string | { readonly message: string }, options?: FailOptions): FaultHandle;
  /** Holds every reply to clients for `ms` milliseconds; commands run at once. */
  delayReplies(ms: number): FaultHandle;
  /** Stops reading requests: connections are accepted and nothing is answered, as with SIGSTOP. Links of replication hang too. */
  hang(): FaultHandle;
  /** Resets every connection that exists now, replication links included. Holds nothing afterwards. */
  dropConnections(): FaultHandle;
  /** Lifts every fault. */
  clear(): void;
}
