import { describe, expect, it } from "vitest";
import type { Engine } from "../../../../src/client/engine/engine.js";
import { NodeRoute } from "../../../../src/client/engine/node-route.js";
import type { Operation } from "../../../../src/client/engine/operation.js";

/** A route over an engine whose master is A, and all that is told to its ledger and sent, in order. */
function routeOf(options: { wasSent?: boolean } = {}) {
  const told: string[] = [];
  const connection = (node: string) => ({
    node,
    state: "open",
    unansweredWrites: false,
    send: () => told.push(`sent to ${node}`),
    wasSent: () => options.wasSent ?? true,
  });
  const links = new Map(["A", "B"].map((node) => [node, { connection: connection(node) }]));
  const ledger = {
    ackedElsewhere: () => told.push("acked"),
    unknown: () => told.push("unknown"),
    notApplied: () => told.push("not applied"),
  };
  const noteIssue = (operation: { ticket: unknown }): void => {
    told.push("issued");
    operation.ticket = {};
  };
  const engine = {
    links,
    ledger,
    noteIssue,
    history: { node: "A" },
    errors: { notConnected: () => new Error("not connected") },
  };
  const operation = {
    name: "set",
    ticket: null,
    connection: links.get("A")?.connection,
    succeed: () => {},
    fail: (error: Error) => told.push(error.name),
  };
  return {
    route: new NodeRoute(() => engine as unknown as Engine),
    operation: operation as unknown as Operation,
    links,
    told,
  };
}

describe("writes to one node by name", () => {
  it("to the master are known to the ledger before they are sent, and acknowledged when answered", () => {
    const { route, operation, told } = routeOf();
    route.send(operation, "A");
    route.replied(operation, "OK");
    expect(told).toEqual(["issued", "sent to A", "acked"]);
  });

  it("to a replica are nothing that routed reads could miss", () => {
    const { route, operation, told } = routeOf();
    route.send(operation, "B");
    route.replied(operation, "OK");
    expect(told).toEqual(["sent to B"]);
  });

  it("that were sent and not answered are of unknown outcome, and the next connection kills this one", () => {
    const { route, operation, links, told } = routeOf();
    route.send(operation, "A");
    route.failed(operation, new Error("Connection is closed."));
    expect(told).toEqual(["issued", "sent to A", "unknown", "UnknownOutcomeError"]);
    expect(links.get("A")?.connection.unansweredWrites).toBe(true);
  });

  it("that never left were not applied", () => {
    const { route, operation, told } = routeOf({ wasSent: false });
    route.send(operation, "A");
    route.failed(operation, new Error("Connection is closed."));
    expect(told).toEqual(["issued", "sent to A", "not applied", "Error"]);
  });
});
