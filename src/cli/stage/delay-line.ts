interface Waiting<T> {
  readonly dueAt: number;
  readonly what: T;
}

/** Timers are no finer: what is due so soon passes at once, in milliseconds. */
const GRAIN_MS = 0.5;

/** What passes in its order, each piece when it is due, and nothing while it is held. */
export class DelayLine<T> {
  readonly #queue: Waiting<T>[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly isHeld: () => boolean,
    private readonly pass: (what: T) => void,
  ) {}

  push(what: T, delayMs: number): void {
    this.#queue.push({ dueAt: performance.now() + delayMs, what });
    this.pump();
  }

  /** To be called when nothing is held any more. */
  pump(): void {
    if (this.#timer !== null) return;
    for (let head = this.#queue[0]; head !== undefined && !this.isHeld(); head = this.#queue[0]) {
      const waitMs = head.dueAt - performance.now();
      if (waitMs > GRAIN_MS) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, waitMs);
        return;
      }
      this.#queue.shift();
      this.pass(head.what);
    }
  }

  /** What waits is lost. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue.length = 0;
  }
}
