import { MASTER, type Need, NONE } from "./need.js";
import type { Bracket, WriteHistory } from "./write-history.js";

/** One key (or the floor) that this client has written and that not every replica has yet. Private to the ledger. */
export class Entry {
  /** Writes issued and not answered. */
  pending = 0;
  /** The batch whose fence will cover (or has covered) all answered writes of this entry. */
  batch: WriteBatch | null = null;

  constructor(
    readonly db: number,
    readonly name: string,
  ) {}

  get need(): Need {
    if (this.pending > 0) return MASTER;
    if (this.batch === null) return NONE;
    return this.batch.offset;
  }
}

/** Follows its own writes through the ledger, as a causal session does. Each is `issued` first, and `answered` or `notApplied` next. */
export interface WriteFollower {
  issued(): void;
  notApplied(): void;
  answered(): void;
  /** A fence has shown that so many of its answers lie at or below `offset` of the ledger's history. */
  resolvedAt(offset: number, answers: number): void;
  /**
   * The history `replid` ended before a fence had resolved so many of its answers: they lie above `lo`, and of that
   * history only what is below `forkOffset` goes on (null: nothing is proven). `acknowledged`: a write was among them.
   */
  cutOff(replid: string, lo: number, forkOffset: number | null, answers: number, acknowledged: boolean): void;
}

interface Followed {
  answers: number;
  lo: number;
  acknowledged: boolean;
}

/** Answered writes that the same fence resolves: one number for all of them, so that resolving costs nothing per write. */
export class WriteBatch {
  /** Infinity (= {@link MASTER}) until a fence has shown an upper bound. */
  offset = MASTER;
  entries: Entry[] = [];
  /** Answered writes; an entry stands once in `entries` however often it was written. */
  writes = 0;
  /** Next in the order of resolution. */
  next: WriteBatch | null = null;
  readonly #brackets: Bracket[] = [];
  #followers: Map<WriteFollower, Followed> | null = null;

  get open(): boolean {
    return this.offset === MASTER;
  }

  join(entry: Entry): void {
    entry.batch = this;
    this.entries.push(entry);
  }

  /** Leaves out the entries that wait for a later batch by now. */
  prune(): void {
    this.entries = this.entries.filter(({ batch }) => batch === this);
  }

  /** The bracket of writes sent when `lo` was the last known offset. */
  bracket(lo: number, history: WriteHistory): Bracket {
    const last = this.#brackets[this.#brackets.length - 1];
    if (last && last.lo === lo) return last;
    const bracket = history.open(lo);
    this.#brackets.push(bracket);
    return bracket;
  }

  /** An answer of `follower` is resolved with this batch. `acknowledged`: it was a write, and was acknowledged. */
  follow(follower: WriteFollower, lo: number, acknowledged: boolean): void {
    this.#followers ??= new Map();
    const followed = this.#followers.get(follower);
    if (followed === undefined) this.#followers.set(follower, { answers: 1, lo, acknowledged });
    else {
      followed.answers++;
      followed.lo = Math.min(followed.lo, lo);
      followed.acknowledged ||= acknowledged;
    }
  }

  resolve(offset: number): void {
    this.offset = offset;
    for (const bracket of this.#brackets) bracket.hi = offset;
    const followers = this.#followers;
    this.#followers = null;
    if (followers !== null) for (const [follower, { answers }] of followers) follower.resolvedAt(offset, answers);
  }

  /** The history ended before a fence came: see {@link WriteFollower.cutOff}. */
  cutOff(replid: string, forkOffset: number | null): void {
    const followers = this.#followers;
    this.#followers = null;
    if (followers === null) return;
    for (const [follower, { lo, answers, acknowledged }] of followers)
      follower.cutOff(replid, lo, forkOffset, answers, acknowledged);
  }
}
