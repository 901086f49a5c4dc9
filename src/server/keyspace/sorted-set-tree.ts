import type { Bytes } from "../../protocol/resp/reply.js";

/** A member of a sorted set. The tree orders by score, then by the bytes of the member. */
export interface Entry {
  readonly member: Bytes;
  readonly score: number;
}

const WIDTH = 64;

interface Leaf {
  readonly entries: Entry[];
  readonly children?: never;
  count: number;
}
interface Branch {
  readonly children: Node[];
  readonly entries?: never;
  count: number;
}
type Node = Leaf | Branch;

/** Whether `left` stands before `right`. */
function before(left: Entry, right: Entry): boolean {
  return left.score < right.score || (left.score === right.score && left.member < right.member);
}

/**
 * A B+ tree that counts what lies under each node, so that ranks, and all ranges as intervals of ranks, cost O(log n).
 * It needs no chance, hence the same history gives the same tree. A node that runs empty is dropped, others are not
 * merged: depth follows the largest size the tree ever had.
 */
export class SortedSetTree {
  #root: Node = { entries: [], count: 0 };

  get size(): number {
    return this.#root.count;
  }

  /** Adds an entry that is not in the tree. */
  insert(entry: Entry): void {
    const split = this.#insertInto(this.#root, entry);
    if (split !== undefined) this.#root = { children: [this.#root, split], count: this.#root.count + split.count };
  }

  /** Removes an entry that is in the tree (the same score and member). */
  remove(entry: Entry): void {
    this.#removeFrom(
      this.#root,
      this.countWhile((other) => before(other, entry)),
    );
    while (this.#root.children?.length === 1 && this.#root.children[0] !== undefined) {
      this.#root = this.#root.children[0];
    }
    if (this.#root.count === 0) this.#root = { entries: [], count: 0 };
  }

  /** How many entries stand before this one. */
  rank(entry: Entry): number {
    return this.countWhile((other) => before(other, entry));
  }

  /** How many entries at the front satisfy `test`, which must hold for a prefix of the order and for nothing behind. */
  countWhile(test: (entry: Entry) => boolean): number {
    let node = this.#root;
    let counted = 0;
    while (node.children !== undefined) {
      // The last child whose first entry satisfies the test is the only one that may satisfy it in part.
      let low = 0;
      let high = node.children.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const first = firstOf(node.children[middle]);
        if (first !== undefined && test(first)) low = middle;
        else high = middle - 1;
      }
      for (let i = 0; i < low; i++) counted += node.children[i]?.count ?? 0;
      const next: Node | undefined = node.children[low];
      if (next === undefined) return counted;
      node = next;
    }
    return counted + prefixLength(node.entries, test);
  }

  /** The entry at `rank`, counted from 0. */
  at(rank: number): Entry | undefined {
    return this.slice(rank, rank + 1)[0];
  }

  /** The entries of the ranks from `from` up to, not including, `to`, in order. */
  slice(from: number, to: number): Entry[] {
    const result: Entry[] = [];
    collect(this.#root, Math.max(0, from), Math.min(this.size, to), result);
    return result;
  }

  #insertInto(node: Node, entry: Entry): Node | undefined {
    node.count++;
    if (node.entries !== undefined) {
      node.entries.splice(
        prefixLength(node.entries, (other) => before(other, entry)),
        0,
        entry,
      );
      if (node.entries.length <= WIDTH) return undefined;
      // Appending in order is the common case: it leaves a full node behind instead of a half one.
      const keep = node.entries.at(-1) === entry ? WIDTH : WIDTH / 2;
      const entries = node.entries.splice(keep);
      node.count -= entries.length;
      return { entries, count: entries.length };
    }
    // The last child that begins before the entry; the first one if none does.
    let at = 0;
    for (let high = node.children.length - 1; at < high; ) {
      const middle = (at + high + 1) >> 1;
      const first = firstOf(node.children[middle]);
      if (first !== undefined && before(first, entry)) at = middle;
      else high = middle - 1;
    }
    const child = node.children[at];
    const split = child === undefined ? undefined : this.#insertInto(child, entry);
    if (split === undefined) return undefined;
    node.children.splice(at + 1, 0, split);
    if (node.children.length <= WIDTH) return undefined;
    const children = node.children.splice(WIDTH / 2);
    const count = children.reduce((sum, moved) => sum + moved.count, 0);
    node.count -= count;
    return { children, count };
  }

  #removeFrom(node: Node, rank: number): void {
    node.count--;
    if (node.entries !== undefined) {
      node.entries.splice(rank, 1);
      return;
    }
    let left = rank;
    for (const [at, child] of node.children.entries()) {
      if (left < child.count) {
        this.#removeFrom(child, left);
        if (child.count === 0 && node.children.length > 1) node.children.splice(at, 1);
        return;
      }
      left -= child.count;
    }
  }
}

function firstOf(node: Node | undefined): Entry | undefined {
  let at = node;
  while (at?.children !== undefined) at = at.children[0];
  return at?.entries?.[0];
}

function prefixLength(entries: readonly Entry[], test: (entry: Entry) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && test(entry)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function collect(node: Node, from: number, to: number, result: Entry[]): void {
  if (from >= to) return;
  if (node.entries !== undefined) {
    for (let at = from; at < to && at < node.entries.length; at++) {
      const entry = node.entries[at];
      if (entry !== undefined) result.push(entry);
    }
    return;
  }
  let start = 0;
  for (const child of node.children) {
    if (start >= to) return;
    if (start + child.count > from)
      collect(child, Math.max(0, from - start), Math.min(child.count, to - start), result);
    start += child.count;
  }
}
