/** After so many milliseconds without a measurement the next one counts as much as all before. */
const STALE_MS = 250;

/** How long a node takes to answer: a moving average that forgets what was measured long ago. */
export class Latency {
  /** Milliseconds; null before the first measurement. */
  averageMs: number | null = null;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** Asked and answered at these times, in monotonic milliseconds. */
  note(askedAt: number, answeredAt: number): void {
    const took = answeredAt - askedAt;
    // What was measured long ago says little: else a node that was slow once would have to prove itself for minutes,
    // with the few questions that still go there.
    const weight = askedAt - this.#answeredAt > STALE_MS ? 1 / 2 : 1 / 8;
    this.#answeredAt = answeredAt;
    this.averageMs = this.averageMs === null ? took : this.averageMs + (took - this.averageMs) * weight;
  }
}
