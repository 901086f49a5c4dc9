/**
 * How much a reader was promised. `strong` is judged as its client's: what any session of that client had written or
 * seen before. Two clients may differ in a split that nothing shows.
 */
export type PromiseLevel = "eventual" | "session" | "causal" | "strong";

/**
 * One operation as a client saw it. Every write has a unique value, which it appends to its key's list (or sets its
 * key to), and to the one list that gives all writes their order, in one transaction; a read returns what its key holds.
 */
export interface Operation {
  readonly kind: "append" | "read";
  /** The process: what its client was told of losses. */
  readonly client: string;
  /** Calls of one session follow one another; it may move from one client to another. */
  readonly session: string;
  readonly promise: PromiseLevel;
  readonly key: string;
  /** Of a write. */
  readonly value?: string;
  /** Of a read of a list that succeeded: all of it. */
  readonly values?: readonly string[];
  /** Of a read of a key that each write overwrites, instead of `values`; null = there was nothing. */
  readonly saw?: string | null;
  readonly invoked: number;
  readonly returned: number;
  /** `fail`: surely not applied. `info`: nobody knows. `told`: rejected because the session was told of a loss. */
  readonly outcome: "ok" | "fail" | "info" | "told";
  /** Of a read: writes that its client had issued before it, and not waited for. */
  readonly after?: readonly string[];
  /** Of a durable write that succeeded: how many replicas had to have it, and who had it then. */
  readonly copies?: Copies;
  /** Bound on the age of what was read, in milliseconds. */
  readonly maxStalenessMs?: number;
}

/** Where a durable write is in the moment of its success. */
export interface Copies {
  readonly wanted: number;
  /** The servers that run and have it. */
  readonly holders: readonly number[];
  /** The server that it was sent to last, which applied it as master; null = not known. */
  readonly master: number | null;
}

/** What a client reported as lost, when. */
export interface Loss {
  readonly client: string;
  readonly at: number;
  readonly keys: readonly string[];
  readonly keysComplete: boolean;
  readonly max: number;
}

/** A client took a server for its master that was not its master before. */
export interface Succession {
  readonly client: string;
  readonly at: number;
  /** What the master that it left had or got, and the new one had not when the client came to it, and never got itself. */
  readonly lacks?: (value: string) => boolean;
}

/** A number that was incremented by one, over and over. */
export interface Counter {
  readonly name: string;
  readonly final: number;
  /** Increments that succeeded, and those whose outcome nobody knows. */
  readonly ok: number;
  readonly unknown: number;
}

/** All that was recorded of a run. */
export interface History {
  /** In the order in which they returned, each session's at least. */
  readonly operations: readonly Operation[];
  /** The values that survived, in the order in which the final master had them applied. */
  readonly order: readonly string[];
  /** The final list of each key; without it the order says what they must be. */
  readonly lists?: ReadonlyMap<string, readonly string[]>;
  readonly losses: readonly Loss[];
  /** In the order in which they came; without them nobody's master ever changed. */
  readonly successions?: readonly Succession[];
  readonly counters?: readonly Counter[];
}

/** The guarantees that a run is judged by. */
export const GUARANTEES = [
  "readYourWrites",
  "monotonicReads",
  "monotonicWrites",
  "writesFollowReads",
  "strongReads",
  "durability",
  "staleness",
  "noSilentLoss",
  "sessionTold",
  "appliedOnce",
  "noInvention",
] as const;
export type Guarantee = (typeof GUARANTEES)[number];

/** One breach, in words that name the operations. */
export interface Violation {
  readonly guarantee: Guarantee;
  readonly text: string;
}

/** The verdict: what was looked at, and what was wrong. */
export interface Verdict {
  /** The first breaches, at most `MOST_TEXTS` of each guarantee. */
  readonly violations: readonly Violation[];
  /** How often each guarantee was put to the test. */
  readonly checked: Readonly<Record<Guarantee, number>>;
  /** How often each was broken. */
  readonly broken: Readonly<Record<Guarantee, number>>;
}

/** More breaches of one guarantee are counted and not told. */
export const MOST_TEXTS = 1000;

/** An operation in a line. */
export function show({ kind, session, key, value, values, saw, invoked }: Operation): string {
  const what = kind === "append" ? String(value) : `[…${saw ?? values?.slice(-1).join("") ?? ""}]`;
  return `${session} ${kind} ${key} ${what} @${Math.round(invoked)}`;
}
