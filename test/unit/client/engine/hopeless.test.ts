import { describe, expect, it } from "vitest";
import { hopeless } from "../../../../src/client/engine/hopeless.js";
import type { PollFailure, TopologyState } from "../../../../src/client/topology/state.js";

type Failure = readonly [kind: PollFailure, reason: string];

const WRONGPASS: Failure = ["auth", "WRONGPASS invalid username-password pair or user is disabled."];
const EXPIRED: Failure = ["connect", "CERT_HAS_EXPIRED: certificate has expired"];
const CLUSTER: Failure = ["unsupported", "A runs in cluster mode"];

/** Nodes by what was last heard of them: a failure, "up", or nothing yet. */
function stateOf(nodes: readonly (Failure | "up" | "new")[], adopted = false): TopologyState {
  const entries = nodes.map((node, i) => {
    const id = "ABC"[i] as string;
    const failure = typeof node === "string" ? null : { kind: node[0], reason: node[1] };
    return [id, { id, reachable: node === "up", failure }] as const;
  });
  return { nodes: new Map(entries), adopted: adopted ? {} : null } as unknown as TopologyState;
}

const of = (...nodes: (Failure | "up" | "new")[]) => hopeless(stateOf(nodes));

describe("nothing is worth waiting for", () => {
  it.each<[string, Failure]>([
    ["a wrong password", WRONGPASS],
    ["no password", ["auth", "NOAUTH Authentication required."]],
    ["no permission for INFO", ["auth", "NOPERM this user has no permissions to run the 'info' command"]],
    ["an expired certificate", EXPIRED],
    ["a foreign authority", ["connect", "SELF_SIGNED_CERT_IN_CHAIN: self-signed certificate in certificate chain"]],
    ["an unknown authority", ["connect", "UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable to verify the first certificate"]],
    ["another name", ["connect", "ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames"]],
    [
      "no certificate of ours",
      ["connect", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: tlsv13 alert certificate required"],
    ],
    ["no TLS on the other side", ["connect", "ERR_SSL_WRONG_VERSION_NUMBER: wrong version number"]],
  ])("where all nodes fail for %s", (_why, failure) => {
    const error = of(failure, failure);
    expect(error).toMatchObject({ code: "IOREPLICA_NO_MASTER", sent: "no" });
    expect(error?.message).toMatch(/^No master can be found: /);
    expect(error?.message).toContain(`A: ${failure[1]}`);
    expect(error?.message).toContain(`B: ${failure[1]}`);
  });

  it("where they fail for different lasting reasons, too", () => {
    expect(of(WRONGPASS, EXPIRED, CLUSTER)?.message).toMatch(/WRONGPASS.*CERT_HAS_EXPIRED.*cluster/);
  });

  it("where all are of a kind that this client can't use, and says which", () => {
    expect(of(CLUSTER, CLUSTER)).toMatchObject({ code: "IOREPLICA_UNSUPPORTED_SERVER", node: "B" });
  });

  it.each<[string, readonly (Failure | "up" | "new")[]]>([
    ["one node answers", [WRONGPASS, "up"]],
    ["one was not asked yet", [WRONGPASS, "new"]],
    ["one refuses connections, and may be started", [WRONGPASS, ["connect", "ECONNREFUSED: connect ECONNREFUSED"]]],
    ["one does not answer", [EXPIRED, ["timeout", "no answer in time"]]],
    ["one is busy", [WRONGPASS, ["busy", "BUSY"]]],
    [
      "a connection ended in the middle of its greeting",
      [["connect", "ECONNRESET: Client network socket disconnected before secure TLS connection was established"]],
    ],
    ["no node is known", []],
  ])("but not while %s", (_why, nodes) => {
    expect(of(...nodes)).toBeNull();
  });

  it("but a client that was let in before waits until it is again", () => {
    expect(hopeless(stateOf([WRONGPASS], true))).toBeNull();
    expect(hopeless(stateOf([EXPIRED], true))).toBeNull();
    expect(hopeless(stateOf([CLUSTER], true))).not.toBeNull();
  });
});
