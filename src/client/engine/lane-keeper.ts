import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { NodeConnection } from "../connection/node-connection.js";
import type { TopologyState } from "../topology/state.js";
import type { WriteLane } from "./write-lane.js";

/** How long a master may go unheard of before it is looked at again in front of the next write: see the options. */
export interface TrustLimits {
  readonly pollIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

/** The longest wait after a refusal that passes by waiting, in milliseconds. */
const LONGEST_WAIT_MS = 500;

/**
 * Opens and closes the write lane as the topology has it: open to the one verified master, closed in every doubt,
 * with growing pauses after refusals that only time can mend (BUSY, LOADING, NOREPLICAS).
 */
export class LaneKeeper {
  #retryAt = Number.NEGATIVE_INFINITY;
  #refusals = 0;
  #timer: TimerHandle | null = null;
  #looking = false;

  constructor(
    private readonly lane: WriteLane,
    private readonly limits: TrustLimits,
    private readonly clock: Clock,
    /** To be called when a pause is over. */
    private readonly again: () => void,
    /** Asks all nodes anew; resolves when each has answered or failed to. */
    private readonly look: () => Promise<void>,
  ) {}

  /** A write got through. */
  answered(): void {
    this.#refusals = 0;
  }

  /** What the server says of itself, not of its place among the others, passes by waiting. */
  refused(kind: Refusal["kind"]): void {
    const waitMs = kind === "readonly" ? 0 : Math.min(LONGEST_WAIT_MS, 5 * 2 ** Math.min(this.#refusals++, 7));
    this.#retryAt = this.clock.now() + waitMs;
  }

  /**
   * The master was not heard of for too long. Its own word is not enough now: one that was deposed in the silence may
   * not know it yet, so nothing is written before the others were asked too.
   */
  silence(): void {
    if (this.#looking) return;
    this.#looking = true;
    void this.look().then(() => {
      this.#looking = false;
      this.again();
    });
  }

  /** The adopted master was seen in office by a question sent then, while there was no silence. */
  trust(sentAt: number): void {
    if (sentAt <= this.lane.trustedUntil) this.#trust(sentAt);
  }

  #trust(sentAt: number): void {
    const until = sentAt + this.limits.pollIntervalMs + this.limits.heartbeatTimeoutMs;
    this.lane.trustedUntil = Math.max(this.lane.trustedUntil, until);
  }

  /**
   * Brings the lane into line. `writable`: the node that may be written to now, null = nobody; `connection`: that
   * to it; `fatal`: why nothing is worth waiting for.
   */
  keep(state: TopologyState, writable: string | null, connection: NodeConnection | null, fatal: Error | null): void {
    const { lane } = this;
    const { hold } = state;
    const doubted = hold !== null && (hold.kind === "claim" || hold.kind === "split");
    if (lane.isOpen && (writable !== lane.connection?.node || lane.connection.state !== "open")) lane.close();
    if (doubted) lane.park(true);
    else if (writable !== null && writable === lane.connection?.node) lane.park(false);
    if (fatal !== null) lane.rejectAll(() => fatal);
    if (lane.isOpen || this.#looking || writable === null || !lane.idle) return;
    if (connection === null || connection.state !== "open") return;
    const waitMs = this.#retryAt - this.clock.now();
    if (waitMs > 0) {
      this.#timer ??= this.clock.setTimer(
        () => {
          this.#timer = null;
          this.again();
        },
        waitMs,
        true,
      );
      return;
    }
    this.#trust(state.nodes.get(writable)?.goodSentAt ?? Number.NEGATIVE_INFINITY);
    lane.open(connection);
  }

  stop(): void {
    this.clock.clearTimer(this.#timer);
  }
}
