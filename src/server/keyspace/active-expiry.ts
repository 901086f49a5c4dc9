import type { TimerHandle } from "../../core/clock.js";
import type { ServerCore } from "../server-core.js";

const CYCLE_MS = 100;
/** Keys looked at in one go, and how long that may take, so that other clients never wait long. */
const KEYS_PER_STEP = 2000;
const STEP_MS = 2;
/** Keys after which the clock is looked at: a step may hold a pause of the garbage collector, but not one after the other. */
const KEYS_PER_GLANCE = 100;

/** Share of the keys looked at that must have expired for the walk to go on at once. */
const WORTH_GOING_ON = 0.1;

/**
 * Removes expired keys that nobody asks for: ten times a second a walk over the keys with a time to live, in small
 * steps between which clients are served. Only a master does so, and no timer runs while no key can expire.
 */
export class ActiveExpiry {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  enabled = true;
  #timer: TimerHandle | null = null;
  #db = 0;
  #slot = 0;
  /** Keys that the present step has looked at; when it should end; at how many keys the clock is looked at next. */
  #looked = 0;
  #endMs = 0;
  #glanceAt = 0;
  readonly #goOn = (looked: number): boolean => {
    this.#looked += looked;
    if (this.#looked < this.#glanceAt) return true;
    if (this.#looked >= KEYS_PER_STEP || this.server.clock.now() >= this.#endMs) return false;
    this.#glanceAt = this.#looked + KEYS_PER_GLANCE;
    return true;
  };

  constructor(private readonly server: ServerCore) {}

  /** Something may have a time to live now: sees to it that the walk goes on. */
  wake(): void {
    this.#timer ??= this.server.clock.setTimer(() => this.#step(), CYCLE_MS);
  }

  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.enabled = false;
  }

  #step(): void {
    this.#timer = null;
    const { keyspace, clock, replication, pause, effects, latency } = this.server;
    const dbs = keyspace.databases;
    if (!dbs.some((db) => db.volatileSize > 0)) return;
    let done = true;
    if (
      this.enabled &&
      this.server.busy === null &&
      !this.server.cronPaused &&
      !this.server.still.active &&
      replication.role === "master" &&
      pause.mode === null
    ) {
      keyspace.nowMs = clock.epoch();
      keyspace.expiry = "delete";
      const before = keyspace.expiredKeys;
      const startMs = clock.now();
      this.#looked = 0;
      this.#glanceAt = KEYS_PER_GLANCE;
      this.#endMs = startMs + STEP_MS;
      done = this.#walk();
      latency.since(startMs, "expire-cycle");
      // Where little has expired the rest can wait: to look at every key all the time would cost more than it frees.
      if (keyspace.expiredKeys - before < this.#looked * WORTH_GOING_ON) done = true;
      if (effects.pending) effects.flush(replication, true);
      this.server.tracking.broadcast();
    }
    this.#timer = clock.setTimer(() => this.#step(), done ? CYCLE_MS : 1);
  }

  /** One step of the walk over all databases; true if the end was reached. */
  #walk(): boolean {
    const dbs = this.server.keyspace.databases;
    for (; this.#db < dbs.length; this.#db++) {
      const db = dbs[this.#db];
      if (db === undefined || db.volatileSize === 0) {
        this.#slot = 0;
        continue;
      }
      if (!this.#goOn(0)) return false;
      this.#slot = db.expireSome(this.#slot, this.#goOn);
      if (this.#slot !== 0) return false;
    }
    this.#db = 0;
    return true;
  }
}
