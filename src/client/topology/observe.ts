import { addressId, translate } from "./address.js";
import { askAgain, type Draft, patchNode } from "./draft.js";
import { resolve } from "./evidence.js";
import type {
  ConnectionLostInput,
  PollFailedInput,
  PollInput,
  RefusalInput,
  SentinelInput,
  TopologyInput,
} from "./input.js";
import { addNamed, noteRunId, splitSeedAliases } from "./membership.js";
import { noteAddresses } from "./names.js";
import type { NodeState } from "./state.js";

/** Works what an input says of nodes into the draft. False: it was too late to say anything. */
export function observe(draft: Draft, input: TopologyInput): boolean {
  switch (input.type) {
    case "poll":
      return observePoll(draft, input);
    case "pollFailed":
      return observeFailure(draft, input);
    case "refusal":
      return observeRefusal(draft, input);
    case "connectionLost":
      return observeLoss(draft, input);
    case "sentinel":
      return observeSentinel(draft, input);
    case "lookup":
      return noteAddresses(draft, input);
    case "tick":
      return true;
  }
}

function isLate(node: NodeState, input: { seq: number; generation: number }): boolean {
  return input.seq <= node.lastSeq || input.generation < node.generation;
}

function observePoll(draft: Draft, input: PollInput): boolean {
  const known = draft.nodes.get(input.node);
  if (known === undefined || isLate(known, input)) return false;
  if (!noteRunId(draft, known, input.runId)) return true;
  const before = draft.nodes.get(input.node) ?? known;
  const { info } = input;
  const smoothed = before.latencyMs === null ? input.latencyMs : before.latencyMs * 0.8 + input.latencyMs * 0.2;
  const ours = draft.adopted !== null && info.replid === draft.adopted.replid;
  // Only a question asked after the bad sign can clear it.
  const doubted = before.doubtedAt !== null && input.sentAt <= before.doubtedAt;
  const deposed = draft.adopted?.node === input.node && !(ours && info.role === "master");
  patchNode(draft, input.node, {
    generation: input.generation,
    lastSeq: input.seq,
    reachable: true,
    info,
    runId: input.runId,
    loading: input.loading,
    latencyMs: smoothed,
    goodSentAt: input.sentAt,
    goodAt: input.at,
    failures: 0,
    failure: null,
    troubledAt: doubted || deposed ? before.troubledAt : null,
    unconnectableSince: null,
    replicaSeen: info.role === "replica" ? { replid: info.replid, sentAt: input.sentAt } : before.replicaSeen,
    follows: followed(draft, before, input),
    member: before.member || ours,
    doubtedAt: doubted ? before.doubtedAt : null,
  });
  if (info.role === "replica") forgetLoss(draft, input.node);
  if (input.known !== undefined) raiseLastOffset(draft, input.known.replid, input.known.offset);
  return true;
}

/** Having been a replica again wipes out that a node once lost. */
function forgetLoss(draft: Draft, node: string): void {
  for (const [replid, entry] of draft.detached) {
    if (entry.node === node) draft.detached.delete(replid);
  }
}

export function raiseLastOffset(draft: Draft, replid: string, offset: number): void {
  const { adopted } = draft;
  if (adopted !== null && adopted.replid === replid && offset > adopted.lastOffset) {
    draft.adopted = { ...adopted, lastOffset: offset };
  }
}

function followed(draft: Draft, before: NodeState, { info, sentAt }: PollInput): NodeState["follows"] {
  if (info.role !== "replica" || info.masterHost === null || info.masterPort === null) return null;
  const address = addressId(translate({ host: info.masterHost, port: info.masterPort }, draft.config.natMap));
  if (before.follows === null) return { address, movedAt: Number.NEGATIVE_INFINITY };
  const moved = resolve(draft, before.follows.address) !== resolve(draft, address);
  return { address, movedAt: moved ? sentAt : before.follows.movedAt };
}

function observeFailure(draft: Draft, input: PollFailedInput): boolean {
  const before = draft.nodes.get(input.node);
  if (before === undefined || isLate(before, input)) return false;
  const failure = { kind: input.kind, reason: input.reason, at: input.at, sentAt: input.sentAt };
  const alive = input.kind === "busy";
  const unconnectable = input.kind === "connect";
  patchNode(draft, input.node, {
    generation: input.generation,
    lastSeq: input.seq,
    reachable: alive && before.info !== null,
    failures: before.failures + 1,
    failure,
    troubledAt: before.troubledAt ?? input.at,
    unconnectableSince: unconnectable
      ? (before.unconnectableSince ?? input.sentAt)
      : alive
        ? null
        : before.unconnectableSince,
  });
  const firstSign = (before.reachable && !alive) || (unconnectable && before.unconnectableSince === null);
  if (firstSign) askAgain(draft);
  if (unconnectable) splitSeedAliases(draft, input.node);
  return true;
}

function observeRefusal(draft: Draft, input: RefusalInput): boolean {
  const before = draft.nodes.get(input.node);
  if (before === undefined) return false;
  const troubledAt = before.troubledAt ?? input.at;
  if (input.redirect !== undefined) addNamed(draft, input.redirect);
  switch (input.kind) {
    case "readonly":
    case "masterdown":
    case "loading":
      patchNode(draft, input.node, { doubtedAt: input.at, troubledAt });
      break;
    case "noreplicas":
      patchNode(draft, input.node, { refusedAt: input.at });
      break;
    case "busy":
      break;
  }
  askAgain(draft, input.kind === "busy" ? [input.node] : undefined);
  return true;
}

function observeLoss(draft: Draft, input: ConnectionLostInput): boolean {
  const before = draft.nodes.get(input.node);
  if (before === undefined) return false;
  patchNode(draft, input.node, { doubtedAt: input.at, troubledAt: before.troubledAt ?? input.at });
  askAgain(draft);
  return true;
}

function observeSentinel(draft: Draft, input: SentinelInput): boolean {
  const before = draft.sentinels.get(input.sentinel);
  const master = input.master ?? before?.master;
  if (master === undefined) return true;
  const named = resolve(draft, addressId(translate(master, draft.config.natMap)));
  const same =
    before !== undefined && resolve(draft, addressId(translate(before.master, draft.config.natMap))) === named;
  const changedAt = before === undefined ? Number.NEGATIVE_INFINITY : same ? before.changedAt : input.at;
  draft.sentinels.set(input.sentinel, { master, replicas: input.replicas, at: input.at, changedAt });
  if (!same) askAgain(draft);
  return true;
}
