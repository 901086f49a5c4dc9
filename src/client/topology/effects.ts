import type { TopologyChange } from "../types.js";
import type { Address, NodeId } from "./address.js";
import type { HistoryLink } from "./state.js";

/** Why a master was adopted. */
export type AdoptReason =
  | "first"
  | "succession"
  | "evidence"
  | "sentinel"
  | "policy"
  | "replidRenewed"
  | "restart"
  | "rolledBack"
  | "unrelated";

/** What is to be done after an input, in this order. */
export type Effect =
  | { readonly type: "emit"; readonly change: TopologyChange }
  /** Poll these now. */
  | { readonly type: "check"; readonly nodes: readonly NodeId[] }
  /** Send a tick at this monotonic time, if no other wakeAt comes before. Replaces the former one. */
  | { readonly type: "wakeAt"; readonly at: number }
  /**
   * A new master, a new history or both. `link` converts what is known of the former history; null =
   * unknown, nothing of it is proven in the new one. With `proven` false the link (if any) doesn't cover it all.
   * `from` is the former history, null at first. Comes before `resumeWrites`.
   */
  | {
      readonly type: "adopt";
      readonly node: NodeId;
      readonly from: string | null;
      readonly replid: string;
      readonly runId: string | null;
      readonly link: HistoryLink | null;
      readonly proven: boolean;
      readonly reason: AdoptReason;
    }
  /** No node may be written to. Repeated when reason or `sharedBelow` change. What lies below `sharedBelow` is common to all claimants. */
  | { readonly type: "holdWrites"; readonly reason: string; readonly sharedBelow: number | null }
  /** This node may be written to. */
  | { readonly type: "resumeWrites"; readonly node: NodeId }
  /** `name`: the seed of which this is one address, with whose credentials it is spoken to. */
  | {
      readonly type: "addNode";
      readonly node: NodeId;
      readonly address: Address | { readonly path: string };
      readonly name: NodeId | null;
    }
  /** `aliasOf`: it was only another address of that node. */
  | { readonly type: "removeNode"; readonly node: NodeId; readonly aliasOf: NodeId | null };
