import type { ViewOptions } from "../types.js";
import type { ReplicatedClientOptions } from "./types.js";

/** A whole number within limits. */
export interface IntegerSpec {
  readonly kind: "integer";
  /** `null` = not set. */
  readonly default: number | null;
  readonly min: number;
  readonly max: number;
  readonly unit?: "ms" | "bytes";
  readonly doc: string;
}

/** Yes or no. */
export interface BooleanSpec {
  readonly kind: "boolean";
  readonly default: boolean;
  readonly doc: string;
}

/** One of a few words; `orFunction` where a function may stand too. */
export interface ChoiceSpec {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly orFunction?: string;
  readonly default: string;
  readonly doc: string;
}

/** An object with options of its own. */
export interface GroupSpec {
  readonly kind: "group";
  readonly fields: Readonly<Record<string, IntegerSpec>>;
  readonly doc: string;
}

/** What has a checker of its own; `type` is told to people. */
export interface CustomSpec {
  readonly kind: "custom";
  readonly type: string;
  readonly default: string;
  readonly doc: string;
}

export type OptionSpec = IntegerSpec | BooleanSpec | ChoiceSpec | GroupSpec | CustomSpec;

/** The longest time a timer of Node.js can wait, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;
const MOST_BYTES = 2 ** 40;
const MiB = 1024 * 1024;

const ms = (standard: number | null, min: number, doc: string): IntegerSpec => ({
  kind: "integer",
  default: standard,
  min,
  max: LONGEST_MS,
  unit: "ms",
  doc,
});
const bytes = (standard: number | null, min: number, doc: string): IntegerSpec => ({
  kind: "integer",
  default: standard,
  min,
  max: MOST_BYTES,
  unit: "bytes",
  doc,
});
const count = (standard: number, min: number, max: number, doc: string): IntegerSpec => ({
  kind: "integer",
  default: standard,
  min,
  max,
  doc,
});
const custom = (type: string, standard: string, doc: string): CustomSpec => ({
  kind: "custom",
  type,
  default: standard,
  doc,
});
const yesNo = (standard: boolean, doc: string): BooleanSpec => ({ kind: "boolean", default: standard, doc });

/** Every option of the client: the one place that knows types, defaults, limits and what they mean. */
export const OPTION_TABLE = {
  nodes: custom("(string | NodeOptions)[]", "none", "Addresses of nodes whose roles are not said; INFO tells them."),
  master: custom(
    "string | NodeOptions",
    "none",
    "Address of the node that is thought to be the master. A seed: if it turns out a replica, its master is found.",
  ),
  replicas: custom(
    "(string | NodeOptions)[]",
    "[]",
    "Addresses of replicas, used as well as those that are discovered. Only together with `master`.",
  ),
  sentinels: custom(
    "{ host, port }[]",
    "none",
    "Addresses of Sentinels that are asked for the master; only together with `name`.",
  ),
  name: custom("string", "none", "Name under which the Sentinels know the master."),
  sentinelUsername: custom("string", "none", "User name for the Sentinels."),
  sentinelPassword: custom("string", "none", "Password for the Sentinels."),
  sentinelTLS: custom(
    "tls.ConnectionOptions",
    "none",
    "TLS settings towards the Sentinels; takes effect with `enableTLSForSentinelMode`.",
  ),
  enableTLSForSentinelMode: yesNo(false, "Whether the Sentinels are spoken to over TLS."),
  updateSentinels: yesNo(true, "Whether the Sentinels are asked for further Sentinels."),
  dev: custom(
    "boolean | { replicas, lagMs, port }",
    "false",
    "In-process servers instead of real ones: `replicas` (2), `lagMs` (0), `port` of the master (0 = a free one).",
  ),
  redisOptions: custom(
    "ioredis options",
    "{}",
    "ioredis options shared by every node: `username`, `password`, `db`, `tls`, `keyPrefix`, …",
  ),
  credentials: custom(
    "() => Promise<{ username?, password }>",
    "none",
    "Asked at each new connection; stands above user names and passwords given otherwise.",
  ),
  natMap: custom(
    "{ [address]: { host, port } } | function",
    "none",
    "Maps an address that a server tells (`host:port`) to one that can be reached, as in ioredis.",
  ),
  lookup: custom(
    "dns.lookup or its like",
    "dns.lookup",
    "Finds the addresses of host names, as `lookup` of `net.connect`. A name with several addresses, in one answer or in turn, is a node for each of them.",
  ),
  lookupIntervalMs: ms(
    10_000,
    10,
    "Time between two look-ups of a node's host name; less behind an answer with a new address, and while something fails: half a second.",
  ),
  transport: custom(
    "{ connect({ host, port }): Duplex }",
    "the machine's sockets",
    "What opens the streams; `memoryTransport()` of `ioreplica/dev` reaches the servers that were started on it.",
  ),
  consistency: {
    kind: "choice",
    choices: ["eventual", "session", "strong"],
    default: "session",
    doc: "What a read may return: anything, never less than this client wrote, or only what the master says.",
  },
  maxStalenessMs: ms(null, 1, "How far behind the master a replica may be to serve a read; not set = no bound."),
  maxLagBytes: bytes(
    null,
    0,
    "How many bytes of replication stream a replica may be behind to serve a read; not set = no bound.",
  ),
  readFrom: {
    kind: "choice",
    choices: ["master", "masterPreferred", "replica", "replicaPreferred", "nearest"],
    orFunction: "(nodes, context) => nodes",
    default: "replicaPreferred",
    doc: "Which nodes serve reads. A function returns the nodes in order of preference; an empty list means none.",
  },
  verifyReads: yesNo(
    true,
    "Whether a value read from a replica is handed out only after a look at the replica behind it.",
  ),
  preferZone: custom(
    "string",
    "none",
    "Availability zone whose nodes serve reads before others. A node's zone is its `zone`, else what the server says.",
  ),
  readTags: custom(
    "{ [name]: value }[]",
    "none",
    "Tag sets in order: reads go to nodes with all `tags` of the first set that any eligible node has; `{}` is every node.",
  ),
  latencyWindowMs: ms(
    null,
    0,
    "By how much a node may be slower than the fastest eligible one to serve reads; not set = by load alone.",
  ),
  hedgeAfterMs: ms(
    null,
    1,
    "Time after which a read without an answer is sent to a second replica too; the first good answer counts. Not set = never.",
  ),
  hedgePercent: count(
    5,
    1,
    100,
    "How many of a hundred reads with `hedgeAfterMs` may be sent twice, so that slow nodes get no double load.",
  ),
  discoverReplicas: yesNo(true, "Whether replicas that the master tells of are used too."),
  pollIntervalMs: ms(1000, 10, "Time between two looks at a node."),
  heartbeatTimeoutMs: ms(1000, 10, "Time after which a node that does not answer a look is down."),
  failoverTimeoutMs: ms(10_000, 1, "How long a call waits for a master before it rejects with NO_MASTER."),
  arbitrationMs: ms(2000, 0, "How long two masters must stay as they are before the lack of change decides."),
  readHoldMs: ms(20, 0, "How long a read waits for a replica to catch up before it goes elsewhere."),
  onSplitBrain: {
    kind: "choice",
    choices: ["newest", "stay", "stop"],
    default: "newest",
    doc: "Which of two masters is taken when nothing reachable can testify; `stop` takes none.",
  },
  onHistoryReset: {
    kind: "choice",
    choices: ["follow", "stop"],
    default: "follow",
    doc: "Whether a master that came back with other data is followed.",
  },
  lazyConnect: yesNo(false, "Whether the first connection waits for the first command or `connect()`."),
  limits: {
    kind: "group",
    doc: "Bounds of queues and tables; a full queue rejects with QUEUE_FULL.",
    fields: {
      queuedCommands: count(
        10_000,
        1,
        100_000_000,
        "Commands that wait, for a master or behind a refused write; also durable writes that wait for replicas.",
      ),
      queuedBytes: bytes(64 * MiB, 1024, "Bytes of arguments that wait."),
      inFlightBytesPerNode: bytes(
        64 * MiB,
        1024,
        "Bytes sent to one node and not answered; beyond them writes wait in line, and reads go to another node.",
      ),
      trackedKeys: count(10_000, 1, 10_000_000, "Keys whose last write is remembered, so that a read finds it."),
      samples: count(256, 2, 1_000_000, "Samples of the master's offset, by which staleness is told."),
      sessions: count(
        10_000,
        1,
        10_000_000,
        "Causal sessions with writes that wait for their answer or their offset, at once.",
      ),
    },
  },
  circuit: {
    kind: "group",
    doc: "When a replica that fails its readers is given a rest from reads; it still serves when there is nobody else.",
    fields: {
      failures: count(
        5,
        0,
        1_000_000,
        "Failed reads (and at least half of all), or lost connections, within `windowMs` that open it; 0 = never.",
      ),
      windowMs: ms(10_000, 1, "Failures that lie further apart are not counted together."),
      openMs: ms(500, 1, "The first rest. After it one read at a time is tried; each failure doubles the rest."),
      maxOpenMs: ms(30_000, 1, "The longest rest."),
    },
  },
  pool: {
    kind: "group",
    doc: "Connections for blocking commands, WATCH and `withConnection()`.",
    fields: {
      max: count(50, 1, 100_000, "Connections at most; beyond that calls wait."),
      idleTimeoutMs: ms(30_000, 1, "Time after which an idle connection is closed."),
      acquireTimeoutMs: ms(5000, 1, "How long a call waits for a connection before it rejects with POOL_EXHAUSTED."),
    },
  },
  tokenTtlMs: ms(3_600_000, 1, "How long a session token stays valid."),
} as const satisfies Record<keyof ReplicatedClientOptions, OptionSpec>;

/** Options that only a view has; the others of a view are found in {@link OPTION_TABLE}. */
export const VIEW_ONLY_TABLE = {
  ack: custom(
    '{ replicas: number | "all" | "majority", timeoutMs }',
    "none",
    "How many replicas must confirm a write before it resolves; `timeoutMs` ≥ 1.",
  ),
  timeoutMs: ms(null, 1, "Deadline of each command; not set = none."),
  signal: custom("AbortSignal", "none", "Aborts the view's commands that were not answered yet."),
  retryUnknown: yesNo(
    false,
    "Whether a write of unknown outcome is sent again; only for writes that may be applied twice.",
  ),
  trace: custom("(call) => void", "none", "Told of each call when it is settled: value, node, offset, staleness."),
} as const satisfies Partial<Record<keyof ViewOptions, OptionSpec>>;

/** Names of a view's options that are options of the client as well, and are inherited from it. */
export const INHERITED_VIEW_OPTIONS = [
  "consistency",
  "maxStalenessMs",
  "maxLagBytes",
  "readFrom",
  "verifyReads",
  "preferZone",
  "readTags",
  "latencyWindowMs",
  "hedgeAfterMs",
] as const;

/** Fields of `dev`. */
export const DEV_FIELDS = {
  replicas: count(2, 0, 100, "Replicas of the master."),
  lagMs: ms(0, 0, "Time by which each replica applies the stream late."),
  port: count(0, 0, 65_535, "Port of the master; 0 = a free one."),
} as const;
