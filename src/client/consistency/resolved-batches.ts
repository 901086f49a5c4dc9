import type { WriteBatch } from "./write-batch.js";

/** So many entries may be listed in vain before they are looked for. */
const SLACK = 64;

/**
 * Batches that have their offset, in the order of their resolution, which is that of their offsets. A key that is
 * written again waits for a later batch: what an older one lists of it is left out from time to time, and batches with
 * nothing left in them, so that the list is no longer than the keys are many even where nobody ever takes the oldest
 * off, as without a replica.
 */
export class ResolvedBatches {
  #oldest: WriteBatch | null = null;
  #newest: WriteBatch | null = null;
  /** Entries of all batches, those that wait for a later one included. */
  #listed = 0;

  get listed(): number {
    return this.#listed;
  }

  get oldest(): WriteBatch | null {
    return this.#oldest;
  }

  /** @param keys how many keys are noted; they are all that the list has to hold */
  append(batch: WriteBatch, keys: number): void {
    if (batch.entries.length === 0) return;
    this.#link(batch);
    if (this.#listed > 2 * keys + SLACK) this.#prune();
  }

  shift(): WriteBatch {
    const batch = this.#oldest as WriteBatch;
    this.#oldest = batch.next;
    if (this.#oldest === null) this.#newest = null;
    this.#listed -= batch.entries.length;
    return batch;
  }

  clear(): void {
    this.#oldest = this.#newest = null;
    this.#listed = 0;
  }

  #link(batch: WriteBatch): void {
    batch.next = null;
    if (this.#newest === null) this.#oldest = batch;
    else this.#newest.next = batch;
    this.#newest = batch;
    this.#listed += batch.entries.length;
  }

  #prune(): void {
    let batch = this.#oldest;
    this.clear();
    while (batch !== null) {
      const { next } = batch;
      batch.prune();
      if (batch.entries.length > 0) this.#link(batch);
      batch = next;
    }
  }
}
