import type { CircuitState } from "../types.js";

/** When a replica is given a rest from reads; times in milliseconds. */
export interface CircuitLimits {
  /** Failed reads, or lost connections, within `windowMs`; 0 = never. */
  readonly failures: number;
  readonly windowMs: number;
  /** The first rest; each one that follows a trial in vain is twice as long. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/**
 * Whether reads may go to a node that looks well to every poll and fails its readers all the same: by refusals,
 * deadlines that pass, connections that break. After too many failures it rests (`open`), then serves one read at a time
 * (`halfOpen`) until one is answered (`closed`) or fails (`open` again, for longer).
 *
 * A rest is a matter of preference: a node that rests still serves when there is nobody else, and nothing here concerns
 * the master or any write.
 */
export class Circuit {
  state: CircuitState = "closed";
  /** Whether answers are to be counted: false as long as nothing has failed, so that answers cost nothing. */
  troubled = false;
  /** Why it rests or is on trial; empty while closed. */
  reason = "";
  #since = Number.NEGATIVE_INFINITY;
  #failed = 0;
  #answered = 0;
  #lost = 0;
  #openMs: number;

  constructor(private readonly limits: CircuitLimits) {
    this.#openMs = limits.openMs;
  }

  /** How long the rest that has just begun shall last, in milliseconds. */
  get restMs(): number {
    return this.#openMs;
  }

  /** A read was answered. To be called while {@link troubled}. Returns whether the circuit closed by it. */
  answered(): boolean {
    this.#answered++;
    if (this.state !== "halfOpen") return false;
    this.reset();
    return true;
  }

  /** A read was refused for a reason of the node's own, or not answered in time. Returns whether the circuit opened by it. */
  failed(now: number, why: string): boolean {
    this.#begin(now);
    this.#failed++;
    // Among many that are well served a few failures are those reads' own matter.
    const most = this.#failed >= this.limits.failures && this.#failed >= this.#answered;
    return this.#judge(
      most,
      `${this.#failed} of ${this.#failed + this.#answered} reads failed there, the last one with ${why}`,
    );
  }

  /** Its connection broke. Returns whether the circuit opened by it. */
  lost(now: number): boolean {
    this.#begin(now);
    this.#lost++;
    return this.#judge(this.#lost >= this.limits.failures, `its connection broke ${this.#lost} times`);
  }

  /** The rest is over. */
  tryOut(): void {
    if (this.state === "open") this.state = "halfOpen";
  }

  /** Forgets everything, as for a node that has another office now. */
  reset(): void {
    this.state = "closed";
    this.troubled = false;
    this.reason = "";
    this.#since = Number.NEGATIVE_INFINITY;
    this.#openMs = this.limits.openMs;
  }

  /** Failures that lie further apart than the window have nothing to do with one another. */
  #begin(now: number): void {
    if (now - this.#since <= this.limits.windowMs) return;
    this.#since = now;
    this.#failed = 0;
    this.#answered = 0;
    this.#lost = 0;
    this.troubled = this.limits.failures > 0;
  }

  #judge(enough: boolean, reason: string): boolean {
    if (this.limits.failures === 0 || this.state === "open") return false;
    if (this.state === "halfOpen") this.#openMs = Math.min(this.#openMs * 2, this.limits.maxOpenMs);
    else if (!enough) return false;
    this.state = "open";
    this.reason = reason;
    // What comes before the trial is over says nothing new, and the trial shall be judged by itself.
    this.#since = Number.NEGATIVE_INFINITY;
    this.troubled = true;
    return true;
  }
}
