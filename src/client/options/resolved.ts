import type { LookupFunction } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Endpoint } from "../connection/address.js";
import type { NatMap } from "../connection/ioredis-types.js";
import type { Preference } from "../routing/prefer.js";
import type { CallTrace, Consistency, NodeTags, ReadFrom } from "../types.js";
import type {
  CircuitOptions,
  ClientTransport,
  Credentials,
  DevClientOptions,
  LimitOptions,
  PassedRedisOption,
  PoolOptions,
  SharedRedisOptions,
} from "./types.js";

/** Where a node listens. */
export type NodeAddress = Endpoint;

/** What it takes to be let in by a node; `null` = none. */
export interface NodeAccess {
  readonly username: string | null;
  readonly password: string | null;
  /** `null` = plain text. */
  readonly tls: ConnectionOptions | null;
}

/** A node that was named in the options. Its role is a hint: the server's INFO decides. */
export interface SeedNode extends NodeAccess {
  /** As `endpointId(address)` tells it. */
  readonly id: string;
  readonly address: NodeAddress;
  readonly role: "master" | "replica" | "unknown";
  /** As it was given; `null` = the server says. */
  readonly zone: string | null;
  readonly tags: NodeTags;
}

/** What of the options asks Sentinels. */
export interface SentinelSource {
  readonly kind: "sentinels";
  readonly sentinels: readonly { readonly host: string; readonly port: number; readonly family?: number }[];
  readonly name: string;
  readonly username: string | null;
  readonly password: string | null;
  /** TLS towards the Sentinels; `null` = plain text. */
  readonly tls: ConnectionOptions | null;
  readonly updateSentinels: boolean;
}

/** How the nodes are found. */
export type NodeSource =
  | { readonly kind: "nodes" }
  | { readonly kind: "master" }
  | SentinelSource
  | ({ readonly kind: "dev" } & { readonly [Name in keyof DevClientOptions]-?: number });

/** Options of one view; what `with()` changes. `null` = not set. */
export interface ResolvedView {
  readonly consistency: Consistency;
  readonly maxStalenessMs: number | null;
  readonly maxLagBytes: number | null;
  /** As it holds now: `"master"` while `strong` overrides a replica form that was inherited. */
  readonly readFrom: ReadFrom;
  /** As it was last asked for, whatever `strong` makes of it. */
  readonly askedReadFrom: ReadFrom;
  readonly verifyReads: boolean;
  /** `null` = by load alone. */
  readonly preference: Preference | null;
  readonly hedgeAfterMs: number | null;
  readonly ack: { readonly replicas: number | "all" | "majority"; readonly timeoutMs: number } | null;
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
  readonly retryUnknown: boolean;
  /** Told of each call once it is settled; `null` = nobody is. The promise never rejects. */
  readonly trace: ((call: Promise<CallTrace>) => void) | null;
}

/** All options, checked, with defaults filled in, frozen all the way down. Inspect and JSON of it show no secret. */
export interface ResolvedOptions {
  readonly source: NodeSource;
  /** Empty for `sentinels` and `dev`. */
  readonly seeds: readonly SeedNode[];
  /** ioredis options shared by every node; user name, password, tls and db included as they hold for a node that is no seed. */
  readonly redis: { readonly [Name in PassedRedisOption]?: NonNullable<SharedRedisOptions[Name]> };
  readonly db: number;
  readonly credentials: Credentials | null;
  readonly natMap: NatMap | null;
  /** `null` = the system's. */
  readonly lookup: LookupFunction | null;
  readonly lookupIntervalMs: number;
  /** `null` = the machine's sockets. */
  readonly transport: ClientTransport | null;
  readonly view: ResolvedView;
  readonly hedgePercent: number;
  readonly discoverReplicas: boolean;
  readonly pollIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly failoverTimeoutMs: number;
  readonly arbitrationMs: number;
  readonly readHoldMs: number;
  readonly onSplitBrain: "newest" | "stay" | "stop";
  readonly onHistoryReset: "follow" | "stop";
  readonly lazyConnect: boolean;
  readonly limits: { readonly [Name in keyof LimitOptions]-?: number };
  readonly circuit: { readonly [Name in keyof CircuitOptions]-?: number };
  readonly pool: { readonly [Name in keyof PoolOptions]-?: number };
  readonly tokenTtlMs: number;
}
