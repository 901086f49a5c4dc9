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

/** Answered writes that the same fence resolves: one number for all of them, so that resolving costs nothing per write. */
export class WriteBatch {
  /** Infinity (= {@link MASTER}) until a fence has shown an upper bound. */
  offset = MASTER;
  readonly entries: Entry[] = [];
  /** Answered writes; an entry stands once in `entries` however often it was written. */
  writes = 0;
  /** Next in the order of resolution. */
  next: WriteBatch | null = null;
  readonly #brackets: Bracket[] = [];

  get open(): boolean {
    return this.offset === MASTER;
  }

  join(entry: Entry): void {
    entry.batch = this;
    this.entries.push(entry);
  }

  /** The bracket of writes sent when `lo` was the last known offset. */
  bracket(lo: number, history: WriteHistory): Bracket {
    const last = this.#brackets[this.#brackets.length - 1];
    if (last && last.lo === lo) return last;
    const bracket = history.open(lo);
    this.#brackets.push(bracket);
    return bracket;
  }

  resolve(offset: number): void {
    this.offset = offset;
    for (const bracket of this.#brackets) bracket.hi = offset;
  }
}
