import { type ErrorPlace, IoreplicaError, placeSuffix, type Sent } from "./base.js";

/** A node and why it could not be used. */
export interface NodeReason {
  readonly node: string;
  readonly reason: string;
}

function list(reasons: readonly NodeReason[]): string {
  return reasons.length === 0 ? "no node is known" : reasons.map(({ node, reason }) => `${node}: ${reason}`).join("; ");
}

/** An option is unknown, of the wrong type, out of its limits, or contradicts another. Nothing was done. */
export class InvalidOptionError extends IoreplicaError {
  /** @param option path of the option, such as `limits.samples`; empty when it concerns several */
  constructor(
    readonly option: string,
    problem: string,
  ) {
    super(option === "" ? problem : `Option "${option}" ${problem}`, {
      code: "IOREPLICA_INVALID_OPTION",
      retriable: false,
      sent: "no",
    });
  }
}

/** An argument of a command or method can't be used. Nothing was sent. */
export class InvalidArgumentError extends IoreplicaError {
  constructor(problem: string, place: ErrorPlace = {}) {
    super(`${problem}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_INVALID_ARGUMENT",
      retriable: false,
      sent: "no",
    });
  }
}

/** The client was closed by `quit()` or `disconnect()`. `sent` is "unknown" for what was in flight then. */
export class ClientClosedError extends IoreplicaError {
  constructor(place: ErrorPlace & { readonly sent?: Sent } = {}) {
    super("Connection is closed.", {
      ...place,
      code: "IOREPLICA_CLIENT_CLOSED",
      retriable: false,
      sent: place.sent ?? "no",
    });
  }
}

/**
 * No master was found in time, or every node refuses this client for a reason that no waiting mends (password,
 * certificate). The message lists every node and why it can't be the master.
 */
export class NoMasterError extends IoreplicaError {
  readonly nodes: readonly NodeReason[];

  /** @param waitedMs how long the call waited, usually `failoverTimeoutMs`; null = it was not worth waiting */
  constructor(waitedMs: number | null, nodes: readonly NodeReason[], place: ErrorPlace = {}) {
    const words =
      waitedMs === null
        ? "No master can be found: every node refuses this client, and waiting would not mend it"
        : `No master was found within ${waitedMs} ms (failoverTimeoutMs)`;
    super(`${words}: ${list(nodes)}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_NO_MASTER",
      retriable: true,
      sent: "no",
    });
    this.nodes = nodes;
  }
}

/** `readFrom: "replica"` and no replica satisfied the consistency and the tolerances in time. */
export class NoEligibleReplicaError extends IoreplicaError {
  readonly nodes: readonly NodeReason[];

  /** @param heldMs how long the read was held back, at most `readHoldMs` */
  constructor(heldMs: number, nodes: readonly NodeReason[], place: ErrorPlace = {}) {
    super(`No replica could serve the read within ${heldMs} ms (readHoldMs): ${list(nodes)}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_NO_ELIGIBLE_REPLICA",
      retriable: true,
      sent: "no",
    });
    this.nodes = nodes;
  }
}

/** A queue is at its limit; the message names the option and its value. */
export class QueueFullError extends IoreplicaError {
  /** @param limit option that bounds the queue, such as `limits.queuedCommands` */
  constructor(
    readonly limit: string,
    readonly bound: number,
    place: ErrorPlace = {},
  ) {
    super(`A queue is full: ${limit} is ${bound}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_QUEUE_FULL",
      retriable: true,
      sent: "no",
    });
  }
}

/** The call's own deadline (`timeoutMs`) passed. */
export class TimeoutError extends IoreplicaError {
  constructor(
    readonly timeoutMs: number,
    place: ErrorPlace & { readonly sent: Sent },
  ) {
    super(`No reply within ${timeoutMs} ms (timeoutMs)${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_TIMEOUT",
      retriable: place.sent === "no",
    });
  }
}

/** The call's `signal` was aborted; `cause` is the signal's reason. */
export class AbortedError extends IoreplicaError {
  constructor(place: ErrorPlace & { readonly sent: Sent }) {
    super(`The call was aborted by its signal${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_ABORTED",
      retriable: place.sent === "no",
    });
  }
}

/** What a failover did to a write: kept, gone, or not to be told. */
export type WriteVerdict = "survived" | "lost" | "unproven";

/** A write was handed to a socket and no reply came: it may have been applied, or may still be. */
export class UnknownOutcomeError extends IoreplicaError {
  /** Known only when a failover told it. */
  declare readonly verdict?: WriteVerdict;

  /** @param why such as "the connection was lost before the reply" */
  constructor(why: string, place: ErrorPlace & { readonly verdict?: WriteVerdict } = {}) {
    super(`It is unknown whether the command was applied: ${why}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_UNKNOWN_OUTCOME",
      retriable: false,
      sent: "unknown",
    });
    if (place.verdict !== undefined) this.verdict = place.verdict;
  }
}

/** A read whose connection was closed by the server at every try; no server will answer it. */
export class CutOffError extends IoreplicaError {
  /** @param times how many connections were lost under it */
  constructor(
    readonly times: number,
    place: ErrorPlace = {},
  ) {
    super(
      `The server closed the connection ${times} times instead of answering; is the reply larger than its client-output-buffer-limit?${placeSuffix(place)}`,
      { ...place, code: "IOREPLICA_CUT_OFF", retriable: false, sent: "unknown" },
    );
  }
}

/** A durable write **is** applied on the master, but fewer replicas than asked confirmed it in time. */
export class NotReplicatedError extends IoreplicaError {
  /** The reply to the write. Not enumerable: it is the user's data. */
  declare readonly reply: unknown;
  readonly acked: number;
  readonly wanted: number;
  /** Known only when a failover told it. */
  declare readonly verdict?: WriteVerdict;

  constructor(
    facts: {
      readonly reply: unknown;
      readonly acked: number;
      readonly wanted: number;
      readonly verdict?: WriteVerdict;
    },
    place: ErrorPlace = {},
  ) {
    super(`The write is applied, but ${facts.acked} of ${facts.wanted} replicas confirmed it${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_NOT_REPLICATED",
      retriable: false,
      sent: "yes",
    });
    Object.defineProperty(this, "reply", { value: facts.reply, enumerable: false });
    this.acked = facts.acked;
    this.wanted = facts.wanted;
    if (facts.verdict !== undefined) this.verdict = facts.verdict;
  }
}

/** A range of one history that a failover took; offsets are bytes of replication stream. */
export interface LostRange {
  readonly replid: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  /** False: what lies there may have survived, nobody can say. */
  readonly proven: boolean;
}

/** A failover took writes that this session had made or read. Thrown once; then the session goes on from the fork. */
export class WritesLostError extends IoreplicaError {
  readonly lost: readonly LostRange[];

  constructor(lost: readonly LostRange[], place: ErrorPlace = {}) {
    const ranges = lost.map((range) => `${range.replid} ${range.fromOffset}..${range.toOffset}`).join(", ");
    super(`A failover took writes that this session had seen: ${ranges}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_WRITES_LOST",
      retriable: true,
      sent: "no",
    });
    this.lost = lost;
  }
}

/** A session token that is garbled, cut, or of an unknown version. The token itself is not repeated. */
export class InvalidTokenError extends IoreplicaError {
  constructor(problem: string) {
    super(`The session token ${problem}`, { code: "IOREPLICA_INVALID_TOKEN", retriable: false, sent: "no" });
  }
}

/** The node that issued a SCAN cursor is gone; cursors mean nothing elsewhere. Start again at 0. */
export class CursorLostError extends IoreplicaError {
  constructor(place: ErrorPlace = {}) {
    super(`The node that issued this cursor is gone; start again with cursor 0${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_CURSOR_LOST",
      retriable: false,
      sent: "no",
    });
  }
}

/** `transaction()` met a changed WATCHed key at every try. Nothing of it is applied. */
export class TransactionConflictError extends IoreplicaError {
  constructor(
    readonly tries: number,
    place: ErrorPlace = {},
  ) {
    super(`A watched key was changed by others in each of ${tries} tries${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_TRANSACTION_CONFLICT",
      retriable: true,
      sent: "yes",
    });
  }
}

/** `node(id)` names a server the client doesn't know. */
export class UnknownNodeError extends IoreplicaError {
  constructor(node: string, known: readonly string[]) {
    super(`Unknown node ${node}; known are ${known.length === 0 ? "none" : known.join(", ")}`, {
      node,
      code: "IOREPLICA_UNKNOWN_NODE",
      retriable: false,
      sent: "no",
    });
  }
}

/** A connection lent by `withConnection()`, `transaction()` or WATCH is over, or was lost; it never moves silently. */
export class ConnectionBoundError extends IoreplicaError {
  constructor(problem: string, place: ErrorPlace & { readonly sent?: Sent; readonly retriable?: boolean } = {}) {
    super(`${problem}${placeSuffix(place)}`, {
      ...place,
      code: "IOREPLICA_CONNECTION_BOUND",
      retriable: place.retriable ?? false,
      sent: place.sent ?? "no",
    });
  }
}

/** A node that is no plain Redis server; the message names the class or option that fits it. */
export class UnsupportedServerError extends IoreplicaError {
  constructor(
    readonly mode: "cluster" | "sentinel",
    node: string,
  ) {
    super(
      mode === "cluster"
        ? `${node} runs in cluster mode; use the Cluster class of ioredis`
        : `${node} is a Sentinel; give it as { sentinels: [{ host, port }], name: "<master name>" }`,
      { node, code: "IOREPLICA_UNSUPPORTED_SERVER", retriable: false, sent: "no" },
    );
  }
}

/** All dedicated connections are busy and none became free within `pool.acquireTimeoutMs`. */
export class PoolExhaustedError extends IoreplicaError {
  constructor(
    readonly max: number,
    readonly acquireTimeoutMs: number,
    place: ErrorPlace = {},
  ) {
    super(
      `No dedicated connection became free within ${acquireTimeoutMs} ms (pool.acquireTimeoutMs); pool.max is ${max}${placeSuffix(place)}`,
      { ...place, code: "IOREPLICA_POOL_EXHAUSTED", retriable: true, sent: "no" },
    );
  }
}
