import { KeyLedger } from "../../../../../src/client/consistency/key-ledger.js";
import { Samples } from "../../../../../src/client/consistency/samples.js";
import type { CausalSession } from "../../../../../src/client/consistency/session.js";
import { WriteHistory } from "../../../../../src/client/consistency/write-history.js";
import type { NodeLink } from "../../../../../src/client/engine/node-link.js";
import type { Operation } from "../../../../../src/client/engine/operation.js";
import { ReadOrder } from "../../../../../src/client/engine/read-order.js";
import { Reader } from "../../../../../src/client/engine/reader.js";
import { findTransactions } from "../../../../../src/client/engine/transaction.js";
import { NoEligibleReplicaError, NoMasterError } from "../../../../../src/client/errors.js";
import type { ResolvedView } from "../../../../../src/client/options/resolved.js";
import { Selector } from "../../../../../src/client/routing/selector.js";
import type { NodeDescription } from "../../../../../src/client/types.js";
import { ManualClock } from "../../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../../src/core/random.js";
import { causalSession } from "./causal-session.js";
import { Issuer } from "./commands.js";
import { FakeConnection } from "./fake-connection.js";
import { lossesOf } from "./losses.js";

export const HISTORY = "h";

/** A node as the reader sees it, with a connection that the test answers for. */
export interface FakeNode {
  readonly id: string;
  isMaster: boolean;
  serves: boolean;
  inRotation: boolean;
  likelyOffset: number;
  readonly mark: { offset: number; replid: string };
  connection: FakeConnection;
  readonly latencyMs: null;
  readonly waitingSince: number;
  readonly zone: null;
  readonly tags: object;
  full: boolean;
  readonly resting: boolean;
  readonly inFlight: number;
}

function node(id: string, offset: number, isMaster = false): FakeNode {
  const connection = new FakeConnection(id);
  const mark = { offset, replid: HISTORY };
  return {
    id,
    isMaster,
    serves: true,
    inRotation: !isMaster,
    likelyOffset: -1,
    mark,
    connection,
    latencyMs: null,
    inFlight: 0,
    waitingSince: Number.POSITIVE_INFINITY,
    zone: null,
    tags: {},
    full: false,
    resting: false,
  };
}

/** A reader over a master M and replicas A and B (applied: 100), all of them fakes; what goes to the master is kept. */
export function readerOf(options: { started?: boolean; hedgePercent?: number } = {}) {
  const clock = new ManualClock();
  const nodes = { M: node("M", 100, true), A: node("A", 100), B: node("B", 100) };
  const all = Object.values(nodes);
  const selector = new Selector<NodeLink>(seededRandom(1));
  const refresh = (): void => selector.refresh(all as unknown as NodeLink[]);
  refresh();
  const toMaster: Operation[] = [];
  const doubts: string[] = [];
  const state = {
    started: options.started ?? true,
    refreshes: 0,
    sharedBelow: Number.POSITIVE_INFINITY,
    demanded: [] as number[],
  };
  const ledger = new KeyLedger({ trackedKeys: 100, history: new WriteHistory() });
  ledger.adopt(HISTORY, null, 100);
  const samples = new Samples(16);
  const polls = lossesOf(clock);
  for (const { id } of all) polls.answered(id, 1);
  const reader = new Reader({
    clock,
    losses: polls.losses,
    ledger,
    samples,
    selector,
    readHoldMs: 20,
    failoverTimeoutMs: 1000,
    queuedCommands: 3,
    hedgePercent: options.hedgePercent ?? 100,
    started: () => state.started,
    masterOffset: () => 100,
    sharedBelow: () => state.sharedBelow,
    demandFreshness: (bound) => void state.demanded.push(bound),
    link: (id) => all.find((one) => one.id === id) as unknown as NodeLink | undefined,
    describe: () => all.map(({ id }) => ({ id }) as NodeDescription),
    toMaster: (operations) => void toMaster.push(...operations),
    replyError: (_operation, error) => error,
    noReplica: (operation, heldMs) => new NoEligibleReplicaError(heldMs, [], { command: operation.name }),
    noMaster: (operation) => new NoMasterError(1000, [], { command: operation.name }),
    refusal: () => null,
    doubt(link, refusal) {
      doubts.push(`${link.id} ${refusal}`);
      link.serves = false;
    },
    refreshMarks: () => void state.refreshes++,
  });
  const issuer = new Issuer(clock, {
    replied: (operation, reply) => reader.replied(operation, reply),
    failed: (operation, error) => reader.failed(operation, error),
  });
  /** Where each node was sent to, "M:" being what was given to the lane. */
  const sent = (): string[] => [
    ...toMaster.map((operation) => `M: ${operation.name} ${operation.command.args.join(" ")}`.trim()),
    ...all.flatMap(({ id, connection }) => connection.log.map((line) => `${id}: ${line}`)),
  ];
  return {
    clock,
    nodes,
    samples,
    reader,
    polls,
    ledger,
    issuer,
    toMaster,
    doubts,
    state,
    refresh,
    sent,
    only(...ids: (keyof typeof nodes)[]): void {
      for (const one of all) one.serves = ids.includes(one.id as keyof typeof nodes);
    },
    read(line: string, view: Partial<ResolvedView> = {}): Operation {
      const operation = issuer.make(line, view);
      reader.read(operation);
      return operation;
    },
    causal: () => causalSession(HISTORY),
    unit(
      lines: readonly string[],
      view: Partial<ResolvedView> = {},
      session: CausalSession | null = null,
    ): Operation[] {
      const operations = lines.map((line) => issuer.make(line, view));
      for (const operation of operations) operation.session = session;
      findTransactions(operations);
      if (session !== null) ReadOrder.of(operations);
      reader.submit(operations);
      return operations;
    },
  };
}
