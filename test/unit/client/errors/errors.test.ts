import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import * as errors from "../../../../src/client/errors.js";

const place = { node: "10.0.0.1:6379", command: "SET" };
const nodes = [
  { node: "a:1", reason: "ECONNREFUSED" },
  { node: "b:2", reason: "a replica of a:1" },
];

/** One of each class, with the texts that callers may have in their logs: these are kept stable. */
const all: readonly [Error, string, boolean, errors.Sent, string][] = [
  [
    new errors.InvalidOptionError("pollIntervalMs", "must be …; got 1"),
    "INVALID_OPTION",
    false,
    "no",
    'Option "pollIntervalMs" must be …; got 1',
  ],
  [new errors.InvalidOptionError("", "Exactly one …"), "INVALID_OPTION", false, "no", "Exactly one …"],
  [
    new errors.InvalidArgumentError("Argument 2 is undefined", { command: "set" }),
    "INVALID_ARGUMENT",
    false,
    "no",
    "Argument 2 is undefined (SET)",
  ],
  [new errors.ClientClosedError(place), "CLIENT_CLOSED", false, "no", "Connection is closed."],
  [
    new errors.ClientClosedError({ ...place, sent: "unknown" }),
    "CLIENT_CLOSED",
    false,
    "unknown",
    "Connection is closed.",
  ],
  [
    new errors.NoMasterError(10_000, nodes, { command: "set" }),
    "NO_MASTER",
    true,
    "no",
    "No master was found within 10000 ms (failoverTimeoutMs): a:1: ECONNREFUSED; b:2: a replica of a:1 (SET)",
  ],
  [
    new errors.NoMasterError(1, []),
    "NO_MASTER",
    true,
    "no",
    "No master was found within 1 ms (failoverTimeoutMs): no node is known",
  ],
  [
    new errors.NoEligibleReplicaError(20, nodes),
    "NO_ELIGIBLE_REPLICA",
    true,
    "no",
    "No replica could serve the read within 20 ms (readHoldMs): a:1: ECONNREFUSED; b:2: a replica of a:1",
  ],
  [
    new errors.QueueFullError("limits.queuedCommands", 10_000),
    "QUEUE_FULL",
    true,
    "no",
    "A queue is full: limits.queuedCommands is 10000",
  ],
  [
    new errors.TimeoutError(5, { ...place, sent: "no" }),
    "TIMEOUT",
    true,
    "no",
    "No reply within 5 ms (timeoutMs) (SET on 10.0.0.1:6379)",
  ],
  [new errors.TimeoutError(5, { sent: "unknown" }), "TIMEOUT", false, "unknown", "No reply within 5 ms (timeoutMs)"],
  [new errors.AbortedError({ sent: "unknown" }), "ABORTED", false, "unknown", "The call was aborted by its signal"],
  [
    new errors.UnknownOutcomeError("the connection was lost", place),
    "UNKNOWN_OUTCOME",
    false,
    "unknown",
    "It is unknown whether the command was applied: the connection was lost (SET on 10.0.0.1:6379)",
  ],
  [
    new errors.NotReplicatedError({ reply: "OK", acked: 0, wanted: 1 }),
    "NOT_REPLICATED",
    false,
    "yes",
    "The write is applied, but 0 of 1 replicas confirmed it",
  ],
  [
    new errors.WritesLostError([{ replid: "f00d", fromOffset: 5, toOffset: 9, proven: true }]),
    "WRITES_LOST",
    true,
    "no",
    "A failover took writes that this session had seen: f00d 5..9",
  ],
  [new errors.InvalidTokenError("is expired"), "INVALID_TOKEN", false, "no", "The session token is expired"],
  [
    new errors.CursorLostError(),
    "CURSOR_LOST",
    false,
    "no",
    "The node that issued this cursor is gone; start again with cursor 0",
  ],
  [
    new errors.CutOffError(4, { command: "lrange" }),
    "CUT_OFF",
    false,
    "unknown",
    "The server closed the connection 4 times instead of answering; is the reply larger than its client-output-buffer-limit? (LRANGE)",
  ],
  [
    new errors.TransactionConflictError(5),
    "TRANSACTION_CONFLICT",
    true,
    "yes",
    "A watched key was changed by others in each of 5 tries",
  ],
  [new errors.UnknownNodeError("x:1", ["a:1"]), "UNKNOWN_NODE", false, "no", "Unknown node x:1; known are a:1"],
  [new errors.UnknownNodeError("x:1", []), "UNKNOWN_NODE", false, "no", "Unknown node x:1; known are none"],
  [
    new errors.ConnectionBoundError("The function has settled", { command: "get" }),
    "CONNECTION_BOUND",
    false,
    "no",
    "The function has settled (GET)",
  ],
  [
    new errors.UnsupportedServerError("cluster", "a:1"),
    "UNSUPPORTED_SERVER",
    false,
    "no",
    "a:1 runs in cluster mode; use the Cluster class of ioredis",
  ],
  [
    new errors.UnsupportedServerError("sentinel", "a:1"),
    "UNSUPPORTED_SERVER",
    false,
    "no",
    'a:1 is a Sentinel; give it as { sentinels: [{ host, port }], name: "<master name>" }',
  ],
  [
    new errors.PoolExhaustedError(50, 5000),
    "POOL_EXHAUSTED",
    true,
    "no",
    "No dedicated connection became free within 5000 ms (pool.acquireTimeoutMs); pool.max is 50",
  ],
];

describe("the client's own errors", () => {
  it.each(all)("%o", (error, code, retriable, sent, message) => {
    expect(error).toBeInstanceOf(errors.IoreplicaError);
    expect(error).toMatchObject({ code: `IOREPLICA_${code}`, retriable, sent });
    expect(error.message).toBe(message);
    expect(error.name).toBe(error.constructor.name);
    expect(error.stack).toContain(`${error.name}: ${message}`.split("\n")[0]);
  });

  it("cover every code once, and every class", () => {
    const codes = new Set(all.map(([, code]) => code));
    expect(codes.size).toBe(19);
    const classes = Object.values(errors).filter(
      (each) => typeof each === "function" && each.prototype instanceof errors.IoreplicaError,
    );
    expect(new Set(all.map(([error]) => error.constructor))).toEqual(new Set(classes));
  });

  it("say where: node, and the command without its values", () => {
    const error = new errors.UnknownOutcomeError("why", { ...place, cause: new Error("reset"), verdict: "lost" });
    expect(error).toMatchObject({
      node: "10.0.0.1:6379",
      command: { name: "set", args: [] },
      verdict: "lost",
      cause: { message: "reset" },
    });
    const bare = new errors.UnknownOutcomeError("why");
    expect("node" in bare || "command" in bare || "verdict" in bare || "cause" in bare).toBe(false);
  });

  it("never retriable when the command may have run and could run twice", () => {
    for (const [, , retriable, sent] of all) if (sent === "unknown") expect(retriable).toBe(false);
  });

  it("NotReplicatedError holds the reply, and does not show it", () => {
    const error = new errors.NotReplicatedError({ reply: "canary-4711", acked: 1, wanted: 2 });
    expect(error).toMatchObject({ acked: 1, wanted: 2 });
    expect(error.reply).toBe("canary-4711");
    expect(`${inspect(error)}${JSON.stringify(error)}`).not.toContain("canary");
  });
});
