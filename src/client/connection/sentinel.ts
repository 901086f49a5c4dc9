import type { Redis } from "ioredis";
import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Address } from "../topology/address.js";
import type { TopologyInput } from "../topology/input.js";

export interface SentinelOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly sentinels: readonly Address[];
  readonly name: string;
  readonly updateSentinels: boolean;
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
  /** Opens a connection to a Sentinel, with its user, password and TLS; not yet connected (lazyConnect). */
  readonly open: (address: Address) => Redis;
  readonly onInput: (input: TopologyInput) => void;
  /** Called when a whole round found no Sentinel that answers: one reason per Sentinel. */
  readonly onUnreachable: (reasons: readonly { readonly sentinel: string; readonly reason: string }[]) => void;
}

export declare class SentinelWatcher {
  constructor(options: SentinelOptions);
  start(): void;
  /** Asks now (coalesced); for failover suspicion. */
  requestCheck(): void;
  stop(): void;
}
