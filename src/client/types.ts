/** What a read may return; the levels are described in docs/consistency.md. */
export type Consistency = "eventual" | "session" | "strong";

/** Which nodes serve reads, and in which order they are preferred. A function is synchronous: order = preference, `[]` = none. */
export type ReadFrom =
  | "master"
  | "masterPreferred"
  | "replica"
  | "replicaPreferred"
  | "nearest"
  | ((nodes: readonly NodeDescription[], context: ReadContext) => readonly NodeDescription[]);

/** What a `readFrom` function is told of the read. */
export interface ReadContext {
  readonly command: string;
  readonly keys: readonly (string | Buffer)[];
  readonly consistency: Consistency;
  /** Milliseconds. */
  readonly maxStalenessMs?: number;
}

/** What the application says of a node, by names of its own. */
export type NodeTags = Readonly<Record<string, string>>;

/** How a node is, as the last poll and the connection to it tell. */
export type NodeHealth = "up" | "connecting" | "loading" | "syncing" | "linkDown" | "down";

/** Whether a replica is left alone because reads failed there: `open` it rests, `halfOpen` it serves one read at a time. */
export type CircuitState = "closed" | "open" | "halfOpen";

/** One server as the client sees it at one moment; never changes. */
export interface NodeDescription {
  /** `host:port` (or the path of a unix socket): the first address it was known by. */
  readonly id: string;
  /** Other addresses that turned out to be the same server (equal run_id). */
  readonly aliases: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly role: "master" | "replica" | "unknown";
  readonly health: NodeHealth;
  readonly circuit: CircuitState;
  /** Why it is not `up`, or why its circuit is not closed, in words. */
  readonly reason?: string;
  readonly runId: string | null;
  readonly replid: string | null;
  /** Bytes of replication stream applied; comparable only among nodes with the same `replid`. */
  readonly offset: number | null;
  readonly lagBytes: number | null;
  /** Milliseconds, an upper bound on the client's own clock. */
  readonly stalenessMs: number | null;
  /** Milliseconds, a moving average of round trips. */
  readonly latencyMs: number | null;
  /** Commands sent and not answered. */
  readonly inFlight: number;
  /** Availability zone: as the options name it, else as the server does (Valkey's `availability-zone`); null = unknown. */
  readonly zone: string | null;
  /** As the options name them; `{}` for nodes that were discovered. */
  readonly tags: NodeTags;
}

/** The nodes and what they are to each other. */
export interface Topology {
  readonly version: number;
  readonly state: "unknown" | "stable" | "noMaster" | "splitBrain";
  readonly master: NodeDescription | null;
  readonly replicas: readonly NodeDescription[];
  readonly nodes: readonly NodeDescription[];
}

/** What `explain()` answers: where a command would go now, and why not elsewhere. */
export interface Explanation {
  readonly command: string;
  readonly intent: "read" | "write" | "dedicated" | "pinned";
  readonly node: string | null;
  readonly reason: string;
  readonly others: readonly { readonly node: string; readonly reason: string }[];
}

/** What `health()` answers, for liveness and readiness probes. */
export interface HealthReport {
  readonly ok: boolean;
  readonly state: Topology["state"];
  readonly master: string | null;
  readonly staleMs: number | null;
  readonly reasons: string[];
}

/**
 * The facts of an event; {@link TopologyEvent} adds the time and the topology after it. `from` and `to` of `nodeHealth` are
 * words of {@link NodeHealth}, or `serving`, `resting` and `onTrial` where the node's circuit changes.
 */
export type TopologyChange =
  | { readonly type: "nodeAdded" | "nodeRemoved"; readonly node: string }
  | {
      readonly type: "nodeHealth";
      readonly node: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    }
  | { readonly type: "roleChanged"; readonly node: string; readonly from: string; readonly to: string }
  | { readonly type: "masterChanged"; readonly from: string | null; readonly to: string; readonly replid: string }
  | { readonly type: "splitBrain"; readonly claimants: readonly string[] }
  | { readonly type: "historyChanged"; readonly from: string; readonly to: string; readonly proven: boolean }
  | {
      readonly type: "historyReset";
      readonly node: string;
      readonly kind: "rolledBack" | "unrelated";
      readonly lastOffset: number;
    }
  | {
      readonly type: "writesLost";
      readonly replid: string;
      readonly fromOffset: number;
      readonly toOffset: number;
      readonly count: { readonly min: number; readonly max: number };
      readonly unproven: number;
      readonly keys: readonly string[];
      readonly keysComplete: boolean;
    }
  | { readonly type: "failoverStarted"; readonly reason: string }
  | { readonly type: "failoverEnded"; readonly master: string; readonly durationMs: number };

/** Emitted as `topology`. `at` is wall-clock milliseconds. */
export type TopologyEvent = { readonly at: number; readonly topology: Topology } & TopologyChange;

/** What `with()` takes; any other key throws. */
export interface ViewOptions {
  consistency?: Consistency;
  /** Milliseconds. */
  maxStalenessMs?: number;
  maxLagBytes?: number;
  readFrom?: ReadFrom;
  verifyReads?: boolean;
  /** Nodes of this availability zone serve reads before others. */
  preferZone?: string;
  /** Tag sets in order of preference: reads go to nodes that have all tags of the first set that any eligible node has. */
  readTags?: readonly NodeTags[];
  /** Milliseconds by which a node may be slower than the fastest eligible one to serve reads. */
  latencyWindowMs?: number;
  /** Milliseconds after which a read without an answer is sent to a second replica too; the first good answer counts. */
  hedgeAfterMs?: number;
  /** Durable writes with the semantics of WAIT; `timeoutMs` ≥ 1. */
  ack?: { replicas: number | "all" | "majority"; timeoutMs: number };
  /** Deadline of each command, in milliseconds. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Send writes of unknown outcome again; only for writes that may be applied twice. */
  retryUnknown?: boolean;
  /** Told of each call of the view once a server has answered it; what it throws is ignored. See also `traced()`. */
  trace?: (call: CallTrace) => void;
}

/**
 * What one call was. Of a read: which node served it, what of the replication stream that node had surely applied and how old
 * that was at most. It is told from the fences that go with the calls anyway; tracing sends nothing of its own.
 */
export interface CallTrace {
  /** Its name, lower case. */
  readonly command: string;
  readonly intent: Explanation["intent"];
  /** What the caller got; undefined if it was rejected. */
  readonly value: unknown;
  /** What the caller's promise was rejected with; null if it wasn't. */
  readonly error: Error | null;
  /** Who answered; null if nobody did, or over a connection of its own. */
  readonly node: string | null;
  /** Null where `offset` is. */
  readonly role: "master" | "replica" | null;
  /** The history that the offsets belong to; null where `offset` is. */
  readonly replid: string | null;
  /** It saw at least all of the replication stream up to here; null over a connection of its own. */
  readonly offset: number | null;
  /** It saw at most this much; null unless `verified`. */
  readonly offsetAtMost: number | null;
  /** How old its data was at most when it was sent, in milliseconds; 0 on the master, null if nothing is known. */
  readonly stalenessMs: number | null;
  /** The value was handed out only after the fence behind it had shown the same role and history. */
  readonly verified: boolean;
  /** From its issue to its reply, in milliseconds. */
  readonly tookMs: number;
}

/** What `traced()` resolves with. */
export interface Traced<T> {
  /** What the function returned. */
  readonly value: T;
  /** The calls that were settled when the function was, in the order in which they were; at most 10,000, the first ones. */
  readonly calls: readonly CallTrace[];
}
