import type { Clock } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Database } from "../keyspace/database.js";
import { KeyTable } from "../keyspace/key-table.js";
import { accountedBytes, keyBytes, remeasure } from "../keyspace/measure.js";
import type { Value } from "../keyspace/values.js";
import { type EncodingLimits, fromRdbInPieces } from "./convert.js";
import { EmptyKeyError, RdbError } from "./error.js";
import { readRdb } from "./read.js";
import type { SavedHistory } from "./snapshot.js";
import type { RdbValue } from "./value.js";

/** How a file is loaded. */
export interface LoadOptions {
  readonly clock: Clock;
  readonly limits: EncodingLimits;
  /** A master drops keys that have expired meanwhile; a replica keeps them, its master will say DEL. */
  readonly dropExpired: boolean;
  /** Told of each key that was dropped. */
  readonly dropped?: (db: number, key: Bytes) => void;
  /** Told of the first keys without elements, which are left out. */
  readonly empty?: (key: Bytes) => void;
  /** The checksum is compared. Default true. */
  readonly checksum?: boolean;
  /** Told how far it has come, now and then. */
  readonly progress?: (bytes: number) => void;
}

/** What a file held beside its keys. */
export interface Loaded {
  readonly history: SavedHistory;
  readonly functions: readonly Bytes[];
  readonly keys: number;
  /** Keys that were left out since they had expired. */
  readonly expired: number;
  /** Offset behind the RDB in its file. */
  readonly end: number;
  /** Keys that were left out since they had no elements. */
  readonly emptyKeys: number;
}

/** Keys between two places where a load may pause. */
const STEP = 128;
/** So many keys without elements are named. */
const EMPTY_KEYS_NAMED = 10;

/**
 * Loads a file into databases that nobody uses yet. Yields every now and then how many keys were read (0 within a large
 * value), so that the caller can let others have their turn; a caller that doesn't care runs it to its end.
 * @throws RdbError
 */
export function* loadSteps(
  file: Buffer,
  into: readonly Database[],
  options: LoadOptions,
): Generator<number, Loaded, undefined> {
  const { clock, limits, dropExpired } = options;
  const history = { replid: "", offset: -1, streamDb: -1 };
  const functions: Bytes[] = [];
  const epochMs = clock.epoch();
  const filling: (DatabaseFilling | undefined)[] = [];
  let keys = 0;
  let expired = 0;
  let emptyKeys = 0;
  let end = 0;
  const items = readRdb(file, { databases: into.length, checksum: options.checksum !== false });
  for (let next = items.next(); ; next = items.next()) {
    if (next.done) {
      end = next.value;
      break;
    }
    const item = next.value;
    if (item.kind === "part") {
      options.progress?.(item.position);
      yield 0;
      continue;
    }
    if (item.kind === "aux") {
      if (item.name === "repl-id") history.replid = item.value;
      else if (item.name === "repl-offset") history.offset = Number(item.value);
      else if (item.name === "repl-stream-db") history.streamDb = Number(item.value);
      continue;
    }
    if (item.kind === "function") {
      functions.push(item.code);
      continue;
    }
    const { key, value, expireAt } = item;
    if (dropExpired && expireAt !== null && expireAt <= epochMs) {
      expired++;
      options.dropped?.(item.db, key);
    } else {
      let to = filling[item.db];
      if (to === undefined) filling[item.db] = to = new DatabaseFilling(into[item.db] as Database);
      const stored = value.type === "string" ? value.value : yield* valueOf(value, limits);
      if (stored !== null) to.add(key, stored, expireAt ?? -1, item);
      else if (emptyKeys++ < EMPTY_KEYS_NAMED) options.empty?.(key);
    }
    if (++keys % STEP === 0) {
      options.progress?.(item.position);
      yield STEP;
    }
  }
  for (const to of filling) to?.finish();
  return { history, functions, keys: keys - expired - emptyKeys, expired, emptyKeys, end };
}

/** Null for a value without elements. */
function* valueOf(value: RdbValue, limits: EncodingLimits): Generator<number, Value | null, undefined> {
  try {
    const conversion = fromRdbInPieces(value, limits);
    for (let step = conversion.next(); ; step = conversion.next()) {
      if (step.done) return step.value;
      yield 0;
    }
  } catch (error) {
    if (error instanceof EmptyKeyError) return null;
    throw error;
  }
}

interface Used {
  readonly idleS: number | undefined;
  readonly freq: number | undefined;
}

/** Gathers the keys of one database, with what the memory account needs to know. */
class DatabaseFilling {
  readonly #table = new KeyTable();
  readonly #fresh: number;
  #bytes = 0;

  constructor(private readonly db: Database) {
    const { lfu, nowMs } = db.state;
    this.#fresh = lfu === null ? Math.floor(nowMs / 1000) : lfu.fresh;
  }

  /** @param usage what eviction is to know of the key, as far as the policy asks for it */
  add(key: Bytes, value: Value, expireAt: number, { idleS, freq }: Used): void {
    const { lfu, nowMs } = this.db.state;
    let stamp = this.#fresh;
    if (lfu === null && idleS !== undefined) stamp = Math.floor(nowMs / 1000) - idleS;
    if (lfu !== null && freq !== undefined) stamp = lfu.stamp(freq);
    if (typeof value !== "string") remeasure(value);
    this.#bytes += keyBytes(key) + accountedBytes(value);
    if (!this.#table.add(key, this.db.hashOf(key), value, expireAt, stamp))
      throw new RdbError("the RDB names a key twice");
  }

  finish(): void {
    this.db.fill(this.#table, this.#bytes);
  }
}

/** Loads in slices of `sliceMs` milliseconds, between which other work of the event loop gets its turn. */
export async function loadInSlices(
  file: Buffer,
  into: readonly Database[],
  options: LoadOptions & {
    readonly sliceMs: number;
    /** As if each key took that long (key-load-delay, for tests). */
    readonly keyDelayMicros: number;
    /** Asked after each pause: false gives up. */
    readonly wanted: () => boolean;
  },
): Promise<Loaded> {
  const { clock, sliceMs, keyDelayMicros, wanted } = options;
  const steps = loadSteps(file, into, options);
  let pauseAt = clock.now() + sliceMs;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    const delayMs = (step.value * keyDelayMicros) / 1000;
    if (delayMs <= 0 && clock.now() <= pauseAt) continue;
    if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, delayMs));
    else await new Promise<void>((resolve) => clock.setImmediate(resolve));
    if (!wanted()) throw new Error("the link was closed meanwhile");
    pauseAt = clock.now() + sliceMs;
  }
}

/** Loads in one go. */
export function loadAtOnce(file: Buffer, into: readonly Database[], options: LoadOptions): Loaded {
  const steps = loadSteps(file, into, options);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}
