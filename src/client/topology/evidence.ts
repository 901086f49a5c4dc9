import type { NodeId } from "./address.js";
import { addressId, translate } from "./address.js";
import type { NodeState, TopologyState } from "./state.js";

/** An idle master speaks every 10 s (repl-ping-replica-period); a link silent for longer is no sign of life. */
const LIVE_LINK_S = 12;

/** The node that an address belongs to, or the address itself as long as no node has it. */
export function resolve(state: Pick<TopologyState, "aliasOf">, address: NodeId): NodeId {
  return state.aliasOf.get(address) ?? address;
}

/** A master whose last poll was answered, with its data in memory: a loading one shows a made-up history. */
export function claims(node: NodeState): boolean {
  return node.reachable && !node.loading && node.info?.role === "master";
}

/**
 * A master by its last answer that doesn't answer us any more, while a replica which does reports a live link to it and
 * shows its history: we are cut off from it, and it is master still.
 */
export function claimsUnheard(state: TopologyState, node: NodeState): boolean {
  if (node.reachable || node.loading || node.info?.role !== "master") return false;
  for (const other of state.nodes.values())
    if (other.info?.replid === node.info.replid && reportsLiveLink(state, other, node.id)) return true;
  return false;
}

/**
 * One of ours that doesn't answer us, while another one that does reports a live link to it and shows none of these
 * histories: it was promoted, and we are cut off from it.
 */
export function isPromotedUnheard(state: TopologyState, node: NodeState, histories: readonly string[]): boolean {
  if (node.reachable || !node.member) return false;
  for (const other of state.nodes.values()) {
    const shown = other.member && reportsLiveLink(state, other, node.id) ? other.info?.replid : undefined;
    if (shown !== undefined && !histories.includes(shown)) return true;
  }
  return false;
}

/** Whether it is a replica, by its last answer, and still answers. */
export function isLiveReplica(node: NodeState): boolean {
  return node.reachable && node.info?.role === "replica";
}

/** The node that a replica follows directly, whether its link is up or not. */
export function masterOf(state: TopologyState, node: NodeState): NodeId | null {
  return node.info?.role === "replica" && node.follows !== null ? resolve(state, node.follows.address) : null;
}

/** The node at the top of the chain that `node` stands in; itself if it follows nobody known. */
export function topOf(state: TopologyState, node: NodeState): NodeId {
  const seen = new Set<NodeId>();
  let current = node;
  while (!seen.has(current.id)) {
    seen.add(current.id);
    const above = masterOf(state, current);
    if (above === null) break;
    const next = state.nodes.get(above);
    if (next === undefined) return above;
    current = next;
  }
  return current.id;
}

/** Whether a replica reports a link to `master` over which something came lately. */
export function reportsLiveLink(state: TopologyState, node: NodeState, master: NodeId): boolean {
  if (!isLiveReplica(node) || masterOf(state, node) !== master || !node.info?.linkUp) return false;
  const lastIoS = node.info.lastIoS ?? null;
  return lastIoS === null || lastIoS <= LIVE_LINK_S;
}

/** Live replicas whose chain ends at `master`. */
export function followersOf(state: TopologyState, master: NodeId): NodeState[] {
  return [...state.nodes.values()].filter((node) => isLiveReplica(node) && topOf(state, node) === master);
}

/**
 * Gone is said of a node only if a *new* connection to it fails too, some other node answers (else it is the client
 * that is cut off), and no reachable replica, asked since, reports a live link to it.
 */
export function isGone(state: TopologyState, node: NodeState): boolean {
  const since = node.unconnectableSince;
  if (node.reachable || since === null) return false;
  let somebodyAnswers = false;
  for (const other of state.nodes.values()) {
    if (other.id === node.id || !other.reachable) continue;
    if (other.goodSentAt >= since) somebodyAnswers = true;
    if (isLiveReplica(other) && masterOf(state, other) === node.id) {
      if (other.goodSentAt < since || reportsLiveLink(state, other, node.id)) return false;
    }
  }
  return somebodyAnswers;
}

/** When `node` or the history it shows last lost an arbitration or was left; evidence must be newer. */
function lostAt(state: TopologyState, node: NodeState): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const [replid, entry] of state.detached) {
    if (replid === node.info?.replid || entry.node === node.id) last = Math.max(last, entry.at);
  }
  return last;
}

/** Whether a replica of ours was seen to leave another node for `node` since that was last a replica itself. */
export function replicasMovedTo(state: TopologyState, node: NodeState): boolean {
  const since = Math.max(node.replicaSeen?.sentAt ?? Number.NEGATIVE_INFINITY, lostAt(state, node));
  for (const other of state.nodes.values()) {
    if (!isLiveReplica(other) || !other.member || masterOf(state, other) !== node.id) continue;
    if (other.follows !== null && other.follows.movedAt > since) return true;
  }
  return false;
}

/** Whether a Sentinel was heard to change its word to `node` since that last lost. */
export function sentinelChangedTo(state: TopologyState, node: NodeState): boolean {
  const since = lostAt(state, node);
  for (const word of state.sentinels.values()) {
    if (word.changedAt > since && nodeNamed(state, word.master) === node.id) return true;
  }
  return false;
}

/** Whether any Sentinel's newest word, heard later than `after`, is `node`. */
export function sentinelNames(state: TopologyState, node: NodeId, after = Number.NEGATIVE_INFINITY): boolean {
  for (const word of state.sentinels.values()) {
    if (word.at > after && nodeNamed(state, word.master) === node) return true;
  }
  return false;
}

function nodeNamed(state: TopologyState, address: { host: string; port: number }): NodeId {
  return resolve(state, addressId(translate(address, state.config.natMap)));
}

/**
 * Whether a claim to the history `replid` is of our own time: the claimant was seen as its replica no earlier than
 * the master's last good poll minus one round. A node that was a master all along may be a copy made long ago.
 */
export function isFresh(state: TopologyState, node: NodeState, replid: string, master: NodeState | undefined): boolean {
  const seen = node.replicaSeen;
  if (seen === null || seen.replid !== replid) return false;
  const slack = state.config.pollIntervalMs + state.config.heartbeatTimeoutMs;
  return seen.sentAt >= (master?.goodSentAt ?? Number.NEGATIVE_INFINITY) - slack;
}
