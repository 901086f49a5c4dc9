import type { Bytes } from "../../protocol/resp/reply.js";
import { Image } from "./image.js";
import { hashOf } from "./slots.js";

/** Entries of a part beyond which it is divided. */
const WIDTH = 4096;
/** Bits of a hash that say into which of how many parts an entry goes then. Many: so an entry is seldom moved. */
const BITS = 5;
const FAN_OUT = 1 << BITS;
/** Says which part a key belongs to, nothing that anybody could learn from. */
const SEED = 0x2545f491;
/** For all that consist of one part. */
const UNDIVIDED: number[] = [0];

/**
 * A map that takes no long pause to grow: a JavaScript map of a million entries stands still for 50 ms when it makes room
 * for more. This one consists of maps, and one of them that has become too large is divided into many (extendible
 * hashing). Iteration is in the order of the parts; as long as there is one, which a few thousand entries need, in the
 * order of insertion.
 */
export class WideMap<V> {
  /** By the lower bits of the hash. One of which not all these bits are looked at stands in several places. */
  #parts: Map<Bytes, V>[];
  /** How many bits of the hash those in the part at the same place have in common. */
  #depths = UNDIVIDED;
  #size = 0;
  #image: Image<ReadonlyMap<Bytes, V>> | null = null;

  constructor(entries: Iterable<readonly [Bytes, V]> = []) {
    this.#parts = [new Map()];
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#size;
  }

  get(key: Bytes): V | undefined {
    return (this.#parts[this.#indexOf(key)] as Map<Bytes, V>).get(key);
  }

  has(key: Bytes): boolean {
    return (this.#parts[this.#indexOf(key)] as Map<Bytes, V>).has(key);
  }

  set(key: Bytes, value: V): this {
    const index = this.#indexOf(key);
    const part = this.#own(index);
    const before = part.size;
    part.set(key, value);
    if (part.size === before) return this;
    this.#size++;
    if (part.size > WIDTH) this.#divide(index);
    return this;
  }

  delete(key: Bytes): boolean {
    const index = this.#indexOf(key);
    if (!(this.#parts[index] as Map<Bytes, V>).has(key)) return false;
    this.#own(index).delete(key);
    this.#size--;
    return true;
  }

  keys(): IterableIterator<Bytes> {
    return this.#parts.length === 1 ? this.#first.keys() : each(this.#distinct(), (part) => part.keys());
  }

  values(): IterableIterator<V> {
    return this.#parts.length === 1 ? this.#first.values() : each(this.#distinct(), (part) => part.values());
  }

  [Symbol.iterator](): IterableIterator<[Bytes, V]> {
    return this.#parts.length === 1 ? this.#first.entries() : each(this.#distinct(), (part) => part.entries());
  }

  /** What it holds now; `watch` false: it will not change before the image is done with. */
  image(watch: boolean): Image<ReadonlyMap<Bytes, V>> {
    const image = new Image<ReadonlyMap<Bytes, V>>(this.#distinct(), this.#size);
    if (watch) this.#image = image;
    return image;
  }

  get #first(): Map<Bytes, V> {
    return this.#parts[0] as Map<Bytes, V>;
  }

  *#distinct(): Generator<Map<Bytes, V>> {
    for (const [index, part] of this.#parts.entries()) {
      // The first of its places is the one where only bits are set that it looks at.
      if (index < 1 << (this.#depths[index] as number)) yield part;
    }
  }

  #indexOf(key: Bytes): number {
    return this.#parts.length === 1 ? 0 : hashOf(key, SEED) & (this.#parts.length - 1);
  }

  /** A part that may be changed. */
  #own(index: number): Map<Bytes, V> {
    const part = this.#parts[index] as Map<Bytes, V>;
    if (this.#image === null || !this.#image.holds(part)) return part;
    const copy = new Map(part);
    this.#place(index, this.#depths[index] as number, copy);
    return copy;
  }

  /** Replaces a part by many, which takes their entries apart by the next bits of the hash. */
  #divide(index: number): void {
    const depth = this.#depths[index] as number;
    if (1 << depth === this.#parts.length) {
      // Somebody who aims at one part shall get a long part, not a long list of empty ones.
      if (this.#parts.length * FAN_OUT > this.#size) return;
      this.#parts = Array.from({ length: FAN_OUT }, () => this.#parts).flat();
      this.#depths = Array.from({ length: FAN_OUT }, () => this.#depths).flat();
    }
    const parts = Array.from({ length: FAN_OUT }, () => new Map<Bytes, V>());
    for (const [key, value] of this.#parts[index] as Map<Bytes, V>) {
      (parts[(hashOf(key, SEED) >>> depth) & (FAN_OUT - 1)] as Map<Bytes, V>).set(key, value);
    }
    const first = index & ((1 << depth) - 1);
    for (const [bits, part] of parts.entries()) this.#place(first | (bits << depth), depth + BITS, part);
    for (let at = first; at < this.#depths.length; at += 1 << depth) this.#depths[at] = depth + BITS;
  }

  /** Puts a part into all places whose lower `depth` bits are those of `index`. */
  #place(index: number, depth: number, part: Map<Bytes, V>): void {
    for (let at = index & ((1 << depth) - 1); at < this.#parts.length; at += 1 << depth) this.#parts[at] = part;
  }
}

function* each<Part, T>(parts: Iterable<Part>, show: (part: Part) => Iterable<T>): Generator<T> {
  for (const part of parts) yield* show(part);
}
