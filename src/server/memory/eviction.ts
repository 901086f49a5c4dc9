import type { Random } from "../../core/random.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Database, Entry } from "../keyspace/database.js";
import type { Lfu } from "./lfu.js";

/** A key that may go. */
export interface Candidate {
  readonly db: Database;
  readonly key: Bytes;
  /** The higher, the sooner it goes. */
  readonly score: number;
}

const POOL_SIZE = 16;

/** Chooses the keys that go, as redis-server does: the best of some keys taken by chance and of those seen before. */
export class Eviction {
  /** The best candidates of earlier rounds, worst first. */
  #pool: Candidate[] = [];
  #nextDb = 0;

  constructor(
    private readonly databases: readonly Database[],
    private readonly random: Random,
  ) {}

  /** The next key to go by a policy (never `noeviction`); null if none may. */
  choose(policy: string, samples: number, lfu: Lfu | null): Candidate | null {
    const onlyVolatile = policy.startsWith("volatile");
    if (policy.endsWith("random")) return this.#anyKey(onlyVolatile);
    for (;;) {
      if (!this.#fillPool(policy, samples, onlyVolatile, lfu)) return null;
      for (let best = this.#pool.pop(); best !== undefined; best = this.#pool.pop()) {
        // It may be gone since it was seen, or live for ever now.
        const entry = best.db.peekAny(best.key);
        if (entry !== undefined && (!onlyVolatile || entry.expireAt !== -1)) return best;
      }
    }
  }

  /** One database after the other, so that all of them give. */
  #anyKey(onlyVolatile: boolean): Candidate | null {
    const { databases } = this;
    for (let tries = 0; tries < databases.length; tries++) {
      const db = databases[++this.#nextDb % databases.length] as Database;
      const key = db.sample(this.random, 1, onlyVolatile)[0];
      if (key !== undefined) return { db, key, score: 0 };
    }
    return null;
  }

  /** Looks at some keys of every database; false if there is none. */
  #fillPool(policy: string, samples: number, onlyVolatile: boolean, lfu: Lfu | null): boolean {
    let any = false;
    for (const db of this.databases) {
      if ((onlyVolatile ? db.volatileSize : db.size) === 0) continue;
      any = true;
      for (const key of db.sample(this.random, samples, onlyVolatile)) {
        const entry = db.peekAny(key);
        if (entry !== undefined) this.#offer({ db, key, score: scoreOf(policy, entry, lfu) });
      }
    }
    return any;
  }

  #offer(candidate: Candidate): void {
    const pool = this.#pool;
    if (pool.some(({ db, key }) => db === candidate.db && key === candidate.key)) return;
    let at = 0;
    while (at < pool.length && (pool[at] as Candidate).score < candidate.score) at++;
    if (at === 0 && pool.length >= POOL_SIZE) return;
    pool.splice(at, 0, candidate);
    if (pool.length > POOL_SIZE) pool.shift();
  }
}

function scoreOf(policy: string, entry: Entry, lfu: Lfu | null): number {
  if (policy.endsWith("ttl")) return -entry.expireAt;
  return lfu === null ? -entry.accessedS : 255 - lfu.count(entry.accessedS);
}
