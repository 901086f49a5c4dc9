import type { LostRange } from "../errors/kinds.js";
import type { Position } from "./history.js";
import { MASTER, type Need, NONE } from "./need.js";
import type { WriteFollower } from "./write-batch.js";

/** What a session needs to know of the histories that this client has followed. */
export interface Histories {
  /** The adopted one; null before a master was found. */
  readonly replid: string | null;
  /** First offset of `from` that is **not** in the adopted history; Infinity = all of it is; null = no proven link. */
  forkOf(from: string): number | null;
  /** First offset of `from` that is not in the adopted one, where a master was seen that branched off with it; null = unknown. */
  branchOf(from: string): number | null;
}

/** How many sessions have writes on their way, and may have. */
export interface SessionCount {
  following: number;
  readonly limit: number;
}

/** Lost ranges that a session remembers; older ones are forgotten. */
const REMEMBERED = 64;
/** Tokens of other histories that wait to be placed; beyond it the session counts as unknown. */
const UNPLACED = 8;

/**
 * One causal session: a single point of the replication stream, over all keys, that its reads must not fall behind.
 * It rises with every write of the session once that is resolved to an offset, and after a read to the fence behind
 * the values. It is placed in the adopted history whenever it is used, so that one that rests costs nothing.
 */
export class CausalSession implements WriteFollower {
  #replid: string | null = null;
  #offset = 0;
  /** It has read or written in this history; a master without replicas stands at offset 0 all the time. */
  #touched = false;
  /** From tokens, not yet placed in the adopted history. */
  #foreign: Position[] = [];
  /** Of these: named histories that lead nowhere known, before the nodes were asked. */
  #strange: Position[] = [];
  /** Something was seen of which nobody can say where it lies: to be read from the master first. */
  #unknown = false;
  /** A look at all nodes has not yet been taken since a token of an unknown history came. */
  #unplaced = false;
  #pending = 0;
  #unresolved = 0;
  #untold: LostRange[] = [];
  #lost: readonly LostRange[] = Object.freeze([]);
  #waiters: (() => void)[] = [];

  constructor(
    private readonly histories: Histories,
    private readonly count: SessionCount,
  ) {}

  /** What failovers took from this session, newest last. */
  get lost(): readonly LostRange[] {
    this.#place();
    return this.#lost;
  }

  /** No write of the session waits for its answer or its offset. */
  get resolved(): boolean {
    return this.#pending === 0 && this.#unresolved === 0;
  }

  /** A token named a history that no known link leads from, and the nodes were not asked since. */
  get unplaced(): boolean {
    this.#place();
    return this.#unplaced;
  }

  /** It has read or written what can't be placed: a read of the master settles it. */
  get unknown(): boolean {
    this.#place();
    return this.#unknown;
  }

  /** True if a first write of this session would be one session too many with writes on their way. */
  get overLimit(): boolean {
    return this.resolved && this.count.following >= this.count.limit;
  }

  /** Where the session stands in the adopted history; null while that is not known. */
  get position(): Position | null {
    this.#place();
    if (this.#unknown || !this.resolved) return null;
    const replid = this.#replid ?? this.histories.replid;
    return replid === null ? null : { replid, offset: this.#offset };
  }

  /** What a node must have applied to serve a read of this session. */
  need(): Need {
    this.#place();
    if (this.#pending > 0 || this.#unresolved > 0 || this.#unknown) return MASTER;
    return this.#offset === 0 ? NONE : this.#offset;
  }

  /** Takes over what another session, here or in another process, has seen. */
  merge(position: Position): void {
    if (this.#foreign.length >= UNPLACED) this.#unknown = true;
    else this.#foreign.push(position);
  }

  /** It has seen something that nothing more is known of: an expired token. */
  mergeUnknown(): void {
    this.#unknown = true;
  }

  /**
   * All nodes were asked: what can't be placed now won't be. `decided`: there is one master. Then a rival's history is
   * known to have lost what lies beyond its branch; before, it may be the one that wins.
   */
  looked(decided: boolean): void {
    this.#place();
    const { replid } = this.histories;
    this.#foreign = this.#strange.splice(0);
    if (replid !== null) this.#placeForeign(replid, decided);
    this.#strange = [];
    this.#unplaced = false;
  }

  /** A read was handed out; the fence behind it showed `offset`. `fromMaster`: of the adopted master. */
  read(offset: number, fromMaster: boolean): void {
    this.#place();
    this.#touched = true;
    // No position lies above the master's own: a token that says so names what never was, or is no more.
    if (fromMaster) this.#offset = offset;
    else this.#offset = Math.max(this.#offset, offset);
    if (!fromMaster) return;
    this.#unknown = this.#unplaced = false;
    this.#strange = [];
  }

  /** What failovers took and the session was not told of yet; asked once, told once. */
  takeUntold(): readonly LostRange[] | null {
    this.#place();
    return this.#untold.length === 0 ? null : this.#untold.splice(0);
  }

  /** Resolves when no write waits any more; at once if none does. */
  settled(): Promise<void> {
    if (this.resolved) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  issued(): void {
    this.#place();
    if (this.resolved) this.count.following++;
    this.#pending++;
  }

  notApplied(): void {
    this.#pending--;
    this.#rest();
  }

  answered(): void {
    this.#pending--;
    this.#unresolved++;
  }

  resolvedAt(offset: number, answers: number): void {
    this.#place();
    this.#touched = true;
    this.#offset = Math.max(this.#offset, offset);
    this.#unresolved -= answers;
    this.#rest();
  }

  cutOff(replid: string, lo: number, forkOffset: number | null, answers: number, acknowledged: boolean): void {
    this.#place();
    if (acknowledged) {
      const fromOffset = Math.max(lo, forkOffset === null ? 0 : forkOffset - 1);
      const proven = forkOffset !== null && lo >= forkOffset - 1;
      this.#lose({ replid, fromOffset, toOffset: fromOffset, proven });
    }
    this.#unresolved -= answers;
    this.#rest();
  }

  #rest(): void {
    if (!this.resolved) return;
    this.count.following--;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Brings the session into the adopted history, and finds out what was lost on the way. */
  #place(): void {
    const { replid } = this.histories;
    if (replid === null) return;
    if (this.#replid !== replid) {
      const before = this.#replid;
      const offset = this.#offset;
      this.#replid = replid;
      if (before !== null && this.#touched) {
        const fork = this.histories.forkOf(before);
        this.#touched = fork !== null;
        this.#offset = fork === null ? 0 : Math.min(offset, fork - 1);
        if (fork === null || offset >= fork) {
          this.#unknown ||= fork === null;
          this.#lose({
            replid: before,
            fromOffset: fork === null ? 0 : fork - 1,
            toOffset: offset,
            proven: fork !== null,
          });
        }
      }
    }
    if (this.#foreign.length > 0) this.#placeForeign(replid);
  }

  #placeForeign(replid: string, branches = false): void {
    const { histories } = this;
    for (const position of this.#foreign.splice(0)) {
      let fork = position.replid === replid ? Number.POSITIVE_INFINITY : histories.forkOf(position.replid);
      if (fork === null && branches) fork = histories.branchOf(position.replid);
      if (fork === null) {
        this.#unknown = this.#unplaced = true;
        if (this.#strange.length < UNPLACED) this.#strange.push(position);
        continue;
      }
      this.#touched = true;
      this.#offset = Math.max(this.#offset, Math.min(position.offset, fork - 1));
      if (position.offset >= fork) {
        this.#lose({ replid: position.replid, fromOffset: fork - 1, toOffset: position.offset, proven: true });
      }
    }
  }

  #lose(range: LostRange): void {
    const known = Object.freeze(range);
    this.#untold.push(known);
    if (this.#untold.length > REMEMBERED) this.#untold.shift();
    this.#lost = Object.freeze([...this.#lost, known].slice(-REMEMBERED));
  }
}
