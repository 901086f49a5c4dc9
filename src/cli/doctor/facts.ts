import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { Settings } from "../admin/settings.js";

/** What was learned of one node; the rules judge nothing else. */
export interface NodeFacts {
  readonly id: string;
  /** Other addresses of the same process. */
  readonly aliases: readonly string[];
  /** Who told of the address; null for one that was given. */
  readonly toldBy: string | null;
  /** Why it couldn't be asked; null for one that answers. */
  readonly problem: string | null;
  readonly replication: ReplicationInfo | null;
  /** The default sections of INFO. */
  readonly info: ReadonlyMap<string, string>;
  readonly settings: Settings;
  /** Commands of the client that this user may not run there. */
  readonly denied: readonly string[];
  /** What grew between two looks; null when there was no second one. */
  readonly growth: { readonly seconds: number; readonly bytes: number; readonly fullSyncs: number } | null;
  /** Its clock less this machine's, in milliseconds, with the error that the round trip leaves. */
  readonly clock: { readonly aheadMs: number; readonly errorMs: number } | null;
  /** Milliseconds since the epoch; null without TLS. */
  readonly certificateEndsAt: number | null;
  /** Whether what is sent there crosses a network in plain text, a password among it. */
  readonly passwordInPlainText: boolean;
}

/** What was learned of one Sentinel. */
export interface SentinelFacts {
  readonly id: string;
  readonly problem: string | null;
  /** `host:port` of whom it names, as it is reached from here. */
  readonly master: string | null;
  readonly quorum: number;
  readonly downAfterMs: number;
  readonly replicas: number;
  /** Other Sentinels that it knows. */
  readonly others: number;
}

export interface DeploymentFacts {
  readonly nodes: readonly NodeFacts[];
  readonly sentinels: readonly SentinelFacts[];
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How long a client waits for a master: `failoverTimeoutMs`. */
  readonly failoverTimeoutMs: number;
}

/** How bad it is: data or service is in danger now, or will be with the next fault, or it is worth knowing. */
export type Severity = "critical" | "warning" | "info";

/** One thing that endangers a deployment. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** null = the deployment as a whole. */
  readonly node: string | null;
  readonly seen: string;
  readonly why: string;
  readonly advice: string;
}

/** A finding before it is known whose rule it is. */
export type Found = Omit<Finding, "rule" | "node"> & { readonly node?: string | null };

/** A rule looks at the facts and says what is wrong; nothing = all is well. */
export interface Rule {
  readonly id: string;
  readonly judge: (facts: DeploymentFacts) => readonly Found[];
}

/** A node that answered. */
export type Answering = NodeFacts & { readonly replication: ReplicationInfo };

export function answering({ nodes }: DeploymentFacts): Answering[] {
  return nodes.filter((node): node is Answering => node.replication !== null);
}

export function masters(facts: DeploymentFacts): Answering[] {
  return answering(facts).filter(({ replication }) => replication.role === "master");
}

export function replicas(facts: DeploymentFacts): Answering[] {
  return answering(facts).filter(({ replication }) => replication.role === "replica");
}

/** A directive as a number; null where it isn't told. Sizes are told in bytes. */
export function numberOf(node: NodeFacts, directive: string): number | null {
  const text = node.settings?.get(directive);
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

export function infoNumber(node: NodeFacts, field: string): number {
  return Number(node.info.get(field) ?? 0);
}

/** Bytes of stream that a master writes per second: as was seen, at least its average since it started. */
export function writeRate(node: Answering): number {
  const uptime = infoNumber(node, "uptime_in_seconds");
  const average = uptime > 0 ? node.replication.offset / uptime : 0;
  const seen = node.growth === null ? 0 : node.growth.bytes / node.growth.seconds;
  return Math.max(average, seen);
}

/** 1536000 → `1.5 MB`. */
export function size(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GB`;
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(1)} MB`;
  return bytes >= 2 ** 10 ? `${(bytes / 2 ** 10).toFixed(1)} KB` : `${Math.round(bytes)} bytes`;
}
