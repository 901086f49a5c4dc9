import type { TopologyChange } from "../types.js";
import { type Draft, patchNode } from "./draft.js";
import type { AdoptReason } from "./effects.js";
import { claims } from "./evidence.js";
import type { Adopted, HistoryLink, NodeState } from "./state.js";

/** Links and lost histories that are remembered; a client lives long, failovers are few. */
const MAX_REMEMBERED = 64;

/**
 * What the present history has in common with the one that `node` shows, from links told by the nodes that made
 * them while they were master; null = unknown. Besides descent: two that branched off from one history share what
 * lies below both branches, and a history that was left is common up to where it was left.
 */
export function linkTo(draft: Draft, from: Adopted, node: NodeState): HistoryLink | null {
  const { info } = node;
  if (info === null || info.role !== "master") return null;
  const branch = info.secondReplOffset;
  if (info.replid2 === from.replid && branch >= 0) return { from: from.replid, to: info.replid, at: branch };
  const own = linkInto(draft, from.replid);
  if (own === null) return null;
  if (info.replid2 === own.from && branch >= 0) {
    return { from: from.replid, to: info.replid, at: Math.min(branch, own.at) };
  }
  const reaches = info.replid === own.from && info.offset >= own.at - 1;
  return reaches ? { from: from.replid, to: info.replid, at: own.at } : null;
}

/** The link by which a history began. */
export function linkInto(draft: Draft, replid: string): HistoryLink | null {
  return draft.links.find((link) => link.to === replid) ?? null;
}

/** Takes `node` with the history it shows for master, and ends whatever was undecided. */
export function adopt(draft: Draft, node: NodeState, reason: AdoptReason, link: HistoryLink | null): void {
  const { info } = node;
  if (info === null) return;
  const from = draft.adopted;
  const quiet = reason === "first" || reason === "replidRenewed" || reason === "restart";
  if (!quiet) startFailover(draft, `${node.id} is the master now (${reason})`);
  if (link !== null && isBeginning(node, link)) draft.links = [...draft.links, link].slice(-MAX_REMEMBERED);
  leaveOthers(draft, node);
  draft.adopted = {
    node: node.id,
    replid: info.replid,
    runId: node.runId,
    lastOffset: info.offset,
    at: draft.now,
    restartedFrom: reason === "restart" ? (from?.replid ?? null) : null,
  };
  draft.hold = null;
  for (const other of draft.nodes.values()) {
    if (other.info?.replid === info.replid && !other.member) patchNode(draft, other.id, { member: true });
  }
  const proven = from === null || link !== null;
  draft.adoptions.push({
    type: "adopt",
    node: node.id,
    from: from?.replid ?? null,
    replid: info.replid,
    runId: node.runId,
    link,
    proven,
    reason,
  });
  draft.changes.push(...changesOf(from, node, info.replid, proven, reason));
}

/** Only the branch that the master itself tells of is kept; what was concluded from two would be kept as a fact. */
function isBeginning(node: NodeState, link: HistoryLink): boolean {
  return node.info?.replid2 === link.from || node.info?.replid2 === null;
}

function changesOf(
  from: Adopted | null,
  node: NodeState,
  replid: string,
  proven: boolean,
  reason: AdoptReason,
): TopologyChange[] {
  const changes: TopologyChange[] = [];
  if (from !== null && (reason === "rolledBack" || reason === "unrelated")) changes.push(resetOf(from, node, reason));
  if (from !== null && from.replid !== replid) {
    changes.push({ type: "historyChanged", from: from.replid, to: replid, proven });
  }
  if (from?.node !== node.id) changes.push({ type: "masterChanged", from: from?.node ?? null, to: node.id, replid });
  return changes;
}

export function resetOf(from: Adopted, node: NodeState, kind: "rolledBack" | "unrelated"): TopologyChange {
  return { type: "historyReset", node: node.id, kind, lastOffset: from.lastOffset };
}

/** Every history that claims beside the adopted one has lost, and so has the one that is left. */
function leaveOthers(draft: Draft, winner: NodeState): void {
  const replid = winner.info?.replid;
  if (draft.adopted !== null && draft.adopted.replid !== replid)
    detach(draft, draft.adopted.replid, draft.adopted.node);
  for (const node of draft.nodes.values()) {
    if (node.id !== winner.id && claims(node) && node.info !== null && node.info.replid !== replid) {
      detach(draft, node.info.replid, node.id);
    }
  }
  if (replid !== undefined) draft.detached.delete(replid);
}

export function detach(draft: Draft, replid: string, node: string): void {
  draft.detached.delete(replid);
  draft.detached.set(replid, { node, at: draft.now });
  for (const oldest of draft.detached.keys()) {
    if (draft.detached.size <= MAX_REMEMBERED) break;
    draft.detached.delete(oldest);
  }
}

/** Opens the failover, once; it counts from the first bad sign. */
export function startFailover(draft: Draft, reason: string): void {
  if (draft.failover !== null || draft.adopted === null) return;
  const trouble = draft.nodes.get(draft.adopted.node)?.troubledAt ?? draft.now;
  draft.failover = { since: Math.min(draft.now, trouble, draft.hold?.since ?? draft.now), reason };
  draft.changes.push({ type: "failoverStarted", reason });
}
