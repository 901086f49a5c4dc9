import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { NodeId } from "./address.js";
import type { TopologyInput } from "./input.js";
import type { PollFailure } from "./state.js";

/** What a probe (INFO over a node's control connection, opened anew if need be) found. */
export type ProbeResult =
  | {
      readonly ok: true;
      readonly generation: number;
      readonly info: ReplicationInfo;
      readonly runId: string | null;
      readonly loading: boolean;
      readonly known?: { readonly replid: string; readonly offset: number };
    }
  | { readonly ok: false; readonly generation: number; readonly kind: PollFailure; readonly reason: string };

export interface MonitorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: {
    readonly pollIntervalMs: number;
    readonly heartbeatTimeoutMs: number;
    readonly failoverTimeoutMs: number;
  };
  /**
   * Asks one node. `signal` aborts when the heartbeat timeout has passed; the probe then destroys its socket
   * and resolves: `connect` if it was a new connection that didn't come about, `timeout` otherwise. One that has
   * not resolved a millisecond later counts as `timeout`. It should not reject; a rejection counts as `protocol`.
   */
  readonly probe: (node: NodeId, signal: AbortSignal) => Promise<ProbeResult>;
  readonly onInput: (input: TopologyInput) => void;
}

/** Mean gap between probes of one node, whoever asks; and the first gap while there is no master. Milliseconds. */
export const MIN_GAP_MS = 10;

/** The longest gap between two rounds of probes while calls may be waiting for a master. Milliseconds. */
export const URGENT_GAP_MS = 100;
