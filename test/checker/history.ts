/** How much a reader was promised. */
export type PromiseLevel = "eventual" | "session" | "causal";

/**
 * One operation as a client saw it. Every write appends a unique value to its key's list, and to the one list that
 * gives all writes their order, in one transaction; a read returns the list of a key.
 */
export interface Operation {
  readonly kind: "append" | "read";
  /** The process: what its client was told of losses. */
  readonly client: string;
  /** Calls of one session follow one another; it may move from one client to another. */
  readonly session: string;
  readonly promise: PromiseLevel;
  readonly key: string;
  /** Of an append. */
  readonly value?: string;
  /** Of a read that succeeded. */
  readonly values?: readonly string[];
  readonly invoked: number;
  readonly returned: number;
  /** `fail`: surely not applied. `info`: nobody knows. `told`: rejected because the session was told of a loss. */
  readonly outcome: "ok" | "fail" | "info" | "told";
  /** Bound on the age of what was read, in milliseconds. */
  readonly maxStalenessMs?: number;
}

/** What a client reported as lost, when. */
export interface Loss {
  readonly client: string;
  readonly at: number;
  readonly keys: readonly string[];
  readonly keysComplete: boolean;
  readonly max: number;
}

/** All that was recorded of a run. */
export interface History {
  readonly operations: readonly Operation[];
  /** The values that survived, in the order in which the final master had them appended. */
  readonly order: readonly string[];
  /** The final list of each key. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly losses: readonly Loss[];
}

/** The guarantees that a run is judged by. */
export type Guarantee =
  | "readYourWrites"
  | "monotonicReads"
  | "monotonicWrites"
  | "writesFollowReads"
  | "staleness"
  | "noSilentLoss"
  | "sessionTold"
  | "appliedOnce"
  | "noInvention";

/** One breach, in words that name the operations. */
export interface Violation {
  readonly guarantee: Guarantee;
  readonly text: string;
}

/** The verdict: what was looked at, and what was wrong. */
export interface Verdict {
  readonly violations: readonly Violation[];
  /** How often each guarantee was put to the test. */
  readonly checked: Readonly<Record<Guarantee, number>>;
}
