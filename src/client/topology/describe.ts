import type { NodeDescription, NodeHealth, Topology } from "../types.js";
import type { NodeId } from "./address.js";
import type { NodeState, TopologyState } from "./state.js";

/** What the topology knows of a node; the engine adds what connections know. */
export type NodeFacts = Omit<NodeDescription, "stalenessMs" | "inFlight" | "zone" | "tags" | "circuit">;

/** null for a node that is not (or no longer) there. */
export function describeNode(state: TopologyState, id: NodeId): NodeFacts | null {
  const node = state.nodes.get(id);
  if (node === undefined) return null;
  const { health, reason } = healthOf(node);
  return {
    id: node.id,
    aliases: node.aliases,
    host: node.host,
    port: node.port,
    role: node.info?.role ?? "unknown",
    health,
    ...(health === "up" ? {} : { reason }),
    runId: node.runId,
    replid: node.info?.replid ?? null,
    offset: node.info?.offset ?? null,
    lagBytes: lagOf(state, node),
    latencyMs: node.latencyMs,
  };
}

/** A node's health, with the reason in words (for `up` too: events have one). */
export function healthOf(node: NodeState): { health: NodeHealth; reason: string } {
  const { info, failure } = node;
  if (info === null && failure === null) return { health: "connecting", reason: "not asked yet" };
  if (info === null || !node.reachable) return { health: "down", reason: failure?.reason ?? "no answer" };
  if (node.loading) return { health: "loading", reason: "loading its data into memory" };
  if (info.syncInProgress) return { health: "syncing", reason: "full resync in progress" };
  if (!info.linkUp) return { health: "linkDown", reason: linkDownReason(node) };
  return { health: "up", reason: "answers" };
}

function linkDownReason({ info }: NodeState): string {
  const seconds = info?.linkDownSinceS ?? null;
  const since = seconds === null ? "" : seconds < 0 ? ", never up" : `, for ${seconds} s`;
  return `link to ${info?.masterHost}:${info?.masterPort} is down${since}`;
}

function lagOf({ adopted, nodes }: TopologyState, node: NodeState): number | null {
  const master = adopted === null ? undefined : nodes.get(adopted.node);
  if (adopted === null || node.info === null || node.info.replid !== adopted.replid) return null;
  const newest = Math.max(adopted.lastOffset, master?.info?.replid === adopted.replid ? master.info.offset : 0);
  return Math.max(0, newest - node.info.offset);
}

/** The adopted master, if its last answer showed it in office and nothing about it is undecided. */
export function presentMaster(state: TopologyState): NodeId | null {
  const { adopted, hold } = state;
  if (adopted === null || hold !== null) return null;
  const node = state.nodes.get(adopted.node);
  if (node === undefined || !node.reachable || node.loading) return null;
  return node.info?.role === "master" && node.info.replid === adopted.replid ? node.id : null;
}

/**
 * The node to which writes may go: the present master, with no bad sign since it was last asked. With `at`
 * (monotonic ms): null too when that was longer ago than poll interval + heartbeat timeout, that is, after a
 * silence or the client's own pause.
 */
export function writableMaster(state: TopologyState, at?: number): NodeId | null {
  const id = presentMaster(state);
  const node = id === null ? undefined : state.nodes.get(id);
  if (node === undefined || node.doubtedAt !== null) return null;
  const { pollIntervalMs, heartbeatTimeoutMs } = state.config;
  if (at !== undefined && at - node.goodSentAt > pollIntervalMs + heartbeatTimeoutMs) return null;
  return node.id;
}

/**
 * Until when the adopted master surely had no rival, in monotonic ms: when the last of those that claim its office now was
 * still seen as a replica. Infinity while nobody does; -Infinity where one was never seen so.
 */
export function unrivalledUntil({ adopted, hold, nodes }: TopologyState): number {
  let until = Number.POSITIVE_INFINITY;
  for (const id of hold?.claimants ?? [])
    if (id !== adopted?.node) until = Math.min(until, nodes.get(id)?.replicaSeen?.sentAt ?? Number.NEGATIVE_INFINITY);
  return until;
}

export function topologyState(state: TopologyState): Topology["state"] {
  if (state.hold !== null && state.hold.splitAt !== null) return "splitBrain";
  if (state.adopted === null) return "unknown";
  return presentMaster(state) === null ? "noMaster" : "stable";
}

/**
 * Why a node can't serve reads of the adopted history; null = it can. A downed link is a reason, unless
 * `tolerateLinkDown` (the caller bounds the age of what it reads, or has nothing better); a node that has never
 * had its first sync is not routable either way.
 */
export function unroutable(state: TopologyState, id: NodeId, tolerateLinkDown = false): string | null {
  const node = state.nodes.get(id);
  if (node === undefined) return "unknown node";
  if (state.adopted === null) return "no master was found yet";
  const { health, reason } = healthOf(node);
  if (node.info === null || !node.reachable || node.loading || node.info.syncInProgress) return reason;
  if (node.info.replid !== state.adopted.replid) return "shows another history";
  if (node.info.role === "master") return node.id === state.adopted.node ? null : "claims to be master and is not";
  if (health === "up") return null;
  if (node.info.offset <= 1) return "has not had its first sync";
  return tolerateLinkDown ? null : reason;
}

export function serves(state: TopologyState, id: NodeId, tolerateLinkDown = false): boolean {
  return unroutable(state, id, tolerateLinkDown) === null;
}
