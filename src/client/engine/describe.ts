import { describeNode, healthOf, presentMaster, topologyState } from "../topology/describe.js";
import type { TopologyState } from "../topology/state.js";
import type { CircuitState, NodeDescription, NodeTags, Topology, TopologyChange } from "../types.js";

/** What connections and marks know of a node, beyond the topology. */
export interface LiveFacts {
  readonly inFlight: number;
  readonly latencyMs: number | null;
  /** Newer than the last poll's, if not null. */
  readonly offset: number | null;
  readonly lagBytes: number | null;
  readonly stalenessMs: number | null;
  readonly zone: string | null;
  readonly tags: NodeTags;
  readonly circuit: CircuitState;
  /** Why the circuit is not closed; empty while it is. */
  readonly restReason: string;
}

/** The public picture of the topology at this moment: deeply frozen. */
export function describeTopology(state: TopologyState, live: (node: string) => LiveFacts): Topology {
  const nodes: NodeDescription[] = [];
  for (const id of state.nodes.keys()) {
    const facts = describeNode(state, id);
    if (facts === null) continue;
    const { inFlight, latencyMs, offset, lagBytes, stalenessMs, zone, tags, circuit, restReason } = live(id);
    nodes.push(
      Object.freeze({
        ...facts,
        aliases: Object.freeze([...facts.aliases]),
        offset: offset ?? facts.offset,
        lagBytes: lagBytes ?? facts.lagBytes,
        latencyMs: latencyMs ?? facts.latencyMs,
        stalenessMs,
        inFlight,
        zone,
        tags,
        circuit,
        ...(restReason === "" || facts.reason !== undefined ? {} : { reason: restReason }),
      }),
    );
  }
  const masterId = presentMaster(state);
  return Object.freeze({
    version: state.version,
    state: topologyState(state),
    master: nodes.find(({ id }) => id === masterId) ?? null,
    replicas: Object.freeze(nodes.filter(({ id, role }) => id !== masterId && role === "replica")),
    nodes: Object.freeze(nodes),
  });
}

const CIRCUIT_WORDS: Readonly<Record<CircuitState, string>> = {
  closed: "serving",
  open: "resting",
  halfOpen: "onTrial",
};

/** What is told of a node whose circuit has left the state `from`. */
export function circuitChange(
  { id, circuit }: { readonly id: string; readonly circuit: { readonly state: CircuitState; readonly reason: string } },
  from: CircuitState,
): TopologyChange {
  return {
    type: "nodeHealth",
    node: id,
    from: CIRCUIT_WORDS[from],
    to: CIRCUIT_WORDS[circuit.state],
    reason: circuit.reason === "" ? "reads are answered again" : circuit.reason,
  };
}

/** Each node and why it is not a master that can be used, for errors. `linkFailure`: why its data connection is down. */
export function nodeReasons(
  state: TopologyState,
  linkFailure: (node: string) => string,
): { node: string; reason: string }[] {
  return [...state.nodes.values()].map((node) => {
    const { health, reason } = healthOf(node);
    if (health !== "up") return { node: node.id, reason };
    const failure = linkFailure(node.id);
    if (failure !== "") return { node: node.id, reason: failure };
    return {
      node: node.id,
      reason: node.info?.role === "master" ? "says it is a master, which is not settled" : "is a replica",
    };
  });
}
