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
  harm(stage: Stage): Promise<void>;
}
