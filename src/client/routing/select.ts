import type { Random } from "../../core/random.js";
import { ANY, MASTER, type Need } from "../consistency/need.js";
import type { Consistency } from "../types.js";
import { lighterOfTwo, lightest } from "./choose.js";
import { hasTags, narrow, type Placed, type Preference } from "./prefer.js";
import type { ReadFromForm } from "./selector.js";

/** A node, at one moment, as values. */
export interface SelectionCandidate extends Placed {
  readonly id: string;
  readonly isMaster: boolean;
  readonly serves: boolean;
  readonly inRotation: boolean;
  /** What it surely has applied; null = unknown. */
  readonly mark: number | null;
  /** What it probably has applied; null = no guess. */
  readonly likelyOffset: number | null;
  /** Milliseconds; null = unknown. */
  readonly stalenessMs: number | null;
  readonly lagBytes: number | null;
  /** As many bytes are on their way to it as may be. */
  readonly full: boolean;
  readonly resting: boolean;
  /** Why it rests, in words; empty while it doesn't. */
  readonly restReason: string;
}

/** A read, as values. */
export interface SelectionRequest {
  /** A word, or the ids that a `readFrom` function returned, in order. */
  readonly readFrom: ReadFromForm | readonly string[];
  readonly consistency: Consistency;
  /** Of the ledger; without meaning for `eventual`. */
  readonly need: Need;
  readonly maxStalenessMs?: number;
  readonly maxLagBytes?: number;
  /** The tolerances as an offset (`samples.offsetWithin()`, `needWithinLag()`), which a fence in front can prove. */
  readonly toleranceOffset?: Need;
  /** While it is undecided who is master: a `session` read passes over a replica that has applied so much, or more. */
  readonly sharedBelow?: number;
  /** Null = by load alone. A function's order stands above it. */
  readonly preference: Preference | null;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** How long it has been held or has waited already. */
  readonly waitedMs: number;
  readonly readHoldMs: number;
  readonly failoverTimeoutMs: number;
}

/** What is to be done with a read. */
export type Selection =
  | { readonly kind: "node"; readonly node: string; readonly viaFence: boolean }
  | { readonly kind: "hold" | "wait"; readonly reason: string }
  | { readonly kind: "fail"; readonly code: "NO_ELIGIBLE_REPLICA" | "NO_MASTER" };

/** A selection with what spoke for and against each node. */
export interface ExplainedSelection {
  readonly selection: Selection;
  readonly nodes: readonly { readonly node: string; readonly eligible: boolean; readonly reason: string }[];
}

type Verdict = "eligible" | "likely" | "no";
interface Judged {
  readonly node: SelectionCandidate;
  readonly verdict: Verdict;
  readonly reason: string;
}

/** The decision table of API.md, in full words; the engine's hot path is `Selector`, which decides the same. */
export function select(
  request: SelectionRequest,
  candidates: readonly SelectionCandidate[],
  random: Random,
): Selection {
  return explainSelection(request, candidates, random).selection;
}

/** {@link select}, with a reason for every node. */
export function explainSelection(
  request: SelectionRequest,
  candidates: readonly SelectionCandidate[],
  random: Random,
): ExplainedSelection {
  const judged = candidates.map((node) => (node.isMaster ? judgeMaster(node) : judgeReplica(node, request)));
  const selection = decide(request, judged, random);
  return {
    selection,
    nodes: judged.map(({ node, verdict, reason }) => {
      const aside = verdict === "eligible" ? leftAside(node, request, judged) : null;
      return { node: node.id, eligible: verdict === "eligible" && aside === null, reason: aside ?? reason };
    }),
  };
}

/** Why a node that is eligible is left out; null = it isn't. */
function leftAside(node: SelectionCandidate, request: SelectionRequest, judged: readonly Judged[]): string | null {
  const { preference, readFrom, consistency, now } = request;
  if (typeof readFrom !== "string") {
    if (!readFrom.includes(node.id)) return "is not among those that readFrom returned";
  } else if (consistency !== "strong" && readFrom === (node.isMaster ? "replica" : "master"))
    return node.isMaster ? "is the master, which is never asked" : "is a replica, and only the master is asked";
  if (node.resting && !node.isMaster) return `rests: ${node.restReason}`;
  const nearest = readFrom === "nearest";
  if (preference === null || typeof readFrom !== "string" || consistency === "strong" || readFrom === "master")
    return null;
  if (node.isMaster && !nearest) return null;
  const among = judged
    .filter((one) => one.verdict === "eligible" && (one.node.isMaster ? nearest : !one.node.resting))
    .map((one) => one.node);
  const left = (by: Partial<Preference>): boolean => {
    const nodes = among.slice();
    const count = narrow(nodes, nodes.length, { tags: null, zone: null, latencyWindowMs: null, ...by }, now);
    return !nodes.slice(0, count).includes(node);
  };
  const { tags, zone, latencyWindowMs } = preference;
  if (tags !== null && left({ tags })) {
    return tags.some((wanted) => hasTags(node, wanted))
      ? "has tags that are less preferred than those of another node"
      : "does not have the tags that are asked for";
  }
  if (left({ tags, zone })) return `is not in the zone ${zone}, and another node is`;
  if (left({ tags, zone, latencyWindowMs }))
    return `is slower than the fastest by more than the ${latencyWindowMs} ms of latencyWindowMs`;
  return null;
}

function judgeMaster(node: SelectionCandidate): Judged {
  if (!node.serves) return { node, verdict: "no", reason: "is the master, but not to be used now" };
  return { node, verdict: "eligible", reason: "is the master" };
}

function judgeReplica(node: SelectionCandidate, request: SelectionRequest): Judged {
  const no = (reason: string): Judged => ({ node, verdict: "no", reason });
  if (request.consistency === "strong") return no("is a replica, and the read is strong");
  if (!node.serves) return no("is not routable");
  if (node.full) return no("has not answered as many bytes as limits.inFlightBytesPerNode allows");
  const tolerant = request.maxStalenessMs !== undefined || request.maxLagBytes !== undefined;
  const need = request.consistency === "eventual" ? ANY : request.need;
  const { sharedBelow = Number.POSITIVE_INFINITY, consistency } = request;
  if (consistency === "session" && (node.mark ?? ANY) >= sharedBelow)
    return no(`has applied ${node.mark}; only what lies below ${sharedBelow} is common to all who claim to be master`);
  if (need === ANY && !tolerant) return { node, verdict: "eligible", reason: "is routable" };
  if (!node.inRotation) return no("is not in rotation: what it has applied is unknown or too old");
  if (need === MASTER) return no("cannot have a write that is not resolved yet: only the master is sure to show it");
  const short = shortOf(node, node.mark, need, request);
  if (short === null) return { node, verdict: "eligible", reason: "has applied what the read needs" };
  const wanted = Math.max(need, tolerant ? (request.toleranceOffset ?? MASTER) : ANY);
  if ((node.likelyOffset ?? ANY) >= wanted) return { node, verdict: "likely", reason: `${short}; likely by now` };
  return no(short);
}

function shortOf(node: SelectionCandidate, mark: number | null, need: Need, request: SelectionRequest): string | null {
  if (mark === null) return "has no mark";
  if (mark < need) return `has applied ${mark}, the read needs ${need}`;
  const { maxStalenessMs, maxLagBytes } = request;
  if (maxStalenessMs !== undefined && !((node.stalenessMs ?? Number.POSITIVE_INFINITY) <= maxStalenessMs)) {
    return `may be stale by ${node.stalenessMs ?? "an unknown number of"} ms, ${maxStalenessMs} are tolerated`;
  }
  if (maxLagBytes !== undefined && !((node.lagBytes ?? Number.POSITIVE_INFINITY) <= maxLagBytes)) {
    return `may lag by ${node.lagBytes ?? "an unknown number of"} bytes, ${maxLagBytes} are tolerated`;
  }
  return null;
}

function decide(request: SelectionRequest, judged: readonly Judged[], random: Random): Selection {
  const readFrom = request.consistency === "strong" ? "master" : request.readFrom;
  const master = judged.find(({ node, verdict }) => node.isMaster && verdict === "eligible")?.node;
  const { preference, now } = request;
  const preferred = (nodes: SelectionCandidate[]): SelectionCandidate[] =>
    preference === null ? nodes : nodes.slice(0, narrow(nodes, nodes.length, preference, now));
  const of = (verdict: Verdict, resting: boolean) =>
    judged
      .filter((one) => !one.node.isMaster && one.verdict === verdict && one.node.resting === resting)
      .map((one) => one.node);
  const served = (node: SelectionCandidate, viaFence = false): Selection => ({ kind: "node", node: node.id, viaFence });
  const byReplica = (resting: boolean): Selection | null => {
    const eligible = preferred(of("eligible", resting));
    if (eligible.length > 0) return served(lighterOfTwo(eligible, eligible.length, now, random));
    const likely = preferred(of("likely", resting));
    return likely.length > 0 ? served(lighterOfTwo(likely, likely.length, now, random), true) : null;
  };
  // Better a node that fails often than none.
  const byMaster = (): Selection => (master ? served(master) : (byReplica(true) ?? pause(request, "wait")));

  if (typeof readFrom !== "string") {
    const eligible = readFrom
      .map((id) => judged.find(({ node }) => node.id === id))
      .filter((one) => one?.verdict === "eligible");
    const first = eligible.find((one) => one?.node.isMaster || !one?.node.resting) ?? eligible[0];
    return first ? served(first.node) : pause(request, "hold");
  }
  switch (readFrom) {
    case "master":
      return master ? served(master) : pause(request, "wait");
    case "masterPreferred":
      return master ? served(master) : (byReplica(false) ?? byMaster());
    case "replica":
      return byReplica(false) ?? byReplica(true) ?? pause(request, "hold");
    case "replicaPreferred":
      return byReplica(false) ?? byMaster();
    case "nearest": {
      const eligible = preferred(master ? [...of("eligible", false), master] : of("eligible", false));
      if (eligible.length > 0) return served(lightest(eligible, eligible.length, now, random));
      return byReplica(false) ?? byMaster();
    }
  }
}

function pause(request: SelectionRequest, kind: "hold" | "wait"): Selection {
  if (kind === "hold") {
    if (request.waitedMs >= request.readHoldMs) return { kind: "fail", code: "NO_ELIGIBLE_REPLICA" };
    return { kind, reason: "no replica is eligible, and the master is not asked" };
  }
  if (request.waitedMs >= request.failoverTimeoutMs) return { kind: "fail", code: "NO_MASTER" };
  return { kind, reason: "no master is known" };
}
