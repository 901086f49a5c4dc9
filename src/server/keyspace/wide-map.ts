import type { Bytes } from "../../protocol/resp/reply.js";
import { Image } from "./image.js";
import { hashOf } from "./slots.js";

/** Entries of a part on average before the next one is split. */
const WIDTH = 2048;
/** Says which part a key belongs to, nothing that anybody could learn from. */
const SEED = 0x2545f491;

/**
 * A map that takes no long pause to grow: a JavaScript map of a million entries stands still for 50 ms when it makes room
 * for more. This one consists of maps that are split one after the other, as entries come (linear hashing). Iteration is
 * in the order of the parts; as long as there is one, which a few thousand entries need, in the order of insertion.
 */
export class WideMap<V> {
  #parts: Map<Bytes, V>[];
  /** Parts below `#next` are split already, in this round that began with 2 ** `#bits` parts. */
  #bits = 0;
  #next = 0;
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
    const part = this.#own(this.#indexOf(key));
    const before = part.size;
    part.set(key, value);
    if (part.size === before) return this;
    this.#size++;
    if (this.#size > this.#parts.length * WIDTH) this.#split();
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
    return this.#parts.length === 1 ? this.#first.keys() : each(this.#parts, (part) => part.keys());
  }

  values(): IterableIterator<V> {
    return this.#parts.length === 1 ? this.#first.values() : each(this.#parts, (part) => part.values());
  }

  [Symbol.iterator](): IterableIterator<[Bytes, V]> {
    return this.#parts.length === 1 ? this.#first.entries() : each(this.#parts, (part) => part.entries());
  }

  /** What it holds now; `watch` false: it will not change before the image is done with. */
  image(watch: boolean): Image<ReadonlyMap<Bytes, V>> {
    const image = new Image<ReadonlyMap<Bytes, V>>(this.#parts, this.#size);
    if (watch) this.#image = image;
    return image;
  }

  get #first(): Map<Bytes, V> {
    return this.#parts[0] as Map<Bytes, V>;
  }

  #indexOf(key: Bytes): number {
    if (this.#parts.length === 1) return 0;
    const hash = hashOf(key, SEED);
    const index = hash & ((1 << this.#bits) - 1);
    return index < this.#next ? hash & ((2 << this.#bits) - 1) : index;
  }

  /** A part that may be changed. */
  #own(index: number): Map<Bytes, V> {
    let part = this.#parts[index] as Map<Bytes, V>;
    if (this.#image?.holds(part)) this.#parts[index] = part = new Map(part);
    return part;
  }

  /** Divides the next part: half of it goes to a new one at the end. */
  #split(): void {
    const [stay, go] = [new Map<Bytes, V>(), new Map<Bytes, V>()];
    for (const [key, value] of this.#parts[this.#next] as Map<Bytes, V>) {
      const high = (hashOf(key, SEED) >>> this.#bits) & 1;
      (high === 0 ? stay : go).set(key, value);
    }
    this.#parts[this.#next] = stay;
    this.#parts.push(go);
    if (++this.#next < 1 << this.#bits) return;
    this.#bits++;
    this.#next = 0;
  }
}

function* each<Part, T>(parts: readonly Part[], show: (part: Part) => Iterable<T>): Generator<T> {
  for (const part of parts) yield* show(part);
}
