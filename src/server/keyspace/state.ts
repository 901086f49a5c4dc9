import type { Bytes } from "../../protocol/resp/reply.js";
import type { Database } from "./database.js";

/** Hears of every key that changes. */
export interface KeyTracker {
  /** `byClient` is false where time or memory did it. */
  touched(key: Bytes, byClient: boolean): void;
  /** A database was emptied. */
  flushed(): void;
}

/**
 * What all databases of a server share: the time that counts, who may delete expired keys, and whom to tell.
 * The dispatcher sets `nowMs`, `expiry` and `counting` before each command.
 */
export interface KeyspaceState {
  /** Milliseconds since 1970, fixed for the length of a command or transaction. */
  nowMs: number;
  /** `delete` on a master; `hide` on a replica: as if gone, but kept; `ignore` for the master's own commands. */
  expiry: "delete" | "hide" | "ignore";
  /** The command only reads: its lookups count as hits and misses, and what they find will not be changed in place. */
  counting: boolean;
  /** Counts how often keys are used, where the policy asks for it. */
  readonly lfu: { readonly fresh: number; accessed(stamp: number): number; stamp(count: number): number } | null;
  hits: number;
  misses: number;
  /** A master found this key expired and has removed it. */
  expired(db: Database, key: Bytes): void;
  /** Somebody wants to hear of every key that is created. */
  readonly tellsCreated: boolean;
  /** A key was created where {@link tellsCreated} asks for it. */
  created(db: Database, key: Bytes): void;
  /** A watched key was touched. */
  watchedTouched(db: Database, key: Bytes): void;
  /** The first key got a time to live: the walk of active expiry has something to do. */
  volatileAdded(): void;
  /** Who wants to hear of every change of a key (client-side caching); null = nobody. */
  readonly tracker: KeyTracker | null;
  /** A key that somebody is blocked on has been added, overwritten or removed. */
  awaitedReady(db: Database, key: Bytes): void;
}
