import { adopt, detach, linkInto, linkTo, resetOf, startFailover } from "./adopt.js";
import { askAgain, type Draft } from "./draft.js";
import {
  claims,
  claimsUnheard,
  isFresh,
  isGone,
  isPromotedUnheard,
  masterOf,
  replicasMovedTo,
  reportsLiveLink,
  sentinelChangedTo,
  sentinelNames,
  topOf,
} from "./evidence.js";
import { raiseLastOffset } from "./observe.js";
import type { Adopted, Hold, NodeState, TopologyState } from "./state.js";

/**
 * What has become of the adopted master:
 * `reigns` it shows the adopted history · `renewed` only its replid has changed, nothing is lost · `restarted` it is
 * master of another history · `replaced` another process is loading there · `loading` · `demoted` · `silent` no answer,
 * which proves nothing · `gone`.
 */
export type MasterFate = "reigns" | "renewed" | "restarted" | "replaced" | "loading" | "demoted" | "silent" | "gone";

export function fateOf(state: TopologyState, adopted: Adopted, before: NodeState | undefined): MasterFate {
  const node = state.nodes.get(adopted.node);
  if (node === undefined) return "gone";
  if (!node.reachable || node.info === null) return isGone(state, node) ? "gone" : "silent";
  const sameProcess = adopted.runId === null || node.runId === null || node.runId === adopted.runId;
  if (node.loading) return sameProcess ? "loading" : "replaced";
  if (node.info.role === "replica") return "demoted";
  if (node.info.replid === adopted.replid) return "reigns";
  const sameConnection = before?.generation === node.generation && before.info?.role === "master";
  const nothingBefore = node.info.replid2 === null && node.info.offset >= adopted.lastOffset;
  return sameProcess && node.runId !== null && sameConnection && nothingBefore ? "renewed" : "restarted";
}

/** Decides whether the adopted master stays. `before`: that node as it was before this input. */
export function decideNext(draft: Draft, adopted: Adopted, before: NodeState | undefined): void {
  const fate = fateOf(draft, adopted, before);
  const master = draft.nodes.get(adopted.node);
  if (fate === "reigns" && master?.info) {
    raiseLastOffset(draft, adopted.replid, master.info.offset);
    if (master.runId !== adopted.runId) draft.adopted = { ...(draft.adopted ?? adopted), runId: master.runId };
  }
  if (fate === "renewed" && master?.info) {
    const link = { from: adopted.replid, to: master.info.replid, at: master.info.offset + 1 };
    return adopt(draft, master, "replidRenewed", link);
  }
  const others = [...draft.nodes.values()].filter((node) => node.id !== adopted.node);
  const chosen = others.filter((node) => claims(node) && isChosen(draft, adopted, node, fate));
  if (chosen.length > 0) {
    const best = newest(chosen);
    const reason = sentinelChangedTo(draft, best) ? "sentinel" : "evidence";
    return adopt(draft, best, reason, linkTo(draft, adopted, best));
  }
  // Where ours is master no more there is nobody to keep writes from, and only one that answers can follow it.
  const over = fate === "gone" || fate === "demoted" || fate === "replaced";
  const isRival = (node: NodeState): boolean => claims(node) || (!over && claimsUnheard(draft, node));
  const heirs = others.filter((node) => isRival(node) && isHeir(draft, adopted, node));
  if (heirs.length > 0) return arbitrate(draft, adopted, heirs, fate);
  withoutHeirs(draft, adopted, fate);
}

/**
 * X descends from the adopted history and has not lost before. After a restart that kept all, so does one that
 * was promoted from the history before the restart: it may be the reason why nobody will wait for the restarted.
 */
function isHeir(draft: Draft, adopted: Adopted, node: NodeState): boolean {
  if (node.info === null || node.info.replid2 === null || draft.detached.has(node.info.replid)) return false;
  if (node.info.replid2 === adopted.replid) return true;
  return node.info.replid2 === adopted.restartedFrom && node.replicaSeen?.replid === adopted.restartedFrom;
}

/**
 * Whether something *changed* towards X: a Sentinel's word, or a replica that left another node for it. Replicas
 * may be moved to a master of other data for other use, so they prove a stranger only where ours is no more.
 */
function isChosen(draft: Draft, adopted: Adopted, node: NodeState, fate: MasterFate): boolean {
  if (sentinelChangedTo(draft, node)) return true;
  const descends = node.info?.replid2 === adopted.replid;
  const { replid, replid2 } = node.info ?? { replid: "", replid2: null };
  const related = descends || draft.detached.has(replid) || (replid2 !== null && draft.detached.has(replid2));
  const reigns = fate === "reigns" || fate === "silent" || fate === "loading";
  const known = node.origin === "seed" || node.member;
  if (replicasMovedTo(draft, node) && (related || (!reigns && known))) return true;
  const old = draft.nodes.get(adopted.node);
  return fate === "demoted" && (known || descends) && old !== undefined && topOf(draft, old) === node.id;
}

/** Among several, the history that branched off latest; with equal branches the first name, so that the choice is one. */
function newest(nodes: readonly NodeState[]): NodeState {
  const [first, ...rest] = nodes;
  if (first === undefined) throw new Error("there is no newest of none");
  const branch = (node: NodeState): number => node.info?.secondReplOffset ?? -1;
  return rest.reduce((a, b) => (branch(b) > branch(a) || (branch(b) === branch(a) && b.id < a.id) ? b : a), first);
}

function arbitrate(draft: Draft, adopted: Adopted, heirs: readonly NodeState[], fate: MasterFate): void {
  const master = draft.nodes.get(adopted.node);
  const refuses = master !== undefined && draft.now - master.refusedAt <= round(draft);
  const dataGone = fate === "restarted" && master !== undefined && !keepsAll(draft, adopted, master);
  if (fate === "gone" || fate === "demoted" || fate === "replaced" || dataGone || refuses) {
    const fresh = heirs.filter(
      (node) => claims(node) && isFresh(draft, node, node.info?.replid2 ?? adopted.replid, master),
    );
    if (fresh.length > 0) {
      const best = newest(fresh);
      return adopt(draft, best, "succession", linkTo(draft, adopted, best));
    }
  }
  const hold = claimHold(draft, adopted, heirs);
  if (hold.splitAt === null) return confirm(draft, adopted, heirs, hold, fate);
  if (draft.now >= hold.splitAt + draft.config.arbitrationMs) conclude(draft, adopted, heirs, hold.splitAt, fate);
}

function round(draft: Draft): number {
  return draft.config.pollIntervalMs + draft.config.heartbeatTimeoutMs;
}

/** The first sign of a second claimant: nobody is written to, everybody is asked again. */
function claimHold(draft: Draft, adopted: Adopted, heirs: readonly NodeState[]): Hold {
  const claimants = [adopted.node, ...heirs.map((node) => node.id)];
  const sharedBelow = sharedByAll(draft, adopted, heirs);
  const going = draft.hold !== null && (draft.hold.kind === "claim" || draft.hold.kind === "split") ? draft.hold : null;
  if (going !== null && String(going.claimants) === String(claimants)) {
    // One that was demoted and promoted anew claims another history by now.
    if (going.sharedBelow !== sharedBelow) draft.hold = { ...going, sharedBelow };
    return draft.hold ?? going;
  }
  // One more claimant asks for one more round; the clock of a confirmed split runs on.
  const hold: Hold = {
    kind: going?.kind ?? "claim",
    since: going?.since ?? draft.now,
    askedAt: draft.now,
    claimants,
    sharedBelow,
    splitAt: going?.splitAt ?? null,
  };
  draft.hold = hold;
  askAgain(draft, claimants);
  askAgain(draft);
  return hold;
}

/** First offset of the adopted history that not every claimant has; null if that is not known of one of them. */
function sharedByAll(draft: Draft, adopted: Adopted, heirs: readonly NodeState[]): number | null {
  const master = draft.nodes.get(adopted.node);
  const restarted = master?.info?.role === "master" && master.info.replid !== adopted.replid;
  let below = Number.POSITIVE_INFINITY;
  for (const node of restarted ? [...heirs, master] : heirs) {
    const link = linkTo(draft, adopted, node);
    if (link === null) return null;
    below = Math.min(below, link.at);
  }
  return below;
}

function confirm(draft: Draft, adopted: Adopted, heirs: readonly NodeState[], hold: Hold, fate: MasterFate): void {
  const master = draft.nodes.get(adopted.node);
  const answered = (node: NodeState | undefined): boolean =>
    node === undefined ||
    node.goodSentAt > hold.askedAt ||
    (node.failure?.sentAt ?? Number.NEGATIVE_INFINITY) > hold.askedAt;
  if (!answered(master) || !heirs.every(answered)) return;
  draft.hold = { ...hold, kind: "split", splitAt: draft.now };
  startFailover(draft, `${hold.claimants.join(", ")} claim to be master`);
  if (fate !== "gone" && fate !== "demoted") draft.changes.push({ type: "splitBrain", claimants: hold.claimants });
}

/** Nothing has changed for arbitrationMs. */
function conclude(
  draft: Draft,
  adopted: Adopted,
  heirs: readonly NodeState[],
  splitAt: number,
  fate: MasterFate,
): void {
  const master = draft.nodes.get(adopted.node);
  const present =
    fate === "reigns" || (fate === "restarted" && master !== undefined && keepsAll(draft, adopted, master));
  if (testifiedFor(draft, adopted, splitAt)) {
    if (present) stayWith(draft, adopted, heirs);
    return;
  }
  if (draft.config.onSplitBrain === "stop") return;
  if (draft.config.onSplitBrain === "stay") {
    if (present) stayWith(draft, adopted, heirs);
    return;
  }
  const best = newest(heirs);
  const link = linkTo(draft, adopted, best);
  // A master that restarted with all it had is a sibling: the later branch is the newer one.
  const branch = fate === "restarted" ? master?.info?.secondReplOffset : siblingBranch(draft, adopted, best);
  if (present && (branch ?? -1) > (best.info?.secondReplOffset ?? -1)) return stayWith(draft, adopted, heirs);
  // One that only others can reach holds the writes and can't have them: the split lasts until it answers, or is left.
  if (claims(best)) adopt(draft, best, "policy", link);
}

/** Where the adopted history branched off, if `heir` branched off from the same one; null if it descends from it. */
function siblingBranch(draft: Draft, adopted: Adopted, heir: NodeState): number | null {
  return heir.info?.replid2 === adopted.replid ? null : (linkInto(draft, adopted.replid)?.at ?? null);
}

/** Whether, asked after the split was seen, a replica still has a live link to the master or a Sentinel still names it. */
function testifiedFor(draft: Draft, adopted: Adopted, splitAt: number): boolean {
  if (sentinelNames(draft, adopted.node, splitAt)) return true;
  for (const node of draft.nodes.values()) {
    if (node.goodSentAt > splitAt && reportsLiveLink(draft, node, adopted.node)) return true;
  }
  return false;
}

function stayWith(draft: Draft, adopted: Adopted, heirs: readonly NodeState[]): void {
  draft.hold = null;
  for (const heir of heirs) if (heir.info !== null) detach(draft, heir.info.replid, heir.id);
  const master = draft.nodes.get(adopted.node);
  if (master?.info && master.info.replid !== adopted.replid)
    adopt(draft, master, "restart", linkTo(draft, adopted, master));
}

/** The data at the master's address reaches what was last known of it. */
function keepsAll(draft: Draft, adopted: Adopted, master: NodeState): boolean {
  const link = linkTo(draft, adopted, master);
  return link !== null && link.at > adopted.lastOffset;
}

function withoutHeirs(draft: Draft, adopted: Adopted, fate: MasterFate): void {
  const master = draft.nodes.get(adopted.node);
  if (fate !== "restarted" || master === undefined) {
    draft.hold = null;
    if (fate === "gone" || fate === "demoted" || fate === "replaced") {
      const { [fate]: words } = {
        gone: "can't be reached",
        demoted: `follows ${followedBy(draft, master)}`,
        replaced: "restarts",
      };
      startFailover(draft, `master ${adopted.node} ${words}`);
    }
    return;
  }
  if (!keepsAll(draft, adopted, master) || hasUnheardHeir(draft, adopted, master))
    return considerReset(draft, adopted, master);
  adopt(draft, master, "restart", linkTo(draft, adopted, master));
}

/** While it was away somebody was promoted whom we are cut off from: what would be written to it would be lost. */
function hasUnheardHeir(draft: Draft, adopted: Adopted, master: NodeState): boolean {
  const histories = [adopted.replid, master.info?.replid ?? adopted.replid];
  return [...draft.nodes.values()].some((node) => isPromotedUnheard(draft, node, histories));
}

function followedBy(draft: Draft, master: NodeState | undefined): string {
  return (master && masterOf(draft, master)) ?? "another node";
}

/** The master came back without what it had. Somebody may have been promoted meanwhile: everybody is asked first. */
function considerReset(draft: Draft, adopted: Adopted, master: NodeState): void {
  const kind = linkTo(draft, adopted, master) === null ? "unrelated" : "rolledBack";
  const unheard = hasUnheardHeir(draft, adopted, master);
  // Where an unheard one branched off nobody has said.
  const sharedBelow = unheard ? null : sharedByAll(draft, adopted, []);
  const { hold } = draft;
  if (hold?.kind !== "restart" && hold?.kind !== "reset") {
    startFailover(draft, `master ${adopted.node} came back with another history`);
    draft.hold = {
      kind: "restart",
      since: draft.now,
      askedAt: draft.now,
      claimants: [adopted.node],
      sharedBelow,
      splitAt: null,
    };
    askAgain(draft);
  } else if (hold.kind === "reset") return;
  else if (hold.sharedBelow !== sharedBelow) draft.hold = { ...hold, sharedBelow };
  const askedAt = draft.hold?.askedAt ?? draft.now;
  for (const node of draft.nodes.values()) {
    const asked = node.goodSentAt > askedAt || (node.failure?.sentAt ?? Number.NEGATIVE_INFINITY) > askedAt;
    if (node.id !== master.id && !asked) return;
  }
  if (unheard) return;
  if (draft.config.onHistoryReset === "follow") return adopt(draft, master, kind, linkTo(draft, adopted, master));
  if (draft.hold !== null) draft.hold = { ...draft.hold, kind: "reset" };
  draft.changes.push(resetOf(adopted, master, kind));
}
