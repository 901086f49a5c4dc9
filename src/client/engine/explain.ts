import { explainSelection, type SelectionCandidate } from "../routing/select.js";
import type { Explanation } from "../types.js";
import type { Engine } from "./engine.js";
import { keysOfCall } from "./function-order.js";
import type { Operation } from "./operation.js";
import type { Scope } from "./scope.js";

/** Where this command would go now, and why not elsewhere. Nothing is sent. */
export function explain(engine: Engine, operation: Operation, scope: Scope): Explanation {
  const { spec, view } = operation;
  const command = spec.name.replace("|", " ").toUpperCase();
  const master = engine.lane.isOpen ? (engine.history?.node ?? null) : null;
  const nodes = engine.topology.nodes;
  const notMaster = (reason: string): { node: string; reason: string }[] =>
    nodes.filter(({ id }) => id !== master).map(({ id }) => ({ node: id, reason }));
  if (scope.node !== null)
    return {
      command,
      intent: "dedicated",
      node: scope.node,
      reason: "the client speaks to this node only",
      others: [],
    };
  if (spec.intent === "dedicated") {
    return {
      command,
      intent: "dedicated",
      node: master,
      reason: "needs a connection of its own, to the master",
      others: notMaster("is not the master"),
    };
  }
  if (spec.intent === "pinned" && scope.scanHome !== null) {
    return {
      command,
      intent: "pinned",
      node: scope.scanHome,
      reason: "is the home of this view's scan",
      others: nodes
        .filter(({ id }) => id !== scope.scanHome)
        .map(({ id }) => ({ node: id, reason: "cursors of another node mean nothing there" })),
    };
  }
  if (spec.intent === "write" || spec.intent === "master") {
    const why = spec.known
      ? spec.intent === "write"
        ? "a write goes to the master"
        : "neither a read nor a write: goes to the master"
      : "an unknown command is taken for a write";
    return {
      command,
      intent: "write",
      node: master,
      reason: master === null ? `${why}, and there is none now` : why,
      others: notMaster("is not the master"),
    };
  }
  const { selection, nodes: judged } = explainSelection(
    {
      readFrom:
        typeof view.readFrom === "string"
          ? view.readFrom
          : view
              .readFrom(nodes, {
                command: spec.name,
                keys: keysOfCall(operation),
                consistency: view.consistency,
                ...(view.maxStalenessMs === null ? {} : { maxStalenessMs: view.maxStalenessMs }),
              })
              .map(({ id }) => id),
      consistency: view.consistency,
      need: engine.reader.needFor(operation),
      ...(view.maxStalenessMs === null ? {} : { maxStalenessMs: view.maxStalenessMs }),
      ...(view.maxLagBytes === null ? {} : { maxLagBytes: view.maxLagBytes }),
      sharedBelow: engine.sharedBelow,
      preference: view.preference,
      now: engine.clock.now(),
      waitedMs: 0,
      readHoldMs: engine.options.readHoldMs,
      failoverTimeoutMs: engine.options.failoverTimeoutMs,
    },
    candidates(engine),
    engine.random,
  );
  const node = selection.kind === "node" ? selection.node : null;
  return {
    command,
    intent: spec.intent === "pinned" ? "pinned" : "read",
    node,
    reason:
      node === null
        ? "reason" in selection
          ? selection.reason
          : "nobody may serve it"
        : (judged.find((one) => one.node === node)?.reason ?? "chosen"),
    others: judged
      .filter((one) => one.node !== node)
      .map((one) => ({ node: one.node, reason: one.eligible ? "could serve it too" : one.reason })),
  };
}

function candidates(engine: Engine): SelectionCandidate[] {
  return [...engine.links.values()].map((link) => {
    const mark = link.mark.valid ? link.mark.offset : null;
    return {
      id: link.id,
      isMaster: link.isMaster,
      serves: link.serves,
      inRotation: link.inRotation,
      mark,
      likelyOffset: link.likelyOffset < 0 ? null : link.likelyOffset,
      stalenessMs: mark === null ? null : engine.samples.stalenessOf(mark, engine.clock.now()),
      lagBytes: mark === null || engine.masterOffset < 0 ? null : Math.max(0, engine.masterOffset - mark),
      latencyMs: link.latencyMs,
      inFlight: link.inFlight,
      waitingSince: link.waitingSince,
      full: link.full,
      resting: link.resting,
      restReason: link.restReason,
      zone: link.zone,
      tags: link.tags,
    };
  });
}
