import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { CommandError, errors } from "../dispatch/errors.js";
import { type CutSink, DatabaseCut } from "./cut.js";
import type { Entry, StringForm } from "./entry.js";
import { KeyTable } from "./key-table.js";
import { accountedBytes, keyBytes, remeasure, textBytes } from "./measure.js";
import type { Shard } from "./shard.js";
import { hashOf, SLOT_COUNT } from "./slots.js";
import type { KeyspaceState } from "./state.js";
import type { Value, ValueByType, ValueType } from "./values.js";
import { sizeOf, typeOf } from "./values.js";

export type { Entry } from "./entry.js";
export type { KeyspaceState } from "./state.js";

/** One database: its keys, their values, and who wants to hear of what happens to them. */
export class Database {
  /** Keys that some client WATCHes; kept by the transactions code. */
  readonly watched = new Set<Bytes>();
  /** Keys that some client is blocked on; kept by the blocking code. */
  readonly awaited = new Set<Bytes>();
  #table = new KeyTable();
  /** Somebody writes the contents down as they were; null nearly always. It belongs to the contents, not to the number. */
  #cut: DatabaseCut | null = null;
  #bytes = 0;
  /** The key that was sought last, since it is the one that changes next; null = none. With its hash, shard, and place. */
  #key: Bytes | null = null;
  #hash = 0;
  #shard: Shard = this.#table.shard(0);
  /** -1 = there is no such key. */
  #place = -1;

  constructor(
    readonly index: number,
    readonly state: KeyspaceState,
    private readonly seed: number,
  ) {}

  /** Keys, expired ones that nobody has found yet included, as DBSIZE counts. */
  get size(): number {
    return this.#table.size;
  }

  /** About how many bytes of memory keys and values take, by a running account. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have a time to live. */
  get volatileSize(): number {
    return this.#table.volatileSize;
  }

  /**
   * The value of `key` if it is of `type`, null if there is no such key.
   * @throws CommandError WRONGTYPE if it holds another type
   */
  get<T extends ValueType>(key: Bytes, type: T): ValueByType[T] | null {
    const place = this.#access(key);
    if (place < 0) return null;
    const value = this.#shard.value(place);
    if (typeOf(value) !== type) throw new CommandError(errors.wrongType);
    return value as ValueByType[T];
  }

  /** The entry of `key` whatever its type; expired keys are treated as the state's `expiry` says. */
  lookup(key: Bytes): Entry | undefined {
    const place = this.#access(key);
    return place < 0 ? undefined : this.#shard.entry(place);
  }

  /** As `lookup`, but it is no access: commands that ask about a key don't use it. */
  glance(key: Bytes): Entry | undefined {
    const entry = this.peek(key);
    if (this.state.counting) {
      if (entry === undefined) this.state.misses++;
      else this.state.hits++;
    }
    return entry;
  }

  /** As `lookup`, but leaves no trace: neither hit, miss nor access. */
  peek(key: Bytes): Entry | undefined {
    const place = this.#find(key);
    return place < 0 ? undefined : this.#shard.entry(place);
  }

  /** The entry, expired or not. */
  peekAny(key: Bytes): Entry | undefined {
    const place = this.#seek(key);
    return place < 0 ? undefined : this.#shard.entry(place);
  }

  /** Notes when `key`, which must be there, was accessed last, as {@link Entry} has it. */
  setAccessed(key: Bytes, accessedS: number): void {
    const place = this.#seek(key);
    if (place >= 0) this.#shard.setAccessed(place, accessedS);
  }

  has(key: Bytes): boolean {
    return this.#access(key) >= 0;
  }

  /** Gives `key` this value and no time to live, whatever it was before. Tell of it with `ctx.changed(key)`. */
  set(key: Bytes, value: Value): void {
    const place = this.#put(key, value);
    this.#shard.setForm(place, null);
    this.#setExpiry(place, -1);
  }

  /** As `set`, but keeps the time to live that the key has; `stringForm` as in {@link Entry}. */
  setKeepTtl(key: Bytes, value: Value, stringForm: StringForm = null): void {
    const place = this.#put(key, value);
    this.#shard.setForm(place, stringForm);
  }

  /** Removes `key`; false if there was none (or only an expired one). Tell of it with `ctx.changed(key)`. */
  delete(key: Bytes): boolean {
    return this.#find(key) >= 0 && this.#remove(key);
  }

  /** Removes `key` if its aggregate value has no elements left; true if so. */
  deleteIfEmpty(key: Bytes, value: Value): boolean {
    return sizeOf(value) === 0 && this.#remove(key);
  }

  /** When `key` expires, in milliseconds since 1970; -1 = never; undefined = no such key. */
  expireAt(key: Bytes): number | undefined {
    const place = this.#find(key);
    return place < 0 ? undefined : this.#shard.expireAt(place);
  }

  /** Lets `key` expire at `ms` since 1970, -1 = never; false if there is no such key. */
  setExpireAt(key: Bytes, ms: number): boolean {
    const place = this.#find(key);
    if (place < 0) return false;
    this.#setExpiry(place, ms);
    return true;
  }

  /** Marks `key` as changed for those who WATCH or cache it. `ctx.changed(key)` calls this. */
  touch(key: Bytes, byClient = true): void {
    if (this.state.tracker !== null) this.state.tracker.touched(key, byClient);
    if (this.watched.size > 0 && this.watched.has(key)) this.state.watchedTouched(this, key);
    const place = this.#seek(key);
    if (place < 0 || this.#shard.textLength(place) >= 0) return;
    this.#bytes += remeasure(this.#shard.value(place) as Exclude<Value, string>);
  }

  /** Lets those who are blocked on `key` look at it again: what it holds has changed in a way that they can't see alone. */
  announce(key: Bytes): void {
    if (this.awaited.size > 0 && this.awaited.has(key)) this.state.awaitedReady(this, key);
  }

  /** The hash of a key, as {@link fill} wants it. */
  hashOf(key: Bytes): number {
    return hashOf(key, this.seed);
  }

  /** Takes what was gathered elsewhere, without telling anybody; `bytes` is what the memory account has for it. */
  fill(contents: KeyTable, bytes: number): void {
    this.#table = contents;
    this.#bytes = bytes;
    this.#key = null;
  }

  /** A slot's keys, by slot number 0 … slotCount - 1. */
  slot(index: number): [Bytes, Entry][] {
    return this.#table.slot(index);
  }

  get slotCount(): number {
    return SLOT_COUNT;
  }

  /** Removes a key to make room. */
  evict(key: Bytes): void {
    this.#remove(key);
    this.touch(key, false);
  }

  /** Some keys that lie together, at a place chosen by chance; fewer only if there are fewer. */
  sample(random: Random, count: number, onlyVolatile: boolean): Bytes[] {
    return this.#table.sample(random, count, onlyVolatile);
  }

  /** True if this entry counts as expired now, whoever asks. */
  isExpired(entry: Entry): boolean {
    return entry.expireAt !== -1 && this.state.nowMs > entry.expireAt;
  }

  /** All entries, expired ones included, slot by slot. The database must not change in between. */
  *entries(): IterableIterator<[Bytes, Entry]> {
    for (let slot = 0; slot < SLOT_COUNT; slot++) yield* this.#table.slot(slot);
  }

  /** Any key, by chance; undefined if there is none. */
  randomKey(random: Random): Bytes | undefined {
    return this.size === 0 ? undefined : this.#table.randomKey(random);
  }

  /** Removes everything. Watchers of keys that were there are told. */
  clear(): void {
    this.state.tracker?.flushed();
    for (const key of this.watched) if (this.#seek(key) >= 0) this.state.watchedTouched(this, key);
    for (const key of this.awaited) if (this.#seek(key) >= 0) this.announce(key);
    this.#table = new KeyTable();
    this.#bytes = 0;
    this.#key = null;
    // The old contents live on in the cut, and nobody can change them any more.
    this.#cut = null;
  }

  /**
   * Begins to write the contents down as they are now; null if there are none. Only one cut at a time is told of changes;
   * `watch` false makes one that must be written before anything changes.
   */
  beginCut(sink: CutSink, watch = true): DatabaseCut | null {
    if (this.size === 0) return null;
    const cut = new DatabaseCut(this.index, this.#table, sink);
    if (watch) this.#cut = cut;
    return cut;
  }

  /** The cut is written, or given up. */
  endCut(): void {
    this.#cut = null;
  }

  /** Exchanges the contents of two databases; clients, watchers and waiters stay where they are. */
  swapContents(other: Database): void {
    const touched: [Database, Bytes][] = [];
    for (const db of [this, other]) {
      // No key in the place of an expired one, or the other way round, is no change.
      for (const key of db.watched) if (this.#isAlive(key) || other.#isAlive(key)) touched.push([db, key]);
    }
    [this.#table, other.#table] = [other.#table, this.#table];
    [this.#cut, other.#cut] = [other.#cut, this.#cut];
    [this.#bytes, other.#bytes] = [other.#bytes, this.#bytes];
    this.#key = other.#key = null;
    for (const [db, key] of touched) db.state.watchedTouched(db, key);
    for (const db of [this, other]) {
      for (const key of db.awaited) if (this.#seek(key) >= 0 || other.#seek(key) >= 0) db.announce(key);
    }
  }

  /**
   * Removes expired keys of a part, beginning at `cursor`.
   * @param goOn asked now and then, with the number of keys looked at since
   * @returns the cursor to go on from; 0 when the end was reached
   */
  expireSome(cursor: number, goOn: (looked: number) => boolean): number {
    const { nowMs } = this.state;
    const show = (key: Bytes, expireAt: number): void => {
      if (nowMs > expireAt) this.#expire(key);
    };
    return this.#table.walkVolatile(cursor, show, goOn);
  }

  /** When the first `limit` keys that have a time to live expire, in no order. */
  someExpiries(limit: number): number[] {
    const found: number[] = [];
    this.#table.walkVolatile(
      0,
      (_, expireAt) => found.push(expireAt),
      () => found.length < limit,
    );
    return found.slice(0, limit);
  }

  #isAlive(key: Bytes): boolean {
    const place = this.#seek(key);
    return place >= 0 && !this.#isOver(place);
  }

  #isOver(place: number): boolean {
    const expireAt = this.#shard.expireAt(place);
    return expireAt !== -1 && this.state.nowMs > expireAt;
  }

  /** Where `key` is in `#shard`, expired or not; -1 = nowhere. */
  #seek(key: Bytes): number {
    if (key === this.#key) return this.#place;
    this.#key = key;
    this.#hash = hashOf(key, this.seed);
    this.#shard = this.#table.shard(this.#hash);
    return (this.#place = this.#shard.find(key, this.#hash));
  }

  /** As `#seek`, of a key that lives. */
  #find(key: Bytes): number {
    const place = this.#seek(key);
    if (this.#cut !== null && !this.state.counting) this.#cut.before(key, this.#hash);
    return place < 0 || !this.#isOver(place) || !this.#isGone(key) ? place : -1;
  }

  /** As `#find`, for a command that uses the value. */
  #access(key: Bytes): number {
    const { state } = this;
    const place = this.#find(key);
    if (place < 0) {
      if (state.counting) state.misses++;
      return -1;
    }
    if (state.counting) state.hits++;
    const shard = this.#shard;
    const { lfu } = state;
    shard.setAccessed(place, lfu === null ? Math.floor(state.nowMs / 1000) : lfu.accessed(shard.accessed(place)));
    return place;
  }

  /** Whether an expired key counts as gone; a master removes it. */
  #isGone(key: Bytes): boolean {
    const { expiry } = this.state;
    if (expiry === "delete") this.#expire(key);
    return expiry !== "ignore";
  }

  #expire(key: Bytes): void {
    this.#remove(key);
    this.touch(key, false);
    this.state.expired(this, key);
  }

  #put(key: Bytes, value: Value): number {
    let place = this.#seek(key);
    if (this.#cut !== null) this.#cut.before(key, this.#hash);
    if (place >= 0 && this.state.expiry === "delete" && this.#isOver(place)) {
      // Overwriting finds an expired key too: replicas must see its DEL first, and its time to live is over.
      this.#expire(key);
      place = this.#seek(key);
    }
    const { lfu } = this.state;
    if (place < 0) {
      this.#shard = this.#table.home(this.#hash);
      const stamp = lfu === null ? Math.floor(this.state.nowMs / 1000) : lfu.fresh;
      this.#place = place = this.#shard.insert(key, this.#hash, value, stamp);
      this.#table.size++;
      this.#bytes += keyBytes(key);
      if (this.state.tellsCreated) this.state.created(this, key);
    } else {
      const shard = this.#shard;
      this.#bytes -= this.#valueBytes(place);
      shard.setValue(place, value);
      shard.setAccessed(
        place,
        lfu === null ? Math.floor(this.state.nowMs / 1000) : lfu.accessed(shard.accessed(place)),
      );
    }
    this.#bytes += accountedBytes(value);
    if (this.awaited.size > 0) this.announce(key);
    return place;
  }

  #valueBytes(place: number): number {
    const length = this.#shard.textLength(place);
    return length >= 0 ? textBytes(length) : accountedBytes(this.#shard.value(place));
  }

  #remove(key: Bytes): boolean {
    const place = this.#seek(key);
    if (this.#cut !== null) this.#cut.before(key, this.#hash);
    if (place < 0) return false;
    const table = this.#table;
    const shard = this.#shard;
    this.#bytes -= keyBytes(key) + this.#valueBytes(place);
    if (shard.expireAt(place) !== -1) table.volatileSize--;
    shard.remove(place);
    this.#place = -1;
    table.size--;
    if (shard.size === 0) table.release(this.#hash);
    // Who reads a stream with a group is told when it goes.
    if (this.awaited.size > 0) this.announce(key);
    return true;
  }

  /** Of the key that was sought last. */
  #setExpiry(place: number, ms: number): void {
    const had = this.#shard.expireAt(place) !== -1;
    if (!had && ms === -1) return;
    if (this.#cut !== null) this.#cut.before(this.#key as Bytes, this.#hash);
    this.#shard.setExpireAt(place, ms);
    if (had === (ms !== -1)) return;
    this.#table.volatileSize += had ? -1 : 1;
    if (this.#table.volatileSize === 1 && !had) this.state.volatileAdded();
  }
}
