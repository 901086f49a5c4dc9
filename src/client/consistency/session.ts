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
  /** One master is left, and it is the adopted one's: a rival's history has lost. */
  readonly decided: boolean;
  /** First offset of `from` that is not in the adopted one, where a master was seen that branched off with it; null = unknown. */
  branchOf(from: string): number | null;
  /** Whether this client gave up `from`, what it went on in, or what it branched off from, for one that no link leads to. */
  wasLeft(from: string): boolean;
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

/** What a token named, and the how-manieth it was. */
interface Foreign extends Position {
  readonly order: number;
}

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
  #foreign: Foreign[] = [];
  /** Of these: named histories that lead nowhere known, before the nodes were asked. */
  #strange: Foreign[] = [];
  /** Of these: the nodes were asked, and nobody could say yet who wins. */
  #undecided: Foreign[] = [];
  /** Of these: the nodes were asked, and nobody knew of it; one that did not answer then may tell of it later. */
  #adrift: Foreign[] = [];
  /** Tokens so far. */
  #merged = 0;
  /** Something was seen of which nobody can say where it lies: to be read from the master first. */
  #unknown = false;
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

  /**
   * A token named a history that no known link leads from, and the nodes were not asked since; or there was no master
   * yet to place it by.
   */
  get unplaced(): boolean {
    this.#place();
    return this.#strange.length > 0 || this.#foreign.length > 0;
  }

  /** Tokens taken over so far: a look at the nodes says nothing of those that come after it began. */
  get merged(): number {
    return this.#merged;
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
    if (this.#unknown || this.#undecided.length > 0 || !this.resolved) return null;
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
    else this.#foreign.push({ ...position, order: ++this.#merged });
  }

  /** It has seen something that nothing more is known of: an expired token. */
  mergeUnknown(): void {
    this.#unknown = true;
  }

  /**
   * All nodes were asked since the first `upTo` tokens had come: what can't be placed of these now won't be. Unless who
   * wins is still to be decided: a rival's history is known to have lost only once there is one master.
   */
  looked(upTo: number): void {
    this.#place();
    const asked = this.#strange.filter(({ order }) => order <= upTo);
    this.#strange = this.#strange.filter(({ order }) => order > upTo);
    this.#undecided = [...this.#undecided, ...asked].slice(-UNPLACED);
    this.#decide();
  }

  /** A read was handed out; the fence behind it showed `offset`. `fromMaster`: of the adopted master. */
  read(offset: number, fromMaster: boolean): void {
    this.#place();
    this.#touched = true;
    // No position lies above the master's own: a token that says so names what never was, or is no more.
    if (fromMaster) this.#offset = offset;
    else this.#offset = Math.max(this.#offset, offset);
    // What it was given meanwhile, and the nodes were not asked about, that reply says nothing of.
    if (fromMaster && this.#strange.length === 0) this.#unknown = false;
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
    for (const position of this.#foreign.splice(0)) {
      if (this.#placeAt(position, this.#forkOf(position, replid))) continue;
      this.#unknown = true;
      if (this.#strange.length < UNPLACED) this.#strange.push(position);
    }
    this.#decide();
  }

  /** Places what the nodes were asked about, as soon as it is known who wins, or later as soon as one tells of it. */
  #decide(): void {
    const { replid, decided } = this.histories;
    if (this.#undecided.length + this.#adrift.length === 0 || replid === null || !decided) return;
    const asked = [...this.#adrift, ...this.#undecided.splice(0)].slice(-UNPLACED);
    this.#adrift = asked.filter((position) => {
      const fork = this.#forkOf(position, replid) ?? this.histories.branchOf(position.replid);
      return !this.#placeAt(position, fork);
    });
  }

  #forkOf(position: Position, replid: string): number | null {
    return position.replid === replid ? Number.POSITIVE_INFINITY : this.histories.forkOf(position.replid);
  }

  /** False if nobody knows what the adopted history shares with the position's: `fork` is null. */
  #placeAt({ replid, offset }: Position, fork: number | null): boolean {
    if (fork === null) {
      if (!this.histories.wasLeft(replid)) return false;
      // As a session that was here when it ended: asking the nodes would not find it.
      this.#unknown = true;
      this.#lose({ replid, fromOffset: 0, toOffset: offset, proven: false });
      return true;
    }
    this.#touched = true;
    this.#offset = Math.max(this.#offset, Math.min(offset, fork - 1));
    if (offset >= fork) this.#lose({ replid, fromOffset: fork - 1, toOffset: offset, proven: true });
    return true;
  }

  #lose(range: LostRange): void {
    const known = Object.freeze(range);
    this.#untold.push(known);
    if (this.#untold.length > REMEMBERED) this.#untold.shift();
    this.#lost = Object.freeze([...this.#lost, known].slice(-REMEMBERED));
  }
}
