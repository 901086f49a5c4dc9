import type { Clock, TimerHandle } from "../core/clock.js";

/** How DEBUG ends a server that is to start anew. */
export interface RestartRequest {
  /** Milliseconds between end and start. */
  readonly delayMs: number;
  /** As by kill -9; else everything was saved that is to be saved. */
  readonly crash: boolean;
}

/** The start that follows when a server was told to restart itself, unless something else is done with it meanwhile. */
export class SelfRestart {
  #turn = 0;
  #timer: TimerHandle | null = null;

  /** @param begin starts the server; must not reject */
  constructor(
    private readonly clock: Clock,
    private readonly begin: () => Promise<void>,
  ) {}

  /** Starts when the old server is closed and the delay is over. */
  async follow(closed: Promise<void>, delayMs: number): Promise<void> {
    this.forget();
    const turn = this.#turn;
    await closed;
    if (turn !== this.#turn) return;
    if (delayMs > 0) this.#timer = this.clock.setTimer(() => void this.begin(), delayMs);
    else await this.begin();
  }

  /** It has been started or ended by other means. */
  forget(): void {
    this.#turn++;
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
