import type { TopologyChange } from "../types.js";
import type { NodeId } from "./address.js";
import type { Effect } from "./effects.js";
import type { Hold, NameState, NodeState, SentinelWord, TopologyState } from "./state.js";

/** A state while one input is being worked in; never leaves `reduce`. */
export interface Draft extends Mutable<Omit<TopologyState, "nodes" | "aliasOf" | "names" | "detached" | "sentinels">> {
  readonly nodes: Map<NodeId, NodeState>;
  readonly aliasOf: Map<NodeId, NodeId>;
  readonly names: Map<NodeId, NameState>;
  readonly detached: Map<string, { readonly node: NodeId; readonly at: number }>;
  readonly sentinels: Map<string, SentinelWord>;
  /** Nodes to ask again, in the order of asking. */
  readonly check: Set<NodeId>;
  readonly membership: Effect[];
  readonly adoptions: Effect[];
  readonly changes: TopologyChange[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function openDraft(state: TopologyState, at: number): Draft {
  return {
    ...state,
    now: Math.max(state.now, at),
    nodes: new Map(state.nodes),
    aliasOf: new Map(state.aliasOf),
    names: new Map(state.names),
    detached: new Map(state.detached),
    sentinels: new Map(state.sentinels),
    check: new Set(),
    membership: [],
    adoptions: [],
    changes: [],
  };
}

/** The state that a draft has become. */
export function closeDraft(draft: Draft): TopologyState {
  const { check: _check, membership: _membership, adoptions: _adoptions, changes: _changes, ...state } = draft;
  return state;
}

export function patchNode(draft: Draft, id: NodeId, patch: Partial<NodeState>): NodeState | null {
  const node = draft.nodes.get(id);
  if (node === undefined) return null;
  const next = { ...node, ...patch };
  draft.nodes.set(id, next);
  return next;
}

/** Asks every node, or those given. */
export function askAgain(draft: Draft, nodes: Iterable<NodeId> = draft.nodes.keys()): void {
  for (const id of nodes) draft.check.add(id);
}

export function sameHold(a: Hold | null, b: Hold | null): boolean {
  return a?.kind === b?.kind && a?.sharedBelow === b?.sharedBelow && String(a?.claimants) === String(b?.claimants);
}
