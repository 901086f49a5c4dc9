import type { Clock } from "../../core/clock.js";
import type { KeyLedger } from "../consistency/key-ledger.js";
import type { Samples } from "../consistency/samples.js";
import type { CausalSession } from "../consistency/session.js";
import type { Selector } from "../routing/selector.js";
import type { NodeDescription } from "../types.js";
import type { Losses } from "./losses.js";
import type { NodeLink } from "./node-link.js";
import type { Operation } from "./operation.js";

/** What reading asks of whoever owns it. */
export interface ReaderHost {
  readonly clock: Clock;
  readonly ledger: KeyLedger;
  readonly samples: Samples;
  readonly losses: Losses;
  readonly selector: Selector<NodeLink>;
  readonly readHoldMs: number;
  readonly failoverTimeoutMs: number;
  /** `limits.queuedCommands`: reads that may wait, for a replica or until it is decided who is master. */
  readonly queuedCommands: number;
  /** See the options. */
  readonly hedgePercent: number;
  /** False while the first look at the nodes goes on, so that none could be eligible yet. */
  started(): boolean;
  /** The master's newest known offset of the adopted history; -1 = unknown. */
  masterOffset(): number;
  /**
   * First offset of the adopted history that not every claimant to the office of master has; Infinity = there is one
   * master, and nothing of it is in doubt.
   */
  sharedBelow(): number;
  /** Somebody reads with a bound on staleness: marks and samples must be fresh enough for it. */
  demandFreshness(maxStalenessMs: number): void;
  link(node: string): NodeLink | undefined;
  describe(): readonly NodeDescription[];
  /** To the master, in the order of issue. */
  toMaster(operations: readonly Operation[]): void;
  replyError(operation: Operation, error: Error): Error;
  noReplica(operation: Operation, heldMs: number): Error;
  noMaster(operation: Operation): Error;
  /** Why a call of this session may not go on; null = it may. */
  refusal(session: CausalSession, operation: Operation): Error | null;
  /** A node that was thought to serve does not. */
  doubt(link: NodeLink, refusal: string): void;
  /** Ask master and replicas how far they are, because reads wait for it. */
  refreshMarks(): void;
}
