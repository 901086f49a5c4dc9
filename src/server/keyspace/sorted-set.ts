import type { Bytes } from "../../protocol/resp/reply.js";
import { Account } from "./account.js";
import type { Image } from "./image.js";
import { type Entry, SortedSetTree } from "./sorted-set-tree.js";
import { WideMap } from "./wide-map.js";

export type { Entry } from "./sorted-set-tree.js";

/**
 * Members with scores, ordered by score and then by the bytes of the member. Finding a score is O(1); insert, remove,
 * rank and every range are O(log n) plus what they return.
 */
export class SortedSet {
  readonly type = "zset";
  readonly account = new Account();
  /** As OBJECT ENCODING shows it; the commands that add members make it grow, nothing makes it shrink. */
  encoding: "listpack" | "skiplist" = "listpack";
  readonly #entries = new WideMap<Entry>();
  readonly #tree = new SortedSetTree();

  constructor(entries: Iterable<readonly [member: Bytes, score: number]> = []) {
    for (const [member, score] of entries) this.set(member, score);
  }

  get size(): number {
    return this.#entries.size;
  }

  has(member: Bytes): boolean {
    return this.#entries.has(member);
  }

  /** The score of `member`, `undefined` if it is no member. */
  score(member: Bytes): number | undefined {
    return this.#entries.get(member)?.score;
  }

  /** Adds `member` or moves it to a new score (never NaN). */
  set(member: Bytes, score: number): void {
    const old = this.#entries.get(member);
    if (old !== undefined) {
      if (old.score === score) return;
      this.#tree.remove(old);
    }
    const entry = { member, score };
    this.#entries.set(member, entry);
    this.#tree.insert(entry);
  }

  /** Whether `member` was there. */
  delete(member: Bytes): boolean {
    const entry = this.#entries.get(member);
    if (entry === undefined) return false;
    this.#entries.delete(member);
    this.#tree.remove(entry);
    return true;
  }

  /** How many members stand before this one; `undefined` if it is no member. */
  rank(member: Bytes): number | undefined {
    const entry = this.#entries.get(member);
    return entry === undefined ? undefined : this.#tree.rank(entry);
  }

  /** The member at `rank`, counted from 0 at the lowest score. */
  at(rank: number): Entry | undefined {
    return this.#tree.at(rank);
  }

  /** The members of the ranks from `from` up to, not including, `to`, lowest score first. */
  slice(from: number, to: number): Entry[] {
    return this.#tree.slice(from, to);
  }

  /** How many members at the front satisfy `test`, which must hold for a prefix of the order and nothing behind it. */
  countWhile(test: (entry: Entry) => boolean): number {
    return this.#tree.countWhile(test);
  }

  /** Members in no order worth naming, which is cheaper than in order of score. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  members(): IterableIterator<Bytes> {
    return this.#entries.keys();
  }

  /** As {@link WideMap.image}. */
  image(watch: boolean): Image<ReadonlyMap<Bytes, Entry>> {
    return this.#entries.image(watch);
  }
}
