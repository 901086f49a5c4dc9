import type { TimerHandle } from "../../core/clock.js";
import type { ServerCore } from "../server-core.js";
import { MigrationTarget } from "./target.js";

/** Connections that are kept at most, and for how long nobody has to use one until it is closed: as in Redis. */
const MOST = 64;
const KEPT_MS = 10_000;

/** The connections by which MIGRATE moves keys, kept for a while since moves come in rows. */
export class MigrationTargets {
  readonly #targets = new Map<string, MigrationTarget>();
  #timer: TimerHandle | null = null;

  constructor(private readonly core: ServerCore) {}

  /** Connections that are kept now. */
  get count(): number {
    return this.#targets.size;
  }

  /** A connection to that server: a kept one, which the other end may have closed meanwhile, or a new one. */
  take(host: string, port: number): MigrationTarget {
    const name = `${host}:${port}`;
    const kept = this.#targets.get(name);
    if (kept !== undefined && !kept.closed) return kept;
    this.#targets.delete(name);
    const [oldest] = this.#targets.keys();
    if (this.#targets.size >= MOST && oldest !== undefined) {
      this.#targets.get(oldest)?.close();
      this.#targets.delete(oldest);
    }
    const target = new MigrationTarget(this.core, host, port);
    this.#targets.set(name, target);
    this.#watch();
    return target;
  }

  /** Closes the connection to that server. */
  drop(host: string, port: number): void {
    const name = `${host}:${port}`;
    this.#targets.get(name)?.close();
    this.#targets.delete(name);
  }

  /** No connection and no timer is left. */
  stop(): void {
    this.core.clock.clearTimer(this.#timer);
    this.#timer = null;
    for (const target of this.#targets.values()) target.close();
    this.#targets.clear();
  }

  #watch(): void {
    this.#timer ??= this.core.clock.setTimer(() => {
      this.#timer = null;
      const nowMs = this.core.clock.now();
      for (const [name, target] of this.#targets) {
        if (!target.closed && nowMs - target.usedMs < KEPT_MS) continue;
        target.close();
        this.#targets.delete(name);
      }
      if (this.#targets.size > 0) this.#watch();
    }, KEPT_MS / 10);
  }
}
