import { NoMasterError, UnsupportedServerError } from "../errors.js";
import type { NodeState, TopologyState } from "../topology/state.js";

/**
 * Codes by which TLS says that the two sides will not agree, however often they try. A connection that merely ended in
 * the middle of its greeting is none of these: a server that restarts does that.
 */
const NO_AGREEMENT =
  /\b(?:CERT_[A-Z_]+|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT[A-Z_]*|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF|DECODE_ISSUER)[A-Z_]*|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_[A-Z0-9_]*ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|HANDSHAKE_FAILURE|PROTOCOL_VERSION))\b/;

/**
 * Why nothing is worth waiting for: every node was asked, and each refuses this client for a reason that a person must
 * mend. Null as long as one node answers, or fails in a way that may pass. The nodes are asked on all the same.
 *
 * A client that was let in before has the right password and authority: what is refused then was changed on the other
 * side (a user deleted and made anew, a password or certificate on its way), and is waited for like a failover.
 */
export function hopeless({ nodes, adopted }: TopologyState): Error | null {
  const reasons: { node: string; reason: string }[] = [];
  let usable = false;
  for (const node of nodes.values()) {
    const { failure } = node;
    if (failure === null || node.reachable || !isLasting(node, adopted === null)) return null;
    reasons.push({ node: node.id, reason: failure.reason });
    usable ||= failure.kind !== "unsupported";
  }
  const last = reasons.at(-1);
  if (last === undefined) return null;
  return usable ? new NoMasterError(null, reasons) : unsupported(last);
}

function isLasting({ failure }: NodeState, stranger: boolean): boolean {
  switch (failure?.kind) {
    case "unsupported":
      return true;
    case "auth":
      return stranger;
    case "connect":
      return stranger && NO_AGREEMENT.test(failure.reason);
    default:
      return false;
  }
}

function unsupported({ node, reason }: { node: string; reason: string }): Error {
  return new UnsupportedServerError(reason.includes("Sentinel") ? "sentinel" : "cluster", node);
}
