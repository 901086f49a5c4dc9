import type { KeyspaceState } from "../../../../src/server/keyspace/database.js";

/** What databases share, where nobody listens. */
export function keyspaceState(): KeyspaceState {
  const nothing = (): void => undefined;
  return {
    nowMs: 1_000_000,
    expiry: "delete",
    counting: false,
    hits: 0,
    tracker: null,
    lfu: null,
    misses: 0,
    expired: nothing,
    tellsCreated: false,
    created: nothing,
    watchedTouched: nothing,
    volatileAdded: nothing,
    awaitedReady: nothing,
  };
}
