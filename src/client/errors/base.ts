/** Stable codes of the client's own errors; callers match on these, never on texts. */
export type IoreplicaErrorCode =
  | "IOREPLICA_INVALID_OPTION"
  | "IOREPLICA_INVALID_ARGUMENT"
  | "IOREPLICA_CLIENT_CLOSED"
  | "IOREPLICA_NO_MASTER"
  | "IOREPLICA_NO_ELIGIBLE_REPLICA"
  | "IOREPLICA_QUEUE_FULL"
  | "IOREPLICA_TIMEOUT"
  | "IOREPLICA_ABORTED"
  | "IOREPLICA_UNKNOWN_OUTCOME"
  | "IOREPLICA_NOT_REPLICATED"
  | "IOREPLICA_WRITES_LOST"
  | "IOREPLICA_INVALID_TOKEN"
  | "IOREPLICA_CUT_OFF"
  | "IOREPLICA_CURSOR_LOST"
  | "IOREPLICA_TRANSACTION_CONFLICT"
  | "IOREPLICA_UNKNOWN_NODE"
  | "IOREPLICA_CONNECTION_BOUND"
  | "IOREPLICA_UNSUPPORTED_SERVER"
  | "IOREPLICA_POOL_EXHAUSTED";

/**
 * Whether the command's bytes reached a server: `"no"` = surely not, `"yes"` = a server answered it,
 * `"unknown"` = they were handed to a socket and no reply came; the command may have run.
 */
export type Sent = "no" | "yes" | "unknown";

/** The command an error belongs to. `args` is always empty: the values are the user's and may be secret. */
export interface ErrorCommand {
  readonly name: string;
  readonly args: readonly [];
}

/** Where an error happened, as far as it is known. */
export interface ErrorPlace {
  /** `host:port`, or the path of a unix socket. */
  readonly node?: string | undefined;
  /** Name of the command; its arguments are never given. */
  readonly command?: string | undefined;
  readonly cause?: unknown;
}

/** What a subclass tells {@link IoreplicaError} beside its message. */
export interface ErrorFacts extends ErrorPlace {
  readonly code: IoreplicaErrorCode;
  readonly retriable: boolean;
  readonly sent: Sent;
}

/** Base of every error that is the client's own. A server's error reply is ioredis's `ReplyError` instead. */
export abstract class IoreplicaError extends Error {
  readonly code: IoreplicaErrorCode;
  /** `true`: the same call may be made again, it can't be applied twice and may succeed later. */
  readonly retriable: boolean;
  readonly sent: Sent;
  /** `host:port`, or the path of a unix socket. */
  declare readonly node?: string;
  declare readonly command?: ErrorCommand;

  protected constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.retriable = facts.retriable;
    this.sent = facts.sent;
    if (facts.node !== undefined) this.node = facts.node;
    if (facts.command !== undefined) this.command = errorCommand(facts.command);
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** The `command` of an error: the name, and never a value. */
export function errorCommand(name: string): ErrorCommand {
  return { name: name.toLowerCase(), args: [] };
}

/** `" (SET on 10.0.0.1:6379)"`, or as much of it as is known. */
export function placeSuffix(place: ErrorPlace): string {
  const command = place.command?.toUpperCase();
  if (command && place.node) return ` (${command} on ${place.node})`;
  if (command) return ` (${command})`;
  return place.node ? ` (on ${place.node})` : "";
}
