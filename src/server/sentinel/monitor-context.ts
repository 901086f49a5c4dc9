import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Transport } from "../net/transport.js";

/** How a master is watched; times in milliseconds. */
export interface MonitorSettings {
  quorum: number;
  downAfterMs: number;
  failoverTimeoutMs: number;
  parallelSyncs: number;
  username?: string;
  password?: string;
}

/** What a monitor needs of its Sentinel. */
export interface MonitorContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly myId: string;
  /** Where the other Sentinels reach this one. */
  address(): { readonly host: string; readonly port: number };
  /** Password of the other Sentinels. */
  readonly sentinelPassword?: string;
  epoch: number;
  /** Publishes an event and logs it. */
  event(type: string, text: string): void;
}
