import type { TopologyChange } from "../types.js";
import { healthOf, presentMaster, writableMaster } from "./describe.js";
import { closeDraft, type Draft, openDraft, sameHold } from "./draft.js";
import type { Effect } from "./effects.js";
import { decideFirst } from "./first-master.js";
import type { TopologyInput } from "./input.js";
import { discover, isSettled, newNode } from "./membership.js";
import { observe } from "./observe.js";
import type { Seed, TopologyConfig, TopologyState } from "./state.js";
import { decideNext } from "./succession.js";

export { writableMaster } from "./describe.js";

export interface Reduced {
  readonly state: TopologyState;
  readonly effects: readonly Effect[];
}

/** Nothing is known yet but addresses: a seed's role comes from its INFO. */
export function initialTopology(config: TopologyConfig, seeds: readonly Seed[]): TopologyState {
  return {
    config,
    version: 0,
    now: Number.NEGATIVE_INFINITY,
    seeds,
    nodes: new Map(seeds.map((seed) => [seed.id, newNode(seed, "seed")])),
    aliasOf: new Map(),
    names: new Map(),
    adopted: null,
    hold: null,
    links: [],
    detached: new Map(),
    sentinels: new Map(),
    failover: null,
  };
}

/**
 * What the topology is after an input, and what is to be done about it. Pure: the only time is the input's own.
 * Each rule is told by cases in test/spec/failover*.json.
 */
export function reduce(state: TopologyState, input: TopologyInput): Reduced {
  const draft = openDraft(state, input.at);
  if (!observe(draft, input)) return { state, effects: [] };
  // Before, so that a master which a replica has just named is waited for; after, for what a new master lists.
  discover(draft);
  if (draft.adopted === null) decideFirst(draft);
  else decideNext(draft, draft.adopted, state.nodes.get(draft.adopted.node));
  discover(draft);
  const node = nodeChanges(state, draft);
  endFailover(draft);
  const effects: Effect[] = [
    ...draft.membership,
    ...[...node, ...draft.changes.filter((change) => change.type !== "failoverEnded")].map(emit),
    ...draft.adoptions,
    ...draft.changes.filter((change) => change.type === "failoverEnded").map(emit),
    ...writeEffects(state, draft),
  ];
  if (effects.length > 0) draft.version++;
  if (draft.check.size > 0) effects.push({ type: "check", nodes: [...draft.check] });
  const wake = wakeTime(draft);
  if (wake !== null && wake !== wakeTime(state)) effects.push({ type: "wakeAt", at: wake });
  return { state: closeDraft(draft), effects };
}

function emit(change: TopologyChange): Effect {
  return { type: "emit", change };
}

function nodeChanges(before: TopologyState, draft: Draft): TopologyChange[] {
  const changes: TopologyChange[] = [];
  for (const node of draft.nodes.values()) {
    const old = before.nodes.get(node.id) ?? newNode(node, node.origin);
    if (node.origin !== "seed" && isSettled(node) && !isSettled(old)) {
      changes.push({ type: "nodeAdded", node: node.id });
    }
    const from = healthOf(old).health;
    const { health: to, reason } = healthOf(node);
    if (from !== to) changes.push({ type: "nodeHealth", node: node.id, from, to, reason });
    const role = node.info?.role;
    const oldRole = old.info?.role;
    if (role !== undefined && oldRole !== undefined && role !== oldRole) {
      changes.push({ type: "roleChanged", node: node.id, from: oldRole, to: role });
    }
  }
  for (const old of before.nodes.values()) {
    if (!draft.nodes.has(old.id) && (old.origin === "seed" || isSettled(old))) {
      changes.push({ type: "nodeRemoved", node: old.id });
    }
  }
  return changes;
}

function endFailover(draft: Draft): void {
  const master = writableMaster(draft);
  if (draft.failover === null || master === null) return;
  draft.changes.push({ type: "failoverEnded", master, durationMs: draft.now - draft.failover.since });
  draft.failover = null;
}

function writeEffects(before: TopologyState, draft: Draft): Effect[] {
  const from = writableMaster(before);
  const to = writableMaster(draft);
  if (to !== null) return to === from && draft.adoptions.length === 0 ? [] : [{ type: "resumeWrites", node: to }];
  if (from === null && sameHold(before.hold, draft.hold)) return [];
  return [{ type: "holdWrites", reason: holdReason(draft), sharedBelow: draft.hold?.sharedBelow ?? null }];
}

/** Why nobody may be written to, in words. */
export function holdReason(state: TopologyState): string {
  const { hold, adopted } = state;
  if (hold !== null) {
    switch (hold.kind) {
      case "startup":
      case "claim":
      case "split":
        return `${hold.claimants.join(" and ")} claim to be master`;
      case "restart":
        return `master ${hold.claimants.join()} came back with another history; asking the other nodes`;
      case "reset":
        return `master ${hold.claimants.join()} came back with another history, and onHistoryReset is "stop"`;
    }
  }
  if (adopted === null) return "no master was found yet";
  if (presentMaster(state) !== null) return `master ${adopted.node} is asked again`;
  const node = state.nodes.get(adopted.node);
  if (node === undefined) return `master ${adopted.node} is not known any more`;
  if (node.reachable && node.info?.role === "replica") return `${adopted.node} is a replica now`;
  return `master ${adopted.node}: ${healthOf(node).reason}`;
}

/** When time alone can change something; null = only news can. */
function wakeTime(state: TopologyState): number | null {
  const splitAt = state.hold?.splitAt ?? null;
  return splitAt === null ? null : splitAt + state.config.arbitrationMs;
}
