import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Fence } from "../../protocol/info.js";
import type { NodeConnection } from "../connection/node-connection.js";
import type { Effect } from "../topology/effects.js";

/** The effect that names a new master, a new history, or both. */
export type Adoption = Extract<Effect, { type: "adopt" }>;

/** How far the former master had come when it stopped being one. */
export interface Farewell {
  /** Its last offset of the former history; all that it acknowledged lies at or below. */
  readonly lastOffset: number;
}

/**
 * First offset of the present history that may not go on, whoever turns out to be the master; Infinity while nothing is
 * in doubt, 0 = nothing is known to be common. `hold`: it is undecided; `step`: it is decided, and reads of the former
 * history are still on their way.
 */
export function commonBelow(
  hold: { readonly sharedBelow: number | null } | null,
  step: Pick<Adoption, "link"> | null,
): number {
  if (hold !== null) return hold.sharedBelow ?? 0;
  return step === null ? Number.POSITIVE_INFINITY : (step.link?.at ?? 0);
}

/**
 * Does what the former master says of itself now prove how far it went as master? Only if it has become a
 * replica, and all it had is in the new history: either it still shows the former history with an offset that
 * the new master had too, or it was taken over into the new one by a partial resync.
 */
export function farewellOf(fence: Fence | null, adoption: Adoption): Farewell | null {
  const { link } = adoption;
  if (fence === null || link === null || fence.role !== "replica") return null;
  if (fence.replid === link.from && fence.offset < link.at) return { lastOffset: fence.offset };
  if (fence.replid === link.to && fence.replid2 === link.from && fence.secondReplOffset <= link.at)
    return { lastOffset: fence.secondReplOffset - 1 };
  return null;
}

/**
 * What a node said of itself when it had refused to be written to: asked at once, behind everything that was sent to it,
 * so that its word is there by the time another master is found. It holds as long as nothing more was sent to it.
 */
export class LastWord {
  #connection: NodeConnection | null = null;
  #askedBehind = 0;
  #fence: Fence | null = null;

  /** Asks, unless it was asked since the last command that it was sent. */
  ask(connection: NodeConnection): void {
    const { carriedSeq } = connection;
    if (this.#isOf(connection)) return;
    this.#connection = connection;
    this.#askedBehind = carriedSeq;
    this.#fence = null;
    connection.fenceInFront((fence) => {
      if (this.#connection === connection && this.#askedBehind === carriedSeq) this.#fence = fence;
    });
  }

  /** What it has said; null = nothing yet, or something was sent to it since. */
  of(connection: NodeConnection | null): Fence | null {
    return connection !== null && this.#isOf(connection) ? this.#fence : null;
  }

  #isOf(connection: NodeConnection): boolean {
    return this.#connection === connection && this.#askedBehind === connection.carriedSeq;
  }
}

/**
 * The step between two masters: the former one, if its connection still stands, is asked once behind everything
 * that was sent to it how far it came. A planned failover loses nothing, and this shows it; without an answer in
 * time it is taken for gone.
 */
export class Handover {
  #timer: TimerHandle | null = null;
  #done = false;

  constructor(
    readonly adoption: Adoption,
    private readonly clock: Clock,
    private readonly finish: (farewell: Farewell | null) => void,
  ) {}

  /**
   * Asks the former master, if what it has `said` already doesn't prove enough; `finish` may be called before this
   * returns.
   */
  begin(former: NodeConnection | null, waitMs: number, said: Fence | null = null): void {
    const farewell = farewellOf(said, this.adoption);
    if (farewell !== null) {
      this.#end(farewell);
      return;
    }
    if (former === null || former.state !== "open") {
      this.#end(null);
      return;
    }
    this.#timer = this.clock.setTimer(() => this.#end(null), waitMs, true);
    former.fenceInFront((fence) => this.#end(farewellOf(fence, this.adoption)));
  }

  /** Ends it without a result being used; another one takes its place. */
  cancel(): void {
    this.#done = true;
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #end(farewell: Farewell | null): void {
    if (this.#done) return;
    this.cancel();
    this.finish(farewell);
  }
}
