import type { TimerHandle } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";
import type { Database } from "./database.js";

const CYCLE_MS = 100;
/** Keys looked at in one go, so that other clients never wait long. */
const KEYS_PER_STEP = 1000;

/**
 * Keys that clients wrote on a writable replica (replica-read-only no). The master knows nothing of them and will never
 * say DEL, so the replica ends their time to live itself; the master's keys it leaves alone.
 */
export class OwnExpiry {
  readonly #keys = new Map<Database, Set<Bytes>>();
  #timer: TimerHandle | null = null;

  constructor(private readonly server: ServerCore) {}

  /** Before a command: one that writes removes an expired key that it finds, although this is a replica. */
  prepare(client: Client, isWrite: boolean): void {
    const { replication, pause, keyspace } = this.server;
    if (client.isMasterLink || replication.role === "master" || pause.mode !== null) return;
    keyspace.expiry = isWrite ? "delete" : "hide";
  }

  /** A command has changed `key` here. */
  changed(client: Client, db: Database, key: Bytes): void {
    if (client.isMasterLink || this.server.replication.role === "master") return;
    // PFCOUNT writes its cache on any replica: that makes the key no less the master's.
    if (this.server.config.flag("replica-read-only")) return;
    let keys = this.#keys.get(db);
    if (keys === undefined) this.#keys.set(db, (keys = new Set()));
    keys.add(key);
    this.#timer ??= this.server.clock.setTimer(() => this.#step(), CYCLE_MS);
  }

  /** Forgets all: the data is replaced by a master's, or the server closes. */
  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#keys.clear();
  }

  #step(): void {
    this.#timer = null;
    const { keyspace, clock, replication, pause, expiry } = this.server;
    // A master's active expiry sees to these keys as to any other.
    if (replication.role === "master") return this.stop();
    if (expiry.enabled && pause.mode === null) {
      keyspace.nowMs = clock.epoch();
      keyspace.expiry = "delete";
      let left = KEYS_PER_STEP;
      for (const [db, keys] of this.#keys) {
        let turns = Math.min(left, keys.size);
        left -= turns;
        for (const key of keys) {
          if (turns-- <= 0) break;
          keys.delete(key);
          // Finding it expired removes it; one that lives on with a time to live is looked at again, after the others.
          if ((db.expireAt(key) ?? -1) !== -1) keys.add(key);
        }
        if (keys.size === 0) this.#keys.delete(db);
      }
    }
    if (this.#keys.size > 0) this.#timer = clock.setTimer(() => this.#step(), CYCLE_MS);
  }
}
