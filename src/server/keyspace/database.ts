import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { CommandError, errors } from "../dispatch/errors.js";
import { type CutSink, DatabaseCut } from "./cut.js";
import { Entry } from "./entry.js";
import { type Contents, Filling } from "./filling.js";
import { accountedBytes, keyBytes, remeasure } from "./measure.js";
import { anyKey, someKeys } from "./pick.js";
import { SLOT_COUNT, slotOf } from "./slots.js";
import type { KeyspaceState } from "./state.js";
import type { Value, ValueByType, ValueType } from "./values.js";
import { sizeOf, typeOf } from "./values.js";

export { Entry } from "./entry.js";
export type { KeyspaceState } from "./state.js";

/**
 * One database: many small maps ("slots") chosen by a seeded hash, so that no single map stalls the server
 * when it grows, and so that a SCAN cursor which counts slots gives Redis's guarantee by construction.
 */
export class Database {
  /** Keys that some client WATCHes; kept by the transactions code. */
  readonly watched = new Set<Bytes>();
  /** Keys that some client is blocked on; kept by the blocking code. */
  readonly awaited = new Set<Bytes>();
  #slots: (Map<Bytes, Entry> | undefined)[] = [];
  #volatile: (Set<Bytes> | undefined)[] = [];
  #size = 0;
  #volatileSize = 0;
  /** Somebody writes the contents down as they were; null nearly always. It belongs to the contents, not to the number. */
  #cut: DatabaseCut | null = null;
  #bytes = 0;
  /** The key that was found or put last, since it is the one that changes next. */
  #recentKey: Bytes | null = null;
  #recent: Entry | undefined;

  constructor(
    readonly index: number,
    readonly state: KeyspaceState,
    private readonly seed: number,
  ) {}

  /** Keys, expired ones that nobody has found yet included, as DBSIZE counts. */
  get size(): number {
    return this.#size;
  }

  /** About how many bytes of memory keys and values take, by a running account. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have a time to live. */
  get volatileSize(): number {
    return this.#volatileSize;
  }

  /**
   * The value of `key` if it is of `type`, null if there is no such key.
   * @throws CommandError WRONGTYPE if it holds another type
   */
  get<T extends ValueType>(key: Bytes, type: T): ValueByType[T] | null {
    const entry = this.lookup(key);
    if (entry === undefined) return null;
    const value = entry.value;
    if (typeOf(value) !== type) throw new CommandError(errors.wrongType);
    return value as ValueByType[T];
  }

  /** The entry of `key` whatever its type; expired keys are treated as the state's `expiry` says. */
  lookup(key: Bytes): Entry | undefined {
    const state = this.state;
    const slot = slotOf(key, this.seed);
    if (this.#cut !== null && !state.counting) this.#cut.before(key, slot);
    const entry = this.#slots[slot]?.get(key);
    if (entry === undefined || (entry.expireAt !== -1 && this.#isGone(key, entry))) {
      if (state.counting) state.misses++;
      return undefined;
    }
    if (state.counting) state.hits++;
    entry.accessedS = state.lfu === null ? Math.floor(state.nowMs / 1000) : state.lfu.accessed(entry.accessedS);
    this.#recentKey = key;
    this.#recent = entry;
    return entry;
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
    const slot = slotOf(key, this.seed);
    if (this.#cut !== null && !this.state.counting) this.#cut.before(key, slot);
    const entry = this.#slots[slot]?.get(key);
    return entry === undefined || (entry.expireAt !== -1 && this.#isGone(key, entry)) ? undefined : entry;
  }

  /** The entry, expired or not. */
  peekAny(key: Bytes): Entry | undefined {
    return this.#raw(key);
  }

  has(key: Bytes): boolean {
    return this.lookup(key) !== undefined;
  }

  /** Gives `key` this value and no time to live, whatever it was before. Tell of it with `ctx.changed(key)`. */
  set(key: Bytes, value: Value): void {
    const entry = this.#put(key, value);
    entry.stringForm = null;
    if (entry.expireAt !== -1) this.#setExpiry(key, entry, -1);
  }

  /** As `set`, but keeps the time to live that the key has; `stringForm` as in {@link Entry}. */
  setKeepTtl(key: Bytes, value: Value, stringForm: Entry["stringForm"] = null): void {
    this.#put(key, value).stringForm = stringForm;
  }

  /** Removes `key`; false if there was none (or only an expired one). Tell of it with `ctx.changed(key)`. */
  delete(key: Bytes): boolean {
    return this.peek(key) !== undefined && this.#remove(key);
  }

  /** Removes `key` if its aggregate value has no elements left; true if so. */
  deleteIfEmpty(key: Bytes, value: Value): boolean {
    return sizeOf(value) === 0 && this.#remove(key);
  }

  /** When `key` expires, in milliseconds since 1970; -1 = never; undefined = no such key. */
  expireAt(key: Bytes): number | undefined {
    return this.peek(key)?.expireAt;
  }

  /** Lets `key` expire at `ms` since 1970, -1 = never; false if there is no such key. */
  setExpireAt(key: Bytes, ms: number): boolean {
    const entry = this.peek(key);
    if (entry === undefined) return false;
    this.#setExpiry(key, entry, ms);
    return true;
  }

  /** Marks `key` as changed for those who WATCH or cache it. `ctx.changed(key)` calls this. */
  touch(key: Bytes, byClient = true): void {
    if (this.state.tracker !== null) this.state.tracker.touched(key, byClient);
    if (this.watched.size > 0 && this.watched.has(key)) this.state.watchedTouched(this, key);
    const value = (key === this.#recentKey ? this.#recent : this.#raw(key))?.value;
    if (value !== undefined && typeof value !== "string") this.#bytes += remeasure(value);
  }

  /** Lets those who are blocked on `key` look at it again: what it holds has changed in a way that they can't see alone. */
  announce(key: Bytes): void {
    if (this.awaited.size > 0 && this.awaited.has(key)) this.state.awaitedReady(this, key);
  }

  /** Gathers keys for this database, which must be empty; see {@link fill}. */
  beginFilling(): Filling {
    return new Filling(this.seed);
  }

  /** Takes what was gathered, without telling anybody; `bytes` is what the memory account has for it. */
  fill(contents: Contents, bytes: number): void {
    this.#slots = contents.slots;
    this.#volatile = contents.volatile;
    this.#size = contents.size;
    this.#volatileSize = contents.volatileSize;
    this.#bytes = bytes;
  }

  /** A slot's keys, by slot number 0 … slotCount - 1; undefined = none. Not to be changed by the caller. */
  slot(index: number): ReadonlyMap<Bytes, Entry> | undefined {
    return this.#slots[index];
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
    return onlyVolatile
      ? someKeys(this.#volatile, this.#volatileSize, random, count)
      : someKeys(this.#slots, this.#size, random, count);
  }

  /** True if this entry counts as expired now, whoever asks. */
  isExpired(entry: Entry): boolean {
    return entry.expireAt !== -1 && this.state.nowMs > entry.expireAt;
  }

  /** All entries, expired ones included, slot by slot. The database must not change in between. */
  *entries(): IterableIterator<[Bytes, Entry]> {
    for (const slot of this.#slots) if (slot !== undefined) yield* slot;
  }

  /** Any key, by chance; undefined if there is none. */
  randomKey(random: Random): Bytes | undefined {
    return this.#size === 0 ? undefined : anyKey(this.#slots, random);
  }

  /** Removes everything. Watchers of keys that were there are told. */
  clear(): void {
    this.state.tracker?.flushed();
    for (const key of this.watched) if (this.#raw(key) !== undefined) this.state.watchedTouched(this, key);
    for (const key of this.awaited) if (this.#raw(key) !== undefined) this.announce(key);
    this.#slots = [];
    this.#volatile = [];
    this.#size = 0;
    this.#volatileSize = 0;
    this.#bytes = 0;
    this.#recentKey = null;
    // The old contents live on in the cut, and nobody can change them any more.
    this.#cut = null;
  }

  /**
   * Begins to write the contents down as they are now; null if there are none. Only one cut at a time is told of changes;
   * `watch` false makes one that must be written before anything changes.
   */
  beginCut(sink: CutSink, watch = true): DatabaseCut | null {
    if (this.#size === 0) return null;
    const cut = new DatabaseCut(this.index, this.#slots, this.#size, this.#volatileSize, sink);
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
    [this.#slots, other.#slots] = [other.#slots, this.#slots];
    [this.#volatile, other.#volatile] = [other.#volatile, this.#volatile];
    [this.#size, other.#size] = [other.#size, this.#size];
    [this.#volatileSize, other.#volatileSize] = [other.#volatileSize, this.#volatileSize];
    [this.#cut, other.#cut] = [other.#cut, this.#cut];
    [this.#bytes, other.#bytes] = [other.#bytes, this.#bytes];
    this.#recentKey = other.#recentKey = null;
    for (const [db, key] of touched) db.state.watchedTouched(db, key);
    for (const db of [this, other]) {
      for (const key of db.awaited) if (this.#raw(key) || other.#raw(key)) db.announce(key);
    }
  }

  /**
   * Removes expired keys of some slots, beginning at `fromSlot`.
   * @param goOn asked after each slot with the number of keys looked at there
   * @returns the slot to go on from; 0 when the end was reached
   */
  expireSome(fromSlot: number, goOn: (looked: number) => boolean): number {
    let looked = 0;
    for (let index = fromSlot; index < SLOT_COUNT; index++) {
      const keys = this.#volatile[index];
      if (keys === undefined) continue;
      if (looked > 0 && !goOn(looked)) return index;
      looked = keys.size;
      for (const key of keys) {
        const entry = this.#slots[index]?.get(key);
        if (entry !== undefined && this.isExpired(entry)) this.#expire(key);
      }
    }
    goOn(looked);
    return 0;
  }

  /** When the first `limit` keys that have a time to live expire, in no order. */
  *someExpiries(limit: number): IterableIterator<number> {
    let left = Math.min(limit, this.#volatileSize);
    for (let index = 0; index < SLOT_COUNT && left > 0; index++) {
      for (const key of this.#volatile[index] ?? []) {
        if (left-- <= 0) return;
        yield this.#raw(key)?.expireAt ?? -1;
      }
    }
  }

  #isAlive(key: Bytes): boolean {
    const entry = this.#raw(key);
    return entry !== undefined && !this.isExpired(entry);
  }

  #raw(key: Bytes): Entry | undefined {
    return this.#slots[slotOf(key, this.seed)]?.get(key);
  }

  #isGone(key: Bytes, entry: Entry): boolean {
    const state = this.state;
    if (state.nowMs <= entry.expireAt || state.expiry === "ignore") return false;
    if (state.expiry === "delete") this.#expire(key);
    return true;
  }

  #expire(key: Bytes): void {
    this.#remove(key);
    this.touch(key, false);
    this.state.expired(this, key);
  }

  #put(key: Bytes, value: Value): Entry {
    const index = slotOf(key, this.seed);
    if (this.#cut !== null) this.#cut.before(key, index);
    // Filled at once: an array that grows at random places would become a slow dictionary.
    if (this.#slots.length === 0) this.#slots = new Array<Map<Bytes, Entry> | undefined>(SLOT_COUNT).fill(undefined);
    let slot = this.#slots[index];
    if (slot === undefined) this.#slots[index] = slot = new Map();
    let entry = slot.get(key);
    if (entry !== undefined && this.state.expiry === "delete" && this.isExpired(entry)) {
      // Overwriting finds an expired key too: replicas must see its DEL first, and its time to live is over.
      this.#expire(key);
      return this.#put(key, value);
    }
    const { lfu } = this.state;
    if (entry === undefined) {
      entry = new Entry(value, -1, lfu === null ? Math.floor(this.state.nowMs / 1000) : lfu.fresh);
      slot.set(key, entry);
      this.#size++;
      this.#bytes += keyBytes(key);
      if (this.state.tellsCreated) this.state.created(this, key);
    } else {
      this.#bytes -= accountedBytes(entry.value);
      entry.value = value;
      entry.accessedS = lfu === null ? Math.floor(this.state.nowMs / 1000) : lfu.accessed(entry.accessedS);
    }
    this.#bytes += accountedBytes(value);
    this.#recentKey = key;
    this.#recent = entry;
    if (this.awaited.size > 0) this.announce(key);
    return entry;
  }

  #remove(key: Bytes): boolean {
    const index = slotOf(key, this.seed);
    if (this.#cut !== null) this.#cut.before(key, index);
    const slot = this.#slots[index];
    const entry = slot?.get(key);
    if (slot === undefined || entry === undefined) return false;
    if (entry.expireAt !== -1) this.#setExpiry(key, entry, -1);
    slot.delete(key);
    if (slot.size === 0) this.#slots[index] = undefined;
    this.#size--;
    this.#bytes -= keyBytes(key) + accountedBytes(entry.value);
    this.#recentKey = null;
    // Who reads a stream with a group is told when it goes.
    if (this.awaited.size > 0) this.announce(key);
    return true;
  }

  #setExpiry(key: Bytes, entry: Entry, ms: number): void {
    const had = entry.expireAt !== -1;
    if (this.#cut !== null) this.#cut.before(key, slotOf(key, this.seed));
    entry.expireAt = ms;
    if (had === (ms !== -1)) return;
    const index = slotOf(key, this.seed);
    let keys = this.#volatile[index];
    if (had) {
      this.#volatileSize--;
      keys?.delete(key);
      if (keys?.size === 0) this.#volatile[index] = undefined;
    } else {
      this.#volatileSize++;
      if (this.#volatile.length === 0) this.#volatile = new Array<Set<Bytes> | undefined>(SLOT_COUNT).fill(undefined);
      if (keys === undefined) this.#volatile[index] = keys = new Set();
      keys.add(key);
      if (this.#volatileSize === 1) this.state.volatileAdded();
    }
  }
}
