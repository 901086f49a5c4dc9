import type { NodeDescription, Topology } from "../types.js";
import type { NodeId } from "./address.js";
import type { TopologyState } from "./state.js";

/** What the topology knows of a node; the engine adds what connections know. */
export type NodeFacts = Omit<NodeDescription, "stalenessMs" | "inFlight">;

export declare function describeNode(state: TopologyState, node: NodeId): NodeFacts | null;
export declare function topologyState(state: TopologyState): Topology["state"];
/** Why a node can't serve reads of the adopted history; null = it can. A downed link is a reason unless `tolerateLinkDown`. */
export declare function unroutable(state: TopologyState, node: NodeId, tolerateLinkDown?: boolean): string | null;
export declare function serves(state: TopologyState, node: NodeId, tolerateLinkDown?: boolean): boolean;
