import { adopt } from "./adopt.js";
import { askAgain, type Draft } from "./draft.js";
import {
  claims,
  followersOf,
  isLiveReplica,
  replicasMovedTo,
  sentinelChangedTo,
  sentinelNames,
  topOf,
} from "./evidence.js";
import { isSettled } from "./membership.js";
import type { NodeState } from "./state.js";

/** Looks for the master while none was ever adopted. */
export function decideFirst(draft: Draft): void {
  const claimants = [...draft.nodes.values()].filter(claims);
  const named = claimants.find((node) => sentinelNames(draft, node.id));
  if (named !== undefined) return adopt(draft, named, "first", null);
  if (!allHeard(draft, claimants)) return;
  const [only] = claimants;
  if (only === undefined) {
    draft.hold = null;
    return;
  }
  if (claimants.length === 1) {
    draft.hold = null;
    if (!servesAnother(draft, only)) adopt(draft, only, "first", null);
    return;
  }
  decideAmong(draft, claimants);
}

/** Every node has answered or failed, or is listed as an online replica by a claimant. */
function allHeard(draft: Draft, claimants: readonly NodeState[]): boolean {
  for (const node of draft.nodes.values()) {
    if (isSettled(node)) continue;
    const listed = claimants.some((claimant) =>
      claimant.info?.replicas.some((r) => r.state === "online" && r.host === node.host && r.port === node.port),
    );
    if (!listed) return false;
  }
  return true;
}

/**
 * Whether some replica has a live link to a master that the client can't ask: then a lone claimant proves nothing. Unless
 * it is that master by another name, as behind the primary endpoint of a managed service, whose nodes tell addresses of
 * their own network: a replication id belongs to one master, and those who follow it show the same.
 */
function servesAnother(draft: Draft, claimant: NodeState): boolean {
  for (const node of draft.nodes.values()) {
    if (isLiveReplica(node) && node.info?.linkUp && topOf(draft, node) !== claimant.id) {
      const top = draft.nodes.get(topOf(draft, node));
      const sameHistory = node.info.replid === claimant.info?.replid;
      if (!sameHistory && (top === undefined || !top.reachable)) return true;
    }
  }
  return false;
}

function decideAmong(draft: Draft, claimants: readonly NodeState[]): void {
  const evident = claimants.filter((node) => replicasMovedTo(draft, node) || sentinelChangedTo(draft, node));
  const [moved] = evident;
  if (moved !== undefined && evident.length === 1) return adopt(draft, moved, "first", null);

  const followed = claimants.filter((node) => followersOf(draft, node.id).length > 0);
  const [leader] = followed;
  const single = followed.length === 1 ? leader : undefined;
  // Nobody has left it and nobody descends from it: no failover can be under way.
  if (single !== undefined && !claimants.some((node) => descends(node, single)))
    return adopt(draft, single, "first", null);

  const ids = claimants.map((node) => node.id);
  if (draft.hold?.kind !== "startup" || String(draft.hold.claimants) !== String(ids)) {
    draft.hold = {
      kind: "startup",
      since: draft.now,
      askedAt: draft.now,
      claimants: ids,
      sharedBelow: null,
      splitAt: null,
    };
    askAgain(draft);
    return;
  }
  const { hold } = draft;
  if (hold.splitAt === null) {
    if (claimants.some((node) => node.goodSentAt <= hold.askedAt)) return;
    draft.hold = { ...hold, splitAt: draft.now };
    draft.changes.push({ type: "splitBrain", claimants: ids });
    return;
  }
  if (draft.now < hold.splitAt + draft.config.arbitrationMs) return;
  if (single !== undefined) return adopt(draft, single, "first", null);
  // With nobody present yet, "stay" has nothing to stay with.
  const newest = newestOf(followed.length > 0 ? followed : claimants);
  if (newest !== null && draft.config.onSplitBrain !== "stop") adopt(draft, newest, "first", null);
}

function descends(node: NodeState, from: NodeState): boolean {
  return node.id !== from.id && node.info?.replid2 != null && node.info.replid2 === from.info?.replid;
}

/**
 * The claimant whose history descends from all the others; among siblings (one replid2) the one that branched
 * off later. Unrelated histories have no newest: an offset says nothing about them.
 */
function newestOf(claimants: readonly NodeState[]): NodeState | null {
  const tips = claimants.filter((node) => !claimants.some((other) => descends(other, node)));
  const [first] = tips;
  if (first === undefined) return null;
  const parent = first.info?.replid2;
  if (tips.length > 1 && (parent == null || tips.some((tip) => tip.info?.replid2 !== parent))) return null;
  const best = tips.reduce((a, b) => ((b.info?.secondReplOffset ?? -1) > (a.info?.secondReplOffset ?? -1) ? b : a));
  const ties = tips.filter((tip) => tip.info?.secondReplOffset === best.info?.secondReplOffset);
  const related = claimants.every((node) => tips.includes(node) || tips.some((tip) => descends(tip, node)));
  return ties.length === 1 && related ? best : null;
}
