import type { NodeId } from "./address.js";
import type { Effect } from "./effects.js";
import type { TopologyInput } from "./input.js";
import type { Seed, TopologyConfig, TopologyState } from "./state.js";

export interface Reduced {
  readonly state: TopologyState;
  readonly effects: readonly Effect[];
}

export declare function initialTopology(config: TopologyConfig, seeds: readonly Seed[]): TopologyState;
export declare function reduce(state: TopologyState, input: TopologyInput): Reduced;
/** With `at`: null too when the last verification is older than poll interval + heartbeat timeout. */
export declare function writableMaster(state: TopologyState, at?: number): NodeId | null;
