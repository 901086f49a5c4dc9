import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { Address, NatMap, NodeId } from "./address.js";

/** The settings that decisions depend on. Times in milliseconds. */
export interface TopologyConfig {
  readonly pollIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** How long "nothing changed" must last before it counts as a testimony for the present master. */
  readonly arbitrationMs: number;
  /** Also: how long a discovered node that nobody lists may be unreachable before it is forgotten. */
  readonly failoverTimeoutMs: number;
  readonly onSplitBrain: "newest" | "stay" | "stop";
  readonly onHistoryReset: "follow" | "stop";
  readonly discoverReplicas: boolean;
  readonly lookupIntervalMs: number;
  readonly natMap: NatMap | null;
}

/** An address to begin with. `path` is set for a unix socket; its `id` is then the path, host "" and port 0. */
export interface Seed extends Address {
  readonly id: NodeId;
  readonly path?: string;
}

/** Why a poll has no INFO to show. Only `connect` says that a *new* connection failed; `busy` and `loading` mean alive. */
export type PollFailure = "connect" | "timeout" | "closed" | "busy" | "auth" | "unsupported" | "protocol";

/** What is known of one node. Times are monotonic milliseconds of the client, `-Infinity` = never. */
export interface NodeState extends Address {
  readonly id: NodeId;
  readonly path: string | null;
  /** Named by the application, by another server, or one of the addresses that a name of the application's stands for. */
  readonly origin: "seed" | "discovered" | "resolved";
  /** The name that this is an address of. */
  readonly name: NodeId | null;
  /** Other addresses that answered with the same run_id; no node of their own while that holds. */
  readonly aliases: readonly NodeId[];
  readonly generation: number;
  /** Sending order of the newest result that was applied; older ones change nothing. */
  readonly lastSeq: number;
  /** Whether the last result was an answer. */
  readonly reachable: boolean;
  /** The last answer, also after it stopped answering; null before the first. */
  readonly info: ReplicationInfo | null;
  readonly runId: string | null;
  readonly loading: boolean;
  readonly latencyMs: number | null;
  /** When the last good poll was sent, and when its answer came. */
  readonly goodSentAt: number;
  readonly goodAt: number;
  /** Results that were no answer since the last good poll. */
  readonly failures: number;
  readonly failure: {
    readonly kind: PollFailure;
    readonly reason: string;
    readonly at: number;
    readonly sentAt: number;
  } | null;
  /** When this node was last seen as a replica, and of which history. */
  readonly replicaSeen: { readonly replid: string; readonly sentAt: number } | null;
  /** The address it follows, and when the client saw it change from another (-Infinity = never seen changing). */
  readonly follows: { readonly address: NodeId; readonly movedAt: number } | null;
  /** Whether it has ever shown an adopted history. */
  readonly member: boolean;
  /** First bad sign (failure, refusal, lost connection) since the last good poll. */
  readonly troubledAt: number | null;
  /** When the first of the *new* connections was tried that failed since the last good poll. */
  readonly unconnectableSince: number | null;
  /** Since when nobody lists it; only kept for discovered nodes. */
  readonly unlistedAt: number | null;
  /** Since when it must answer once more before it is trusted with writes (a refusal, a lost connection); null = nothing pending. */
  readonly doubtedAt: number | null;
  /** Last NOREPLICAS refusal. */
  readonly refusedAt: number;
}

/** The master and history that the client has taken for its own. */
export interface Adopted {
  readonly node: NodeId;
  readonly replid: string;
  readonly runId: string | null;
  /** Highest offset of this history known so far. */
  readonly lastOffset: number;
  readonly at: number;
  /** The history before this one, if this one came about by a restart that kept all; others may descend from it too. */
  readonly restartedFrom: string | null;
}

/** `to` begins with the first `at - 1` bytes of `from`: (from, o) is (to, o) for every o < at. */
export interface HistoryLink {
  readonly from: string;
  readonly to: string;
  readonly at: number;
}

export type HoldKind = "startup" | "claim" | "split" | "restart" | "reset";

/** Writes go to nobody until this is decided. */
export interface Hold {
  readonly kind: HoldKind;
  readonly since: number;
  /** Only polls sent later than this count. */
  readonly askedAt: number;
  readonly claimants: readonly NodeId[];
  /** First offset of the adopted history that is not common to all claimants; null if unknown. */
  readonly sharedBelow: number | null;
  /** When the split was confirmed: the arbitration clock. */
  readonly splitAt: number | null;
}

/** What a name of the application's was found to stand for. */
export interface NameState {
  /**
   * `one`: all answers had one address, and the name is a node. `all`: an answer has all addresses that there are.
   * `some`: answers turn, each has some of them.
   */
  readonly shows: "one" | "all" | "some";
  /** The newest answer. */
  readonly answer: readonly NodeId[];
  /** Those that are nodes: of the newest answer, and where answers turn also others that were shown lately. */
  readonly addresses: readonly ShownAddress[];
  /** Where an answer has all: what former answers had and the newest has not, the newest last, at most 64. */
  readonly former: readonly NodeId[];
  /** Whether the node of this name has met another server since the answer changed: the next change may only tell where. */
  readonly led: "here" | "elsewhere";
}

/** `hiddenSince`: since when no answer shows it and it doesn't serve, in monotonic milliseconds; null otherwise. */
export interface ShownAddress extends Address {
  readonly id: NodeId;
  readonly hiddenSince: number | null;
}

export interface SentinelWord {
  readonly master: Address;
  readonly replicas: readonly Address[];
  readonly at: number;
  readonly changedAt: number;
}

export interface TopologyState {
  readonly config: TopologyConfig;
  readonly version: number;
  /** Monotonic milliseconds of the newest input. */
  readonly now: number;
  readonly seeds: readonly Seed[];
  readonly nodes: ReadonlyMap<NodeId, NodeState>;
  /** Address → the node it turned out to be. */
  readonly aliasOf: ReadonlyMap<NodeId, NodeId>;
  /** Seeds that are names and have been looked up. */
  readonly names: ReadonlyMap<NodeId, NameState>;
  readonly adopted: Adopted | null;
  readonly hold: Hold | null;
  /** Links observed at the node that made them, while it was master; the newest last, at most 64. */
  readonly links: readonly HistoryLink[];
  /** Histories that lost an arbitration or were left, and when; adopted again only on newer evidence. */
  readonly detached: ReadonlyMap<string, { readonly node: NodeId; readonly at: number }>;
  /** What each Sentinel names, and when the client saw that change (-Infinity: it was its first word). */
  readonly sentinels: ReadonlyMap<string, SentinelWord>;
  /** Set from failoverStarted to failoverEnded. */
  readonly failover: { readonly since: number; readonly reason: string } | null;
}
