import { ConnectionBoundError, decorateReplyError, NoEligibleReplicaError, NoMasterError } from "../errors.js";
import { nodeReasons } from "./describe.js";
import type { NodeLink } from "./node-link.js";
import type { Operation } from "./operation.js";
import type { Surveyor } from "./surveyor.js";

/** What calls reject with when the nodes fail them, in words that name each node and its reason. */
export class CallErrors {
  constructor(
    private readonly host: {
      readonly failoverTimeoutMs: number;
      readonly links: ReadonlyMap<string, NodeLink>;
      readonly surveyor: Pick<Surveyor, "state" | "fatal">;
    },
  ) {}

  /** Each node and why it can't be used. */
  reasons(): { node: string; reason: string }[] {
    const { surveyor, links } = this.host;
    return nodeReasons(surveyor.state, (node) => links.get(node)?.lastFailure ?? "");
  }

  /** No master was found in time, or none can be. */
  noMaster(command: string): Error {
    const { surveyor, failoverTimeoutMs } = this.host;
    return surveyor.fatal ?? new NoMasterError(failoverTimeoutMs, this.reasons(), { command });
  }

  /** No replica may serve it, and it is for replicas alone. */
  noReplica({ name }: Operation, heldMs: number): Error {
    return new NoEligibleReplicaError(heldMs, this.reasons(), { command: name });
  }

  /** It was meant for one node only, and that node can't be reached. */
  notConnected(node: string, { name }: Operation): Error {
    const reason = this.host.links.get(node)?.lastFailure || "not connected";
    return new ConnectionBoundError(`${node} can't be reached: ${reason}`, { node, command: name, retriable: true });
  }
}

/** A server's error reply, with what is known of the call. */
export function replyError({ connection, name }: Operation, error: Error): Error {
  return decorateReplyError(error, { node: connection?.node, command: name });
}
