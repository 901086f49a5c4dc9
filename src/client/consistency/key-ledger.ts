import type { Link } from "./history.js";
import { keyName } from "./key-name.js";
import { MASTER, type Need, NONE } from "./need.js";
import { ResolvedBatches } from "./resolved-batches.js";
import { Entry, WriteBatch, type WriteFollower } from "./write-batch.js";
import type { LossReport, WriteHistory } from "./write-history.js";

/** A write on its way; given back to the ledger exactly once, when its outcome is known. */
export class WriteHandle {
  /** @internal */
  settled = false;

  /** @internal */
  constructor(
    /** @internal */ readonly entry: Entry,
    /** @internal */ readonly others: readonly Entry[] | null,
    /** @internal */ readonly lo: number,
    /** @internal */ readonly epoch: number,
    /** @internal The session that made it; null = none. */ readonly follower: WriteFollower | null,
  ) {}
}

/**
 * What this client has written, per (db, key) and over all its views, and from which offset on a replica shows it.
 *
 * A key is noted when its write is *issued* (pending), joins a batch when the write is answered (unresolved), and gets
 * an offset when a fence of the master resolves the batch. Until then only the master may serve it. It is dropped when
 * every replica in rotation has passed it; from then on a node must have a mark of at least {@link droppedFloor} to
 * enter the rotation.
 *
 * A write of **unknown outcome** may still run after any fence, as long as its old connection lives on the server:
 * its keys stay with the master until a fence that was sent after that connection was surely gone
 * (`fenceReplied(…, { unknownSettled: true })`).
 */
export class KeyLedger {
  readonly #dbs: (Map<string, Entry> | undefined)[] = [];
  #size = 0;
  #pending = 0;
  #unresolved = 0;

  readonly #floor = new Entry(-1, "");
  #floorOffset = NONE;
  #droppedFloor = NONE;
  #top = NONE;

  /** Answered on the connection that carries the fences: resolved by the next fence's reply. */
  #open = new WriteBatch();
  /** Answered on other connections: resolved by a fence that is sent later. */
  #elsewhere = new WriteBatch();
  #sealed: { readonly ticket: number; readonly batch: WriteBatch }[] = [];
  #unknown = new WriteBatch();
  readonly #resolved = new ResolvedBatches();

  #replid: string | null = null;
  #epoch = 0;
  /** The master's offset when its history was adopted. */
  #base = 0;
  #lastFence = 0;
  #ticket = 0;
  #firstTicket = 1;

  constructor(private readonly options: { readonly trackedKeys: number; readonly history: WriteHistory }) {}

  /** Entries of resolved batches, one for each key and some that are written again since: what a sweep goes through. */
  get listed(): number {
    return this.#resolved.listed;
  }

  /** Keys noted. */
  get size(): number {
    return this.#size;
  }

  /** Writes issued and not answered. */
  get pending(): number {
    return this.#pending;
  }

  /** Answered writes that wait for a fence: while there are any, the master is to be fenced. */
  get unresolved(): number {
    return this.#unresolved;
  }

  /** Writes of unknown outcome that wait for a fence which counts for them. */
  get unsettled(): number {
    return this.#unknown.writes;
  }

  /** A node enters the rotation only with a mark of at least this. */
  get droppedFloor(): number {
    return this.#droppedFloor;
  }

  /** What every read needs, whatever its keys: writes of unknown effects, and keys that were folded at the bound. */
  get floor(): Need {
    return Math.max(this.#floor.need, this.#floorOffset);
  }

  /** What a read needs whose keys are not fully known: all writes of this client. */
  get ceiling(): Need {
    if (this.#pending > 0 || this.#unresolved > 0 || this.#unknown.writes > 0) return MASTER;
    return Math.max(this.#top, this.floor);
  }

  /** What a read of `key` needs. */
  need(db: number, key: unknown): Need {
    const floor = this.floor;
    if (this.#size === 0) return floor;
    const entry = this.#dbs[db]?.get(keyName(key));
    return entry === undefined ? floor : Math.max(floor, entry.need);
  }

  /** What a read of the keys at `positions` of `args` needs. */
  needOf(db: number, args: readonly unknown[], positions: readonly number[]): Need {
    let need = this.floor;
    const keys = this.#size === 0 ? undefined : this.#dbs[db];
    if (keys === undefined) return need;
    for (let i = 0; i < positions.length; i++) {
      const entry = keys.get(keyName(args[positions[i] as number]));
      if (entry !== undefined) need = Math.max(need, entry.need);
    }
    return need;
  }

  /** Notes a write of one key, when it is issued: before it is queued anywhere. `follower` is told of its offset. */
  issue(db: number, key: unknown, follower: WriteFollower | null = null): WriteHandle {
    return this.#handle(this.#entry(db, key), null, follower);
  }

  /** Notes a write of the keys at `positions` of `args`; with none it is a write of unknown effects. */
  issueKeys(
    db: number,
    args: readonly unknown[],
    positions: readonly number[],
    follower: WriteFollower | null = null,
  ): WriteHandle {
    if (positions.length === 0) return this.issueUnknown(follower);
    const first = this.#entry(db, args[positions[0] as number]);
    if (positions.length === 1) return this.#handle(first, null, follower);
    const others: Entry[] = [];
    for (let i = 1; i < positions.length; i++) others.push(this.#entry(db, args[positions[i] as number]));
    return this.#handle(first, others, follower);
  }

  /** Notes a write whose effects cannot be named (FLUSHALL, scripts without keys): every later read needs it. */
  issueUnknown(follower: WriteFollower | null = null): WriteHandle {
    return this.#handle(this.#floor, null, follower);
  }

  /** `follower` has seen the master's data over a connection without fences: it wants the offset of that. */
  observed(follower: WriteFollower): void {
    follower.issued();
    follower.answered();
    this.#elsewhere.writes++;
    this.#unresolved++;
    this.#elsewhere.follow(follower, this.#lastFence, false);
  }

  /** It was answered on the connection that carries the fences; an error reply counts, unless provably not applied. */
  acked(write: WriteHandle): void {
    this.#settle(write, this.#open);
  }

  /** It was answered on another connection to the master. */
  ackedElsewhere(write: WriteHandle): void {
    this.#settle(write, this.#elsewhere);
  }

  /** Its bytes were sent and no reply will come. */
  unknown(write: WriteHandle): void {
    this.#settle(write, this.#unknown);
  }

  /** It provably was not applied, and will not be sent again. */
  notApplied(write: WriteHandle): void {
    if (write.settled) return;
    write.settled = true;
    this.#pending--;
    write.follower?.notApplied();
    this.#unpend(write.entry);
    if (write.others !== null) for (const entry of write.others) this.#unpend(entry);
  }

  /** To be called as a fence is queued to the master; the ticket belongs to its reply. */
  fenceSent(): number {
    const ticket = ++this.#ticket;
    if (this.#elsewhere.writes > 0) {
      this.#sealed.push({ ticket, batch: this.#elsewhere });
      this.#elsewhere = new WriteBatch();
    }
    return ticket;
  }

  /**
   * The fence's reply showed the adopted master and history at `offset`: resolves what it covers. A fence of a master
   * that is no longer adopted changes nothing (returns false).
   */
  fenceReplied(ticket: number, offset: number, about: { readonly unknownSettled?: boolean } = {}): boolean {
    if (ticket < this.#firstTicket) return false;
    this.#lastFence = Math.max(this.#lastFence, offset);
    this.#open = this.#resolve(this.#open, this.#lastFence);
    while (this.#sealed[0] !== undefined && this.#sealed[0].ticket <= ticket) {
      this.#resolve((this.#sealed.shift() as { batch: WriteBatch }).batch, this.#lastFence);
    }
    if (about.unknownSettled === true) this.#unknown = this.#resolveUnknown(this.#lastFence);
    this.#fold();
    return true;
  }

  /**
   * Drops what every replica in rotation has applied. `lowestMark` is the lowest of their marks; not to be called
   * while none is in rotation. Costs one comparison when there is nothing to drop.
   */
  sweep(lowestMark: number): void {
    while (this.#resolved.oldest !== null && this.#resolved.oldest.offset <= lowestMark) {
      const batch = this.#resolved.shift();
      if (this.#release(batch)) this.#droppedFloor = Math.max(this.#droppedFloor, batch.offset);
    }
  }

  /**
   * Goes over to the history that was adopted, once, before any reply of it is settled; returns what the old history
   * lost, null if nothing.
   *
   * With a link everything is converted: no write of the old history stands above the fork, whatever was pending or
   * unresolved there. Without one nothing is known of the old offsets: whatever of our writes is in the new history at
   * all is below `offset`, the new master's as seen at adoption, and every read must have that (null: the master only,
   * until its next fence). Pending writes stay pending; their handles are settled by whoever holds them.
   */
  adopt(replid: string, link: Link | null, offset: number | null): LossReport | null {
    const from = this.#replid;
    this.#replid = replid;
    if (from === null) {
      this.#begin(offset ?? 0);
      return null;
    }
    const proven = link !== null && link.from === from && link.to === replid ? link : null;
    if (proven?.at === Number.POSITIVE_INFINITY) return null;
    const report = this.options.history.judge(proven?.at ?? null);
    this.options.history.continueIn(proven?.at ?? null);
    for (const batch of [this.#open, this.#elsewhere, this.#unknown, ...this.#sealed.map((sealed) => sealed.batch)])
      batch.cutOff(from, proven?.at ?? null);
    if (proven !== null) this.#convert(proven.at - 1, offset);
    else this.#reset(offset);
    return report.lost.max > 0 ? report : null;
  }

  #begin(offset: number): void {
    this.#epoch++;
    this.#base = this.#lastFence = offset;
    this.#firstTicket = this.#ticket + 1;
  }

  #convert(shared: number, offset: number | null): void {
    this.#open = this.#resolve(this.#open, shared);
    for (const { batch } of this.#sealed.splice(0)) this.#resolve(batch, shared);
    this.#elsewhere = this.#resolve(this.#elsewhere, shared);
    this.#unknown = this.#resolveUnknown(shared);
    for (let batch = this.#resolved.oldest; batch !== null; batch = batch.next)
      batch.offset = Math.min(batch.offset, shared);
    this.#floorOffset = Math.min(Math.max(this.#floorOffset, this.#floor.batch?.offset ?? NONE), shared);
    this.#floor.batch = null;
    this.#droppedFloor = Math.min(this.#droppedFloor, shared);
    this.#top = Math.min(this.#top, shared);
    this.#begin(Math.max(shared, offset ?? shared));
  }

  #reset(offset: number | null): void {
    for (const keys of this.#dbs) {
      for (const entry of keys?.values() ?? []) {
        entry.batch = null;
        if (entry.pending === 0) this.#delete(entry);
      }
    }
    this.#open = new WriteBatch();
    this.#elsewhere = new WriteBatch();
    this.#unknown = new WriteBatch();
    this.#sealed = [];
    this.#resolved.clear();
    this.#unresolved = 0;
    this.#droppedFloor = this.#top = NONE;
    this.#floor.batch = null;
    this.#floorOffset = offset ?? NONE;
    this.#begin(offset ?? 0);
    if (offset === null) {
      this.#open.join(this.#floor);
      this.#open.writes++;
      this.#unresolved++;
    }
  }

  #entry(db: number, key: unknown): Entry {
    const keys = (this.#dbs[db] ??= new Map());
    const name = keyName(key);
    let entry = keys.get(name);
    if (entry === undefined) {
      entry = new Entry(db, name);
      keys.set(name, entry);
      this.#size++;
    }
    return entry;
  }

  #handle(entry: Entry, others: readonly Entry[] | null, follower: WriteFollower | null): WriteHandle {
    this.#pending++;
    entry.pending++;
    if (others !== null) for (const other of others) other.pending++;
    follower?.issued();
    return new WriteHandle(entry, others, this.#lastFence, this.#epoch, follower);
  }

  #settle(write: WriteHandle, batch: WriteBatch): void {
    if (write.settled) return;
    write.settled = true;
    this.#pending--;
    batch.writes++;
    this.#answer(write.entry, batch);
    if (write.others !== null) for (const entry of write.others) this.#answer(entry, batch);
    const { follower } = write;
    if (follower !== null) {
      follower.answered();
      // What a write of unknown outcome did is not promised to be there: nothing of it can be lost.
      batch.follow(follower, write.epoch === this.#epoch ? write.lo : this.#base, batch !== this.#unknown);
    }
    if (batch === this.#unknown) return;
    this.#unresolved++;
    this.#record(write, batch);
  }

  /** An entry waits for whichever of its batches is resolved last. */
  #answer(entry: Entry, batch: WriteBatch): void {
    entry.pending--;
    const before = entry.batch;
    if (before === batch) return;
    if (before === null || !before.open || batch === this.#unknown) batch.join(entry);
    else if (batch === this.#elsewhere && before !== this.#unknown) batch.join(entry);
  }

  #record(write: WriteHandle, batch: WriteBatch): void {
    const { history } = this.options;
    const bracket = batch.bracket(write.epoch === this.#epoch ? write.lo : this.#base, history);
    bracket.count++;
    history.note(bracket, write.entry === this.#floor ? null : write.entry.name);
    if (write.others !== null) for (const entry of write.others) history.note(bracket, entry.name);
  }

  #unpend(entry: Entry): void {
    entry.pending--;
    if (entry.pending === 0 && entry.batch === null && entry !== this.#floor) this.#delete(entry);
  }

  #delete(entry: Entry): void {
    this.#dbs[entry.db]?.delete(entry.name);
    this.#size--;
  }

  /** Gives `batch` its offset and a place in the order of resolution; returns the batch that takes its place. */
  #resolve(batch: WriteBatch, offset: number): WriteBatch {
    if (batch.writes === 0) return batch;
    this.#unresolved -= batch.writes;
    return this.#append(batch, offset);
  }

  #resolveUnknown(offset: number): WriteBatch {
    return this.#unknown.writes === 0 ? this.#unknown : this.#append(this.#unknown, offset);
  }

  #append(batch: WriteBatch, offset: number): WriteBatch {
    batch.resolve(offset);
    this.#top = Math.max(this.#top, offset);
    this.#resolved.append(batch, this.#size);
    return new WriteBatch();
  }

  /** At the bound: the oldest resolved keys are no longer told apart, and every read must have passed them. */
  #fold(): void {
    while (this.#size > this.options.trackedKeys && this.#resolved.oldest !== null) {
      const batch = this.#resolved.shift();
      if (this.#release(batch)) this.#floorOffset = Math.max(this.#floorOffset, batch.offset);
    }
  }

  /** Lets go of the entries that wait for nothing later; returns whether there were any. */
  #release(batch: WriteBatch): boolean {
    let released = false;
    for (const entry of batch.entries) {
      if (entry.batch !== batch) continue;
      entry.batch = null;
      if (entry === this.#floor) {
        this.#floorOffset = Math.max(this.#floorOffset, batch.offset);
        continue;
      }
      released = true;
      if (entry.pending === 0) this.#delete(entry);
    }
    return released;
  }
}
