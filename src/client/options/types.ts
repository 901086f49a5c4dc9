import type { LookupFunction } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { NatMap, RedisOptions, SentinelAddress } from "../connection/ioredis-types.js";
import type { Consistency, NodeTags, ReadFrom } from "../types.js";

/** One node, spelled out. Either `host` (default `127.0.0.1`) and `port` (default 6379), or `path` of a unix socket. */
export interface NodeOptions {
  host?: string | undefined;
  port?: number | undefined;
  path?: string | undefined;
  /** For this node; default: that of `redisOptions`, then that of the first node. */
  username?: string | undefined;
  password?: string | undefined;
  tls?: ConnectionOptions | undefined;
  /** Number of the database; one for the whole client, so all nodes that name one must name the same. */
  db?: number | undefined;
  /** Availability zone; default: what the server says. */
  zone?: string | undefined;
  /** Names and values for `readTags`. */
  tags?: NodeTags | undefined;
}

/** `redis://user:password@host:6379/0`, `rediss://…`, `unix:///path`, `/path`, `host:port`, or the parts. */
export type NodeInput = string | NodeOptions;

/** Names of the ioredis options that pass through to every connection, or to the façade that is an ioredis client. */
export type PassedRedisOption =
  | "username"
  | "password"
  | "db"
  | "tls"
  | "family"
  | "keepAlive"
  | "noDelay"
  | "connectionName"
  | "disableClientInfo"
  | "clientInfoTag"
  | "connectTimeout"
  | "commandTimeout"
  | "stringNumbers"
  | "protocol"
  | "replyMapping"
  | "keyPrefix"
  | "showFriendlyErrorStack"
  | "scripts";

/**
 * ioredis options shared by every node. Those that decide about reconnecting, sending again or where to connect are
 * the client's own and are refused, unless they ask for just what it does.
 */
export type SharedRedisOptions = { [Name in PassedRedisOption]?: RedisOptions[Name] | undefined } & {
  maxRetriesPerRequest?: null | undefined;
  reconnectOnError?: null | undefined;
  enableOfflineQueue?: true | undefined;
  enableReadyCheck?: true | undefined;
  autoResubscribe?: true | undefined;
  autoResendUnfulfilledCommands?: false | undefined;
  enableAutoPipelining?: false | undefined;
};

/** User name and password, asked for at each new connection. */
export type Credentials = () => Promise<{ username?: string | undefined; password: string }>;

/**
 * What opens the streams of a client in the place of the machine's sockets: `memoryTransport()` of `ioreplica/dev`, which
 * reaches the servers that were started on it. `connect()` returns at once; the stream emits `connect`, or `error` and `close`.
 */
export interface ClientTransport {
  connect(address: { readonly host: string; readonly port: number }): Duplex;
}

/** Bounds of queues and tables. */
export interface LimitOptions {
  /** Commands that wait for a master or for a refused write in front of them. */
  queuedCommands?: number | undefined;
  /** Bytes of arguments that wait so. */
  queuedBytes?: number | undefined;
  /** Bytes sent to one node and not answered. */
  inFlightBytesPerNode?: number | undefined;
  /** Keys whose last write is remembered, so that a read finds it. */
  trackedKeys?: number | undefined;
  /** Samples of the master's offset, by which staleness is told. */
  samples?: number | undefined;
  /** Sessions that are alive at once. */
  sessions?: number | undefined;
}

/** When a replica that fails its readers is given a rest from reads. */
export interface CircuitOptions {
  /** Failed reads, or lost connections, that open the circuit; 0 = never. */
  failures?: number | undefined;
  /** Milliseconds within which they are counted together. */
  windowMs?: number | undefined;
  /** Milliseconds of the first rest. */
  openMs?: number | undefined;
  /** Milliseconds of the longest rest. */
  maxOpenMs?: number | undefined;
}

/** Bounds of the pool of connections for blocking commands, WATCH and `withConnection()`. */
export interface PoolOptions {
  max?: number | undefined;
  /** Milliseconds after which an idle connection is closed. */
  idleTimeoutMs?: number | undefined;
  /** Milliseconds a call waits for a connection. */
  acquireTimeoutMs?: number | undefined;
}

/** In-process servers in place of real ones. */
export interface DevClientOptions {
  replicas?: number | undefined;
  /** Milliseconds by which each replica applies the stream late. */
  lagMs?: number | undefined;
  /** Port of the master; 0 = a free one. */
  port?: number | undefined;
}

/** What `new ReplicatedClient()` takes. Exactly one of `nodes`, `master`, `sentinels`, `dev`. */
export interface ReplicatedClientOptions {
  nodes?: readonly NodeInput[] | undefined;
  master?: NodeInput | undefined;
  replicas?: readonly NodeInput[] | undefined;
  sentinels?: ReadonlyArray<Partial<SentinelAddress>> | undefined;
  name?: string | undefined;
  sentinelUsername?: string | undefined;
  sentinelPassword?: string | undefined;
  sentinelTLS?: ConnectionOptions | undefined;
  enableTLSForSentinelMode?: boolean | undefined;
  updateSentinels?: boolean | undefined;
  dev?: boolean | DevClientOptions | undefined;
  redisOptions?: SharedRedisOptions | undefined;
  credentials?: Credentials | undefined;
  natMap?: NatMap | undefined;
  lookup?: LookupFunction | undefined;
  lookupIntervalMs?: number | undefined;
  transport?: ClientTransport | undefined;
  consistency?: Consistency | undefined;
  maxStalenessMs?: number | undefined;
  maxLagBytes?: number | undefined;
  readFrom?: ReadFrom | undefined;
  verifyReads?: boolean | undefined;
  preferZone?: string | undefined;
  readTags?: readonly NodeTags[] | undefined;
  latencyWindowMs?: number | undefined;
  hedgeAfterMs?: number | undefined;
  hedgePercent?: number | undefined;
  discoverReplicas?: boolean | undefined;
  pollIntervalMs?: number | undefined;
  heartbeatTimeoutMs?: number | undefined;
  failoverTimeoutMs?: number | undefined;
  arbitrationMs?: number | undefined;
  readHoldMs?: number | undefined;
  onSplitBrain?: "newest" | "stay" | "stop" | undefined;
  onHistoryReset?: "follow" | "stop" | undefined;
  lazyConnect?: boolean | undefined;
  limits?: LimitOptions | undefined;
  circuit?: CircuitOptions | undefined;
  pool?: PoolOptions | undefined;
  tokenTtlMs?: number | undefined;
}
