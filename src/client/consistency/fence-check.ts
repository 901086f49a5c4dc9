import { backlogStartedAnew, type FenceFacts } from "./fence-facts.js";

/** What the topology and the node's mark say that the fence behind a read must show. */
export interface FenceExpectation {
  readonly role: "master" | "replica";
  /** The adopted history. */
  readonly replid: string;
  /** The node's mark, or what the read needed if that is higher; -1 = nothing is known. */
  readonly offset: number;
  /** Of the fence that made the mark; -1 = nothing is known. */
  readonly backlogFirstByte: number;
}

/** Why the values in front of a fence may not be handed out. */
export type FenceVerdict = "ok" | "role" | "replid" | "syncing" | "offset" | "backlog";

/** Judges the fence behind a read. Anything but `"ok"`: the mark is void and the read goes elsewhere. */
export function judgeFence(fence: FenceFacts, expected: FenceExpectation): FenceVerdict {
  if (fence.role !== expected.role) return "role";
  if (fence.replid !== expected.replid) return "replid";
  if (fence.syncInProgress) return "syncing";
  if (fence.offset < expected.offset) return "offset";
  // A master's backlog may start anew (first replica, resize) without its data having moved.
  if (expected.role === "replica" && expected.backlogFirstByte >= 0 && backlogStartedAnew(expected, fence))
    return "backlog";
  return "ok";
}
