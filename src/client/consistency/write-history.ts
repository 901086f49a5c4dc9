import { shownKey } from "./key-name.js";

/**
 * Acknowledged writes whose bytes lie somewhere in (lo, hi] of one history: `lo` was the master's offset before they
 * were sent, `hi` its offset after they were answered, null until a fence has said so.
 */
export interface Bracket {
  lo: number;
  hi: number | null;
  count: number;
  /** Names of the keys written, as far as they were kept. */
  keys: string[];
  keysComplete: boolean;
}

/** What a failover did to the acknowledged writes of the old history. */
export interface LossReport {
  /** `min` are certainly lost, `max` includes the unproven ones. */
  readonly lost: { readonly min: number; readonly max: number };
  /** Writes whose bracket holds the fork: lost or not, nobody can say. */
  readonly unproven: number;
  /** Offsets of the old history between which they lie. */
  readonly fromOffset: number;
  readonly toOffset: number;
  /** Keys of lost and unproven writes that are still known, each once. */
  readonly keys: readonly string[];
  readonly keysComplete: boolean;
}

/** What became of writes in (lo, hi] when a history forked at `forkOffset` (second_repl_offset, the first offset **not** shared). */
export function judgeBracket(lo: number, hi: number | null, forkOffset: number): "survived" | "lost" | "unproven" {
  if (hi !== null && hi < forkOffset) return "survived";
  return lo >= forkOffset - 1 ? "lost" : "unproven";
}

/**
 * The acknowledged writes that a failover could still lose. Filled by the key ledger, bounded: beyond `brackets` the
 * oldest neighbours are merged (counts stay exact, their brackets widen), beyond `keys` no more keys are noted.
 */
export class WriteHistory {
  #brackets: Bracket[] = [];
  #keys = 0;
  /** What was forgotten because every replica had it: so many writes, the last of them at or below that offset. */
  #forgotten = { writes: 0, hi: 0 };

  constructor(
    private readonly limits: { readonly brackets: number; readonly keys: number } = { brackets: 1024, keys: 10_000 },
  ) {}

  /** Brackets kept. */
  get size(): number {
    return this.#brackets.length;
  }

  /** Starts a bracket; whoever opened it sets `hi` when a fence shows it. */
  open(lo: number): Bracket {
    if (this.#brackets.length >= this.limits.brackets) this.#merge();
    const bracket: Bracket = { lo, hi: null, count: 0, keys: [], keysComplete: true };
    this.#brackets.push(bracket);
    return bracket;
  }

  /** Notes one key of a write in `bracket`; null = it wrote what cannot be named. */
  note(bracket: Bracket, key: string | null): void {
    if (key !== null && bracket.keys[bracket.keys.length - 1] === key) return;
    if (key === null || this.#keys >= this.limits.keys) {
      bracket.keysComplete = false;
      return;
    }
    bracket.keys.push(key);
    this.#keys++;
  }

  /**
   * Forgets what every known replica has applied: whichever is promoted, those writes survive. Their number is kept, for
   * a master that comes back without its data.
   */
  forget(lowestMark: number): void {
    let passed = 0;
    for (const { hi, keys, count } of this.#brackets) {
      if (hi === null || hi > lowestMark) break;
      this.#keys -= keys.length;
      this.#forgotten = { writes: this.#forgotten.writes + count, hi: Math.max(this.#forgotten.hi, hi) };
      passed++;
    }
    if (passed > 0) this.#brackets.splice(0, passed);
  }

  /**
   * The verdict over all that is kept, for a fork at `forkOffset`; null = the new history has no proven link to the
   * old one, so that nothing is proven either way.
   */
  judge(forkOffset: number | null): LossReport {
    let lost = 0;
    let unproven = 0;
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    let keysComplete = true;
    const keys = new Set<string>();
    const { writes, hi: passedAt } = this.#forgotten;
    if (writes > 0 && (forkOffset === null || passedAt >= forkOffset)) {
      // A master of other data, or one that lost what it had: nobody knows any more which those were.
      unproven += writes;
      keysComplete = false;
      from = forkOffset === null ? 0 : forkOffset - 1;
      to = passedAt;
    }
    for (const bracket of this.#brackets) {
      const verdict = forkOffset === null ? "unproven" : judgeBracket(bracket.lo, bracket.hi, forkOffset);
      if (verdict === "survived" || bracket.count === 0) continue;
      if (verdict === "lost") lost += bracket.count;
      else unproven += bracket.count;
      from = Math.min(from, Math.max(bracket.lo, forkOffset === null ? 0 : forkOffset - 1));
      to = Math.max(to, bracket.hi ?? bracket.lo, from);
      keysComplete &&= bracket.keysComplete;
      for (const key of bracket.keys) keys.add(shownKey(key));
    }
    return {
      lost: { min: lost, max: lost + unproven },
      unproven,
      fromOffset: to === 0 && from === Number.POSITIVE_INFINITY ? 0 : from,
      toOffset: to,
      keys: [...keys],
      keysComplete,
    };
  }

  /**
   * Another history begins, and what it lost was reported. What survived goes on in it, below the fork, and can still be
   * lost by the next failover: to a replica that has not got so far. Null: nothing is known to go on.
   */
  continueIn(forkOffset: number | null): void {
    const survived = this.#brackets.filter(
      ({ lo, hi, count }) => count > 0 && forkOffset !== null && judgeBracket(lo, hi, forkOffset) === "survived",
    );
    this.#brackets = survived;
    this.#keys = survived.reduce((sum, { keys }) => sum + keys.length, 0);
    if (forkOffset === null || this.#forgotten.hi >= forkOffset) this.#forgotten = { writes: 0, hi: 0 };
  }

  /** Halves the resolved brackets of the older half by joining neighbours. */
  #merge(): void {
    const older = this.#brackets.length >>> 1;
    const merged: Bracket[] = [];
    for (const [index, bracket] of this.#brackets.entries()) {
      const last = merged[merged.length - 1];
      if (index < older && index % 2 === 1 && last && last.hi !== null && bracket.hi !== null) {
        last.lo = Math.min(last.lo, bracket.lo);
        last.hi = Math.max(last.hi, bracket.hi);
        last.count += bracket.count;
        last.keysComplete &&= bracket.keysComplete;
        for (const key of bracket.keys) last.keys.push(key);
      } else merged.push(bracket);
    }
    this.#brackets = merged;
  }
}
