import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { Address, NodeId } from "./address.js";
import type { PollFailure } from "./state.js";

/** Refusals that say something of the topology. */
export type RefusalKind = "readonly" | "loading" | "masterdown" | "noreplicas" | "busy";

interface At {
  /** Monotonic milliseconds at which the client learned it. */
  readonly at: number;
}

interface Sent extends At {
  readonly node: NodeId;
  /** Monotonic milliseconds at which the question was sent. */
  readonly sentAt: number;
  /** Order of sending, per node, rising. */
  readonly seq: number;
  /** Counter of the node's connection that carried it. */
  readonly generation: number;
}

/** `INFO` answered. `known`: the highest offset that fences have shown of the adopted history, if higher than polls could. */
export interface PollInput extends Sent {
  readonly type: "poll";
  readonly info: ReplicationInfo;
  readonly runId: string | null;
  readonly loading: boolean;
  readonly latencyMs: number;
  readonly known?: { readonly replid: string; readonly offset: number };
}

/** `INFO` was not answered, or not by an INFO. */
export interface PollFailedInput extends Sent {
  readonly type: "pollFailed";
  readonly kind: PollFailure;
  readonly reason: string;
}

/** A command was refused in a way that concerns the topology. An old one only leads to one more question. */
export interface RefusalInput extends At {
  readonly type: "refusal";
  readonly node: NodeId;
  readonly kind: RefusalKind;
  /** Where the server says that the master is; it is asked, and nothing else follows from it. */
  readonly redirect?: Address | undefined;
}

/** A connection ended without our asking. */
export interface ConnectionLostInput extends At {
  readonly type: "connectionLost";
  readonly node: NodeId;
}

/** A Sentinel's word; verified by INFO before anything follows from it. */
export interface SentinelInput extends At {
  readonly type: "sentinel";
  /** Which Sentinel, by address. */
  readonly sentinel: string;
  readonly master: Address | null;
  readonly replicas: readonly Address[];
}

/** A name of the application's was looked up. */
export interface LookupInput extends At {
  readonly type: "lookup";
  /** The seed. */
  readonly name: NodeId;
  /** The answer: all that it stands for, or some of that; an empty one says nothing. */
  readonly addresses: readonly Address[];
}

export interface TickInput extends At {
  readonly type: "tick";
}

export type TopologyInput =
  | PollInput
  | PollFailedInput
  | RefusalInput
  | ConnectionLostInput
  | SentinelInput
  | LookupInput
  | TickInput;
