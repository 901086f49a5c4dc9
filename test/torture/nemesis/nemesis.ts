import type { Random } from "../../../src/core/random.js";
import type { Fleet } from "../support/fleet.js";
import type { Network } from "../support/network.js";

/** What a nemesis has in its hands. */
export interface Stage {
  readonly fleet: Fleet;
  readonly random: Random;
  /** Milliseconds between `least` and `most`. */
  span(least: number, most: number): Promise<void>;
  /** One of the replicas. */
  replica(): number;
  /** One of those that follow the master itself. */
  nextToMaster(): number;
  /** The hosts' own network; throws where there is none. */
  readonly network: Network;
}

/** One way of doing harm, while the load goes on. What it leaves behind is healed after it. */
export interface Nemesis {
  readonly name: string;
  /** What acknowledged writes it must have destroyed: without a loss it did not do its harm. */
  readonly loses?: boolean;
  /** Needs hosts of their own. */
  readonly needsNetwork?: boolean;
  /** The set-up that it is for; default: any but Sentinels. */
  readonly only?: "chain" | "sentinels";
  /**
   * What is sure to outlive it: writes that some replica had (the master stays, or the replica that has most is promoted;
   * the default), writes that all had (whichever is promoted), or none.
   */
  readonly keeps?: "some" | "all" | "none";
  harm(stage: Stage): Promise<void>;
}
