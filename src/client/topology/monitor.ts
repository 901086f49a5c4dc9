import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { NodeId } from "./address.js";
import type { TopologyInput } from "./input.js";
import type { PollFailure } from "./state.js";

/** What a probe (INFO over a node's control connection, opened anew if need be) found. It never rejects. */
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
  readonly config: { readonly pollIntervalMs: number; readonly heartbeatTimeoutMs: number };
  /** Asks one node. `signal` aborts when the heartbeat timeout has passed: the socket is then to be destroyed. */
  readonly probe: (node: NodeId, signal: AbortSignal) => Promise<ProbeResult>;
  readonly onInput: (input: TopologyInput) => void;
}

export declare class Monitor {
  constructor(options: MonitorOptions);
  /** Starts a loop for the node; its first probe goes out at once. */
  addNode(node: NodeId): void;
  removeNode(node: NodeId): void;
  /** Probes these nodes (all without an argument) as soon as the minimum gap allows. Repeated requests coalesce. */
  requestCheck(nodes?: readonly NodeId[]): void;
  /** While true (no master known) all nodes are polled fast, with gaps that grow from 50 ms to the poll interval. */
  setUrgent(urgent: boolean): void;
  /** Hands in a tick at this monotonic time; replaces the former one. */
  wakeAt(at: number): void;
  /** Leaves no timer; results that come later are dropped. */
  stop(): void;
}
