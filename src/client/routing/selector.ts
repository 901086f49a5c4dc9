import type { Random } from "../../core/random.js";
import { ANY, type Need } from "../consistency/need.js";
import type { ReadFrom } from "../types.js";
import { lighterOfTwo, lightest } from "./choose.js";
import { narrow, type Placed, type Preference } from "./prefer.js";

/** The forms of `readFrom` that are words. */
export type ReadFromForm = Extract<ReadFrom, string>;

/** A node as selection sees it. The selector keeps the objects and reads the fields at each pick: they may be live. */
export interface Candidate extends Placed {
  readonly id: string;
  readonly isMaster: boolean;
  /** Routable: up, in the adopted history, synced; a master: verified, and not held. */
  readonly serves: boolean;
  /** A replica with a valid mark of at least the ledger's `droppedFloor`. */
  readonly inRotation: boolean;
  /** What it surely has applied; `offset` −1 = void. */
  readonly mark: { readonly offset: number };
  /** What it probably has applied by now, worth asking with a fence in front; −1 = no guess. */
  readonly likelyOffset: number;
  /** As many bytes are on their way to it as may be. */
  readonly full: boolean;
  /** A replica that is to be left alone as long as another node can serve: see `Circuit`. */
  readonly resting: boolean;
}

/**
 * How a pick ended: `node` · `fence` the node's mark does not cover the need, so put a fence in front and read only what
 * it proves · `hold` no eligible replica and never the master: hold for `readHoldMs`, then NO_ELIGIBLE_REPLICA ·
 * `wait` the master is wanted and there is none: wait for `failoverTimeoutMs`, then NO_MASTER.
 */
export type Outcome = "node" | "fence" | "hold" | "wait";

/**
 * Whether `node`, a replica, may serve a read with this need: what it must have applied, see {@link Need}. At `below` or
 * beyond it has what not all claimants to the office of master have.
 */
function covers({ serves, full, mark, inRotation }: Candidate, need: Need, below: number): boolean {
  return serves && !full && mark.offset >= need && mark.offset < below && (need === ANY || inRotation);
}

function mayCover({ serves, full, mark, inRotation, likelyOffset }: Candidate, need: Need, below: number): boolean {
  return serves && !full && inRotation && likelyOffset >= need && mark.offset < below;
}

/**
 * Picks the node for a read, without allocating. Tolerances are needs too and folded in by the caller:
 * `Math.max(need, samples.offsetWithin(maxStalenessMs, now), needWithinLag(masterOffset, maxLagBytes))`. For `strong` pass
 * the form `master`.
 */
export class Selector<C extends Candidate> {
  #master: C | null = null;
  #replicas: readonly C[] = [];
  #eligible: C[] = [];
  #outcome: Outcome = "wait";
  #now = 0;
  #preference: Preference | null = null;
  #below = Number.POSITIVE_INFINITY;

  constructor(private readonly random: Random) {}

  /** How the last pick ended. */
  get outcome(): Outcome {
    return this.#outcome;
  }

  /** To be called when nodes come, go or change roles; not when their fields change. */
  refresh(candidates: readonly C[]): void {
    this.#master = candidates.find((node) => node.isMaster) ?? null;
    this.#replicas = candidates.filter((node) => !node.isMaster);
    this.#eligible = new Array<C>(candidates.length);
  }

  /**
   * The node for a read, or null with {@link outcome} `hold` or `wait`.
   * @param now monotonic milliseconds
   * @param preference null = by load alone
   * @param below a replica that has applied so much, or more, is passed over
   */
  pick(
    form: ReadFromForm,
    need: Need,
    now: number,
    preference: Preference | null,
    below = Number.POSITIVE_INFINITY,
  ): C | null {
    this.#now = now;
    this.#preference = preference;
    this.#below = below;
    if (form === "master") return this.#fromMaster();
    if (form === "masterPreferred" && this.#master?.serves) return this.#fromMaster();
    const node = form === "nearest" ? this.#nearest(need) : this.#fromReplicas(need, false);
    if (node !== null) return node;
    if (form !== "replica" && this.#master?.serves) return this.#fromMaster();
    // Better a node that fails often than none.
    const resting = this.#fromReplicas(need, true);
    if (resting !== null) return resting;
    if (form !== "replica") return this.#fromMaster();
    this.#outcome = "hold";
    return null;
  }

  /** For a `readFrom` function: the first eligible node in the order that it returned. */
  pickFrom(ordered: readonly C[], need: Need, below = Number.POSITIVE_INFINITY): C | null {
    let resting: C | null = null;
    for (let i = 0; i < ordered.length; i++) {
      const node = ordered[i] as C;
      if (!(node.isMaster ? node.serves : covers(node, need, below))) continue;
      if (node.isMaster || !node.resting) {
        this.#outcome = "node";
        return node;
      }
      resting ??= node;
    }
    this.#outcome = resting === null ? "hold" : "node";
    return resting;
  }

  /** Another replica for a read that `first` keeps waiting; null = none surely has what it needs. Never one that rests. */
  pickSecond(
    first: string | undefined,
    need: Need,
    now: number,
    preference: Preference | null,
    below = Number.POSITIVE_INFINITY,
  ): C | null {
    this.#now = now;
    this.#preference = preference;
    this.#below = below;
    const count = this.#gather(need, false);
    let left = 0;
    for (let i = 0; i < count; i++) {
      const node = this.#eligible[i] as C;
      if (node.id !== first) this.#eligible[left++] = node;
    }
    left = this.#preferred(left);
    return left === 0 ? null : lighterOfTwo(this.#eligible, left, now, this.random);
  }

  #fromMaster(): C | null {
    const master = this.#master;
    const serves = master?.serves === true;
    this.#outcome = serves ? "node" : "wait";
    return serves ? master : null;
  }

  #fromReplicas(need: Need, resting: boolean): C | null {
    const count = this.#preferred(this.#gather(need, resting));
    if (count > 0) {
      this.#outcome = "node";
      return lighterOfTwo(this.#eligible, count, this.#now, this.random);
    }
    return this.#fenced(need, resting);
  }

  #nearest(need: Need): C | null {
    let count = this.#gather(need, false);
    if (this.#master?.serves) this.#eligible[count++] = this.#master;
    count = this.#preferred(count);
    if (count === 0) return this.#fenced(need, false);
    this.#outcome = "node";
    return lightest(this.#eligible, count, this.#now, this.random);
  }

  #gather(need: Need, resting: boolean): number {
    let count = 0;
    for (let i = 0; i < this.#replicas.length; i++) {
      const node = this.#replicas[i] as C;
      if (covers(node, need, this.#below) && node.resting === resting) this.#eligible[count++] = node;
    }
    return count;
  }

  #fenced(need: Need, resting: boolean): C | null {
    let count = 0;
    for (let i = 0; i < this.#replicas.length; i++) {
      const node = this.#replicas[i] as C;
      if (mayCover(node, need, this.#below) && node.resting === resting) this.#eligible[count++] = node;
    }
    count = this.#preferred(count);
    if (count === 0) return null;
    this.#outcome = "fence";
    return lighterOfTwo(this.#eligible, count, this.#now, this.random);
  }

  #preferred(count: number): number {
    return this.#preference === null ? count : narrow(this.#eligible, count, this.#preference, this.#now);
  }
}
