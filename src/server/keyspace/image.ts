/**
 * A collection as it was at one moment, for somebody who writes it down while it goes on being changed. A collection
 * consists of parts that are small; whoever is about to change one that the image {@link holds} changes a copy and puts
 * that in its place. So to take an image costs a list of the parts, and a change at most a copy of one.
 */
export class Image<Part> {
  readonly #left: Set<Part>;
  readonly partCount: number;

  constructor(
    parts: Iterable<Part>,
    /** Elements at that moment. */
    readonly size: number,
  ) {
    this.#left = new Set(parts);
    this.partCount = this.#left.size;
  }

  /** Whether this part must stay as it is. */
  holds(part: Part): boolean {
    return this.#left.has(part);
  }

  /** The parts, in their order. Each is let go when the next is asked for. */
  *parts(): Generator<Part> {
    for (const part of this.#left) {
      yield part;
      this.#left.delete(part);
    }
  }

  /** It is not needed any more. */
  drop(): void {
    this.#left.clear();
  }
}
