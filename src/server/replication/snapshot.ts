import type { Clock } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Database } from "../keyspace/database.js";
import { type EncodingLimits, fromRdb, toRdb } from "../rdb/convert.js";
import { type DigestEntry, digestDataset } from "../rdb/digest.js";
import { RdbError } from "../rdb/error.js";
import { readRdb } from "../rdb/read.js";
import { RdbWriter } from "../rdb/write.js";

/** What a file says of the history its data belongs to; -1 and "" where it says nothing. */
export interface SavedHistory {
  readonly replid: string;
  readonly offset: number;
  /** Database that the stream which follows has selected; -1 = it will say so. */
  readonly streamDb: number;
}

/** Writes all databases as one RDB: one consistent cut, since nothing else runs meanwhile. */
export function writeSnapshot(databases: readonly Database[], history: SavedHistory, epochMs: number): Buffer[] {
  const writer = new RdbWriter();
  const facts: [Bytes, Bytes][] = [
    ["redis-ver", "7.0.15"],
    ["redis-bits", "64"],
    ["ctime", String(Math.floor(epochMs / 1000))],
  ];
  if (history.replid !== "") {
    if (history.streamDb >= 0) facts.push(["repl-stream-db", String(history.streamDb)]);
    facts.push(["repl-id", history.replid], ["repl-offset", String(history.offset)]);
  }
  for (const [name, value] of facts) writer.aux(name, value);
  for (const db of databases) {
    for (const [key, entry] of db.entries()) {
      writer.key(db.index, key, toRdb(entry.value), entry.expireAt === -1 ? null : entry.expireAt);
    }
  }
  return writer.finish();
}

/** How {@link readSnapshot} loads. */
export interface LoadOptions {
  readonly clock: Clock;
  readonly limits: EncodingLimits;
  /** A master drops keys that have expired meanwhile; a replica keeps them, its master will say DEL. */
  readonly dropExpired: boolean;
  /** Milliseconds of loading after which other work of the event loop gets its turn. */
  readonly sliceMs: number;
}

/**
 * Loads a file into databases that nobody uses yet; they stay untouched in use if it fails half-way.
 * Small files load within this call, larger ones let the event loop turn in between.
 * @throws RdbError
 */
export async function readSnapshot(
  file: Buffer,
  into: readonly Database[],
  options: LoadOptions,
): Promise<SavedHistory> {
  const { clock, limits, dropExpired, sliceMs } = options;
  const history = { replid: "", offset: -1, streamDb: -1 };
  const epochMs = clock.epoch();
  let pauseAt = clock.now() + sliceMs;
  let count = 0;
  for (const item of readRdb(file, { databases: into.length })) {
    if (item.kind === "aux") {
      if (item.name === "repl-id") history.replid = item.value;
      else if (item.name === "repl-offset") history.offset = Number(item.value);
      else if (item.name === "repl-stream-db") history.streamDb = Number(item.value);
      continue;
    }
    const { key, value, expireAt } = item;
    const db = into[item.db] as Database;
    if (!dropExpired || expireAt === null || expireAt > epochMs) {
      const before = db.size;
      db.load(key, fromRdb(value, limits), expireAt ?? -1);
      if (db.size === before) throw new RdbError("the RDB names a key twice");
    }
    if ((++count & 255) === 0 && clock.now() > pauseAt) {
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
      pauseAt = clock.now() + sliceMs;
    }
  }
  return history;
}

/** DEBUG DIGEST of these databases. */
export function digestDatabases(databases: readonly Database[]): string {
  return digestDataset(databases.map((db) => [db.index, entriesOf(db)] as const));
}

function* entriesOf(db: Database): Generator<DigestEntry> {
  for (const [key, entry] of db.entries()) yield { key, value: toRdb(entry.value), hasTtl: entry.expireAt !== -1 };
}
