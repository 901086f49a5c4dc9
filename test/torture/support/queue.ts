/** What was put into one queue and taken out of it, by blocking pops. */
export class Queue {
  /** Acknowledged, or of unknown outcome. */
  readonly #offered = new Map<string, "ok" | "info">();
  readonly #popped: string[] = [];
  #unknownPops = 0;

  offer(value: string, outcome: "ok" | "info"): void {
    this.#offered.set(value, outcome);
  }

  pop(value: string): void {
    this.#popped.push(value);
  }

  /** A pop whose answer never came may have taken one element, and no more. */
  unknownPop(): void {
    this.#unknownPops++;
  }

  /**
   * Decides whether each element was given out once, and none got lost but by pops of unknown outcome.
   *
   * @param left what is in the queue at the end
   * @param told its client was told of a loss of this queue's writes: elements may have gone or come back with them
   */
  judge(left: readonly string[], told: boolean): { readonly checked: number; readonly wrong: readonly string[] } {
    const wrong: string[] = [];
    const given = new Set<string>();
    for (const value of this.#popped) {
      if (!this.#offered.has(value)) wrong.push(`${value} was popped, which nobody offered`);
      if (given.has(value) && !told) wrong.push(`${value} was popped twice`);
      given.add(value);
    }
    const there = new Set(left);
    const back = left.filter((value) => given.has(value));
    if (back.length > 0 && !told) wrong.push(`${back.length} were popped and are still there: ${back[0]}`);
    const acked = [...this.#offered].filter(([, outcome]) => outcome === "ok").map(([value]) => value);
    const gone = acked.filter((value) => !given.has(value) && !there.has(value));
    if (gone.length > this.#unknownPops && !told)
      wrong.push(`${gone.length} are gone by ${this.#unknownPops} pops of unknown outcome: ${gone[0]}`);
    return { checked: given.size + acked.length, wrong };
  }
}
