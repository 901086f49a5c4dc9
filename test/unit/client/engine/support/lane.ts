import type { CausalSession } from "../../../../../src/client/consistency/session.js";
import type { LaneHost } from "../../../../../src/client/engine/lane-host.js";
import type { Operation } from "../../../../../src/client/engine/operation.js";
import { findTransactions } from "../../../../../src/client/engine/transaction.js";
import { WriteLane } from "../../../../../src/client/engine/write-lane.js";
import { NoMasterError, UnknownOutcomeError } from "../../../../../src/client/errors.js";
import type { ResolvedView } from "../../../../../src/client/options/resolved.js";
import { keysOf } from "../../../../../src/client/routing/command-spec.js";
import { ManualClock } from "../../../../../src/core/manual-clock.js";
import { Issuer } from "./commands.js";
import { FakeConnection } from "./fake-connection.js";
import { lossesOf } from "./losses.js";

const LIMITS = { queuedCommands: 100, queuedBytes: 10_000, inFlightBytesPerNode: 1_000_000 };

/** A write lane over fake connections, on a clock that stands still. */
export function laneOf(limits: Partial<typeof LIMITS> = {}) {
  const clock = new ManualClock();
  const world = { hopeless: null as Error | null };
  const told: string[] = [];
  /** Writes that the ledger would still hold as pending. */
  const pending = new Set<Operation>();
  const say = (what: string, operation: Operation): void => {
    told.push(`${what} ${[operation.name, ...operation.command.args].map(String).join(" ")}`);
    pending.delete(operation);
  };
  const keys = (operation: Operation): string[] =>
    keysOf(operation.spec, operation.command.args).map((position) => String(operation.command.args[position]));
  const polls = lossesOf(clock);
  polls.answered("A", 1);
  const host: LaneHost = {
    clock,
    losses: polls.losses,
    limits: { ...LIMITS, ...limits },
    waitMs: 1000,
    acknowledged: (operation, applied) => say(applied ? "acked" : "notApplied", operation),
    refused: (operation, refusal) => void told.push(`refused ${operation.name} ${refusal.inner ?? refusal.kind}`),
    abandoned: (operation) => say("abandoned", operation),
    unknown: (operation, connection) => {
      say("unknown", operation);
      return new UnknownOutcomeError("cut", { node: connection.node, command: operation.name });
    },
    admit: () => undefined,
    undecided: (operation) => new UnknownOutcomeError("undecided", { command: operation.name }),
    hopeless: () => world.hopeless,
    timedOut: (operation) => new NoMasterError(1000, [{ node: "A", reason: "down" }], { command: operation.name }),
    replyError: (_operation, error) => error,
    overlap: (a, b) => keys(a).some((key) => keys(b).includes(key)),
    durable: (operation, _reply, succeed) => {
      told.push(`durable ${operation.name}`);
      succeed();
    },
    drained: () => void told.push("drained"),
    stale: () => void told.push("stale"),
  };
  const lane = new WriteLane(host);
  lane.trustedUntil = Number.POSITIVE_INFINITY;
  const issuer = new Issuer(clock, {
    replied: (operation, reply) => lane.replied(operation, reply),
    failed: (operation, error) => lane.failed(operation, error),
    refused: (operation, refusal, error) => lane.refused(operation, refusal, error),
  });
  return {
    clock,
    told,
    lane,
    polls,
    world,
    issuer,
    pending,
    /** Issues one command. */
    issue(line: string, view: Partial<ResolvedView> = {}): Operation {
      const operation = issuer.make(line, view);
      if (operation.spec.effects !== "none") pending.add(operation);
      lane.submit([operation]);
      return operation;
    },
    /** Issues a pipeline. */
    unit(
      lines: readonly string[],
      view: Partial<ResolvedView> = {},
      betweenMs = 0,
      session: CausalSession | null = null,
    ): Operation[] {
      const operations = lines.map((line) => {
        clock.advance(betweenMs);
        return issuer.make(line, view);
      });
      for (const operation of operations) operation.session = session;
      for (const operation of operations) if (operation.spec.effects !== "none") pending.add(operation);
      findTransactions(operations);
      lane.submit(operations);
      return operations;
    },
    connect(node = "A"): FakeConnection {
      const connection = new FakeConnection(node);
      lane.open(connection.asReal);
      return connection;
    },
  };
}

export const READONLY = "-READONLY You can't write against a read only replica.";
export const BUSY = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
export const LOADING = "-LOADING Redis is loading the dataset in memory";
export const NOREPLICAS = "-NOREPLICAS Not enough good replicas to write.";
export const MASTERDOWN = "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
export const EXECABORT = "-EXECABORT Transaction discarded because of previous errors.";
