import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";

/** A set, or the keys of a map. */
export interface Elements {
  readonly size: number;
  has(element: Bytes): boolean;
  keys(): Iterable<Bytes>;
}

/**
 * The elements of a collection in an array, from which one can be picked by chance without walking there. Made when it
 * is first needed, and kept up with what is added; what is removed elsewhere is dropped when it is met.
 */
export class Sample {
  #items: Bytes[];

  constructor(private readonly elements: Elements) {
    this.#items = [...elements.keys()];
  }

  /** To be told after an element was added. False: the sample is out of date and must be thrown away. */
  added(element: Bytes): boolean {
    // More items than elements: some have been removed, and what comes back might stand there twice.
    if (this.#items.length !== this.elements.size - 1) return false;
    this.#items.push(element);
    return true;
  }

  /** One element, each with the same chance. There must be one. */
  pick(random: Random): Bytes {
    return this.#items[this.#pickIndex(random)] as Bytes;
  }

  /** As `pick`, for an element that the caller will remove. */
  take(random: Random): Bytes {
    const at = this.#pickIndex(random);
    const element = this.#items[at] as Bytes;
    this.#drop(at);
    return element;
  }

  #pickIndex(random: Random): number {
    for (;;) {
      const at = random.int(this.#items.length);
      if (this.elements.has(this.#items[at] as Bytes)) return at;
      this.#drop(at);
    }
  }

  #drop(at: number): void {
    const last = this.#items.pop() as Bytes;
    if (at < this.#items.length) this.#items[at] = last;
  }
}
