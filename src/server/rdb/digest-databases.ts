import type { Database } from "../keyspace/database.js";
import { toRdb } from "./convert.js";
import { type DigestEntry, digestDataset } from "./digest.js";

/** DEBUG DIGEST of these databases. */
export function digestDatabases(databases: readonly Database[]): string {
  return digestDataset(databases.map((db) => [db.index, entriesOf(db)] as const));
}

function* entriesOf(db: Database): Generator<DigestEntry> {
  for (const [key, entry] of db.entries()) yield { key, value: toRdb(entry.value), hasTtl: entry.expireAt !== -1 };
}
