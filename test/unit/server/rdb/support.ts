import type { KeyspaceState } from "../../../../src/server/keyspace/database.js";
import { RdbWriter } from "../../../../src/server/rdb/write.js";

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

/** A file that `write` has filled. */
export function fileOf(write: (writer: RdbWriter) => void): Buffer {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter((chunk) => chunks.push(chunk));
  write(writer);
  writer.finish();
  return Buffer.concat(chunks);
}
