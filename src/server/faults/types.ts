/** What every fault returns. */
export interface FaultHandle {
  /** Lifts this fault; what it held back goes on. Safe to call twice. */
  clear(): void;
}

/** What a partition cuts. `Server` is the class of the dev servers. */
export interface PartitionOptions<Server> {
  /**
   * Only the replication links to and from this server, or only ordinary clients. Default: everything. A link that a server
   * of another process makes during a cut of clients is held too: it has not yet been able to say what it is.
   */
  readonly with?: Server | "clients";
  /** Seen from this server: bytes coming `"in"`, going `"out"`, or `"both"` (the default). */
  readonly direction?: "in" | "out" | "both";
}

/** A command as {@link CommandFilter.where} sees it. Strings are UTF-8. */
export interface FaultRequest {
  /** Its name in lower case; a subcommand behind a bar: `config|set`. */
  readonly command: string;
  /** All words, the name included. */
  readonly args: readonly string[];
  /** Those of the words that are keys. */
  readonly keys: readonly string[];
  /** Who sent it. */
  readonly client: FaultClient;
}

/** A client as CLIENT LIST shows it. */
export interface FaultClient {
  readonly id: number;
  /** CLIENT SETNAME; "" = none. */
  readonly name: string;
  /** `host:port` of the peer. */
  readonly address: string;
  /** ACL user. */
  readonly user: string;
}

/** Which commands of clients a fault takes. All conditions must hold; none = every command. */
export interface CommandFilter {
  /** Command names, in any letter case; `config|set` for a subcommand, `config` for all of them. */
  readonly commands?: readonly string[];
  /** The command names one of these keys. */
  readonly keys?: readonly (string | RegExp)[];
  /** The client is this one: what is named must be equal. */
  readonly client?: Partial<FaultClient>;
  /** Asked last; true = take it. */
  readonly where?: (request: FaultRequest) => boolean;
  /** Lets this many commands pass that it would take. Default 0. */
  readonly after?: number;
  /** Lifts itself after this many hits. Default: never. */
  readonly times?: number;
}

/** Which commands `fail()` answers with an error. */
export type FailOptions = CommandFilter;

/** What a fault of commands returns. */
export interface CommandFaultHandle extends FaultHandle {
  /** Commands taken so far. */
  readonly hits: number;
  /** False once it was lifted, by `clear()` or after `times` hits. */
  readonly active: boolean;
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
  fail(error: string | { readonly message: string }, options?: FailOptions): CommandFaultHandle;
  /** Resets the connection instead of answering: before the command runs (the default), or after, so that its outcome is unknown. */
  close(options?: CommandFilter & { readonly when?: "before" | "after" }): CommandFaultHandle;
  /** Runs the command, sends the first `bytes` bytes of its reply (default: half of them) and closes. */
  cutReply(options?: CommandFilter & { readonly bytes?: number }): CommandFaultHandle;
  /** Runs the command and sends its reply `ms` milliseconds later; replies behind it wait too. */
  slow(ms: number, options?: CommandFilter): CommandFaultHandle;
  /** Neither runs nor answers the command; the connection stays. */
  swallow(options?: CommandFilter): CommandFaultHandle;
  /**
   * Closes new connections as they come: at once, or with `message` after an error reply, as maxclients does. Those that
   * exist stay.
   */
  refuseConnections(options?: { readonly message?: string; readonly times?: number }): CommandFaultHandle;
  /** Holds every reply to clients for `ms` milliseconds; commands run at once. */
  delayReplies(ms: number): FaultHandle;
  /**
   * Stands still as with SIGSTOP: connections are accepted, nothing is read or answered, links of replication hang too, and no
   * period of its own passes: it expires no key and gives up no link meanwhile.
   */
  hang(): FaultHandle;
  /** Resets every connection that exists now, replication links included. Holds nothing afterwards. */
  dropConnections(): FaultHandle;
  /** Lifts every fault. */
  clear(): void;
}
