/** A point in one replication stream. Offsets compare only where `replid` is equal. */
export interface Position {
  readonly replid: string;
  /** Bytes of the stream, counted as Redis counts them. */
  readonly offset: number;
}

/**
 * One history going on under another name: everything of `from` **below** `at` is also in `to`
 * (`at` is the `second_repl_offset` of the node that made the link, while it was master).
 * `at: Infinity` says that nothing was cut off, as when a master takes a new replid for its first replica.
 */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly at: number;
}

/** `position` in the history that `link` leads to; null when the link does not prove that it is there. */
function convert(position: Position, link: Link): Position | null {
  return position.replid === link.from && position.offset < link.at
    ? { replid: link.to, offset: position.offset }
    : null;
}

/** The links that were observed, newest last; the oldest is forgotten at the bound. */
export class LinkTable {
  readonly #links: Link[] = [];

  /** @param capacity links remembered, default 64 */
  constructor(private readonly capacity = 64) {}

  get size(): number {
    return this.#links.length;
  }

  add(link: Link): void {
    const known = this.#links.findIndex((other) => other.from === link.from && other.to === link.to);
    // The same pair seen twice with different forks: only what both prove is proven.
    const at = known < 0 ? link.at : Math.min(link.at, (this.#links.splice(known, 1)[0] as Link).at);
    this.#links.push({ from: link.from, to: link.to, at });
    if (this.#links.length > this.capacity) this.#links.shift();
  }

  /** `position` in the history `to`, over any chain of known links; null = unknown, never a guess. */
  convert(position: Position, to: string): Position | null {
    return this.#follow(position, to, this.#links.length);
  }

  #follow(position: Position, to: string, steps: number): Position | null {
    if (position.replid === to) return position;
    if (steps === 0) return null;
    for (const link of this.#links) {
      const next = convert(position, link);
      const found = next && this.#follow(next, to, steps - 1);
      if (found) return found;
    }
    return null;
  }
}
