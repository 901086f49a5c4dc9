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

/** The links that were observed, newest last; the oldest is forgotten at the bound. */
export class LinkTable {
  readonly #links: Link[] = [];
  readonly #left: string[] = [];

  /** @param capacity links and ended histories remembered, of each so many, default 64 */
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

  /** This history was followed and given up for one that no link leads to. */
  leave(replid: string): void {
    this.#left.push(replid);
    if (this.#left.length > this.capacity) this.#left.shift();
  }

  /**
   * Whether `from` is, went on in, or branched off from a history that was given up so: nobody can say what is left of it.
   */
  wasLeft(from: string): boolean {
    const names = [from, ...this.#links.filter(({ to }) => to === from).map((link) => link.from)];
    return this.#left.some((replid) => names.some((name) => this.forkOf(name, replid) !== null));
  }

  /**
   * First offset of the history `from` that is not in `to`, over any chain of known links; Infinity if all of it is,
   * null = unknown, never a guess.
   */
  forkOf(from: string, to: string): number | null {
    return this.#follow(from, to, new Set());
  }

  /**
   * First offset of the history `from` that is not in `to`, where `from` branched off from `to` or from what leads to
   * it: below the branch they are one, beyond it nothing is shared. Null = unknown, also where no branch was seen.
   */
  branchOf(from: string, to: string): number | null {
    for (const link of this.#links) {
      if (link.to !== from) continue;
      const rest = this.forkOf(link.from, to);
      const at = rest === null ? null : Math.min(link.at, rest);
      // A history that only took another name goes on from wherever, which nobody has said.
      if (at !== null && Number.isFinite(at)) return at;
    }
    return null;
  }

  #follow(from: string, to: string, passed: Set<string>): number | null {
    if (from === to) return Number.POSITIVE_INFINITY;
    passed.add(from);
    let furthest: number | null = null;
    for (const link of this.#links) {
      if (link.from !== from || passed.has(link.to)) continue;
      const rest = this.#follow(link.to, to, passed);
      // Each way proves what it proves: the better one counts.
      if (rest !== null) furthest = Math.max(furthest ?? 0, Math.min(link.at, rest));
    }
    return furthest;
  }
}
