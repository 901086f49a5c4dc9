import { backlogStartedAnew, type FenceFacts } from "./fence-facts.js";

/** Where a fence or poll came from. */
export interface Observation {
  readonly fence: FenceFacts;
  /** Generation of the node's data connection for which it counts; a poll passes the present one. */
  readonly generation: number;
  readonly runId: string;
  /** Order of **sending**, over all connections of the client. */
  readonly seq: number;
  /** Monotonic milliseconds at which it was sent. */
  readonly sentAt: number;
}

/**
 * `raised` the node has applied more · `same` nothing new · `restarted` what was known is void and the mark starts
 * again at this observation · `void` nothing is known now · `ignored` of an old generation.
 * After `restarted` and `void` the node must enter the rotation again.
 */
export type MarkChange = "raised" | "same" | "restarted" | "void" | "ignored";

/** What is known of one node: it has applied at least `offset` of `replid`. Fields are read on the hot path. */
export class Mark {
  replid = "";
  /** -1 = void. */
  offset = -1;
  /** When the observation was sent that last raised or confirmed it (monotonic milliseconds). */
  at = Number.NEGATIVE_INFINITY;
  seq = -1;
  runId = "";
  generation = -1;
  /** -1 = void. */
  backlogFirstByte = -1;

  get valid(): boolean {
    return this.offset >= 0;
  }

  learn(seen: Observation): MarkChange {
    if (seen.generation < this.generation) return "ignored";
    const { fence } = seen;
    if (fence.syncInProgress) {
      this.generation = seen.generation;
      return this.void() ? "void" : "same";
    }
    const continues =
      this.valid && seen.generation === this.generation && seen.runId === this.runId && fence.replid === this.replid;
    // An answer that was overtaken shows an earlier state: lower than the mark, and no sign of anything.
    if (continues && seen.seq < this.seq) return "same";
    const goesOn = continues && fence.offset >= this.offset && !backlogStartedAnew(this, fence);
    const change = goesOn ? (fence.offset > this.offset ? "raised" : "same") : this.valid ? "restarted" : "raised";
    this.replid = fence.replid;
    this.offset = fence.offset;
    this.at = seen.sentAt;
    this.seq = seen.seq;
    this.runId = seen.runId;
    this.generation = seen.generation;
    this.backlogFirstByte = fence.backlogFirstByte;
    return change;
  }

  /** Forgets everything but the generation. Returns whether there was something to forget. */
  void(): boolean {
    const had = this.valid;
    this.offset = -1;
    this.backlogFirstByte = -1;
    this.at = Number.NEGATIVE_INFINITY;
    this.seq = -1;
    return had;
  }
}
