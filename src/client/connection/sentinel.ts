import { type Address, addressId } from "../topology/address.js";
import { SentinelLink, type SentinelSettings } from "./sentinel-link.js";

export interface SentinelOptions extends SentinelSettings {
  readonly sentinels: readonly Address[];
  /** Also ask Sentinels that the first ones name (`SENTINEL SENTINELS`). */
  readonly updateSentinels: boolean;
  /** Called when every Sentinel has failed since the last one answered: one reason each. */
  readonly onUnreachable: (reasons: readonly { readonly sentinel: string; readonly reason: string }[]) => void;
}

/** A list of Sentinels is somebody else's word; this many are asked. */
const MAX_SENTINELS = 32;

/**
 * Asks Sentinels which node is the master. Every Sentinel is asked by itself, all at once, so that a dead one
 * delays nothing and each one's change of mind can be told from another one's older view. What they say is
 * handed on as an input; INFO of the node decides.
 */
export class SentinelWatcher {
  readonly #links = new Map<string, SentinelLink>();
  readonly #failed = new Map<string, string>();
  #started = false;
  #stopped = false;

  constructor(private readonly options: SentinelOptions) {
    for (const address of options.sentinels) this.#add(address);
  }

  /** Begins to ask; the first answers come as inputs. */
  start(): void {
    this.#started = true;
    for (const link of this.#links.values()) link.start();
  }

  /** Asks all now; requests that come while a question is on its way coalesce. For suspicion of a failover. */
  requestCheck(): void {
    for (const link of this.#links.values()) link.requestCheck();
  }

  /** Closes all connections; leaves no timer. */
  stop(): void {
    this.#stopped = true;
    for (const link of this.#links.values()) link.stop();
    this.#links.clear();
  }

  #add(address: Address): void {
    const id = addressId(address);
    if (this.#stopped || this.#links.has(id) || this.#links.size >= MAX_SENTINELS) return;
    const link = new SentinelLink(address, this.options, {
      answered: (sentinels) => {
        this.#failed.clear();
        if (this.options.updateSentinels) for (const other of sentinels) this.#add(other);
      },
      failed: (reason) => this.#noteFailure(id, reason),
    });
    this.#links.set(id, link);
    if (this.#started) link.start();
  }

  #noteFailure(id: string, reason: string): void {
    this.#failed.set(id, reason);
    if (this.#stopped || this.#failed.size < this.#links.size) return;
    const reasons = [...this.#failed].map(([sentinel, why]) => ({ sentinel, reason: why }));
    this.#failed.clear();
    this.options.onUnreachable(reasons);
  }
}
