import type { Bytes } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";
import { Database } from "./database.js";
import type { KeyspaceState, KeyTracker } from "./state.js";

/** All databases of a server, and what they share: time, expiry, watchers, waiters. */
export class Keyspace implements KeyspaceState {
  nowMs: number;
  expiry: "delete" | "hide" | "ignore" = "delete";
  counting = false;
  hits = 0;
  misses = 0;
  /** Keys that were removed because they had expired. */
  expiredKeys = 0;
  /** notify-keyspace-events with `A` spelled out. */
  events = "";
  tellsCreated = false;
  tracker: KeyTracker | null = null;
  lfu: KeyspaceState["lfu"] = null;
  readonly databases: readonly Database[];
  readonly #seed: number;
  /** Who WATCHes a key, by database. */
  readonly #watchers = new Map<Database, Map<Bytes, Set<Client>>>();

  constructor(private readonly server: ServerCore) {
    this.nowMs = server.clock.epoch();
    this.#seed = server.random.int(2 ** 31);
    this.databases = Array.from(
      { length: server.config.number("databases") },
      (_, index) => new Database(index, this, this.#seed),
    );
    this.#readEvents();
    server.config.onChange(() => this.#readEvents());
  }

  /** A database outside the server, to be filled with `load()` and brought in by `replaceAll`. */
  createDatabase(index: number): Database {
    return new Database(index, this, this.#seed);
  }

  /** Puts other contents in the place of all databases, as after a full resync. Databases not given become empty. */
  replaceAll(loaded: readonly Database[]): void {
    for (const db of this.databases) db.clear();
    for (const db of loaded) this.databases[db.index]?.swapContents(db);
    this.server.expiry.wake();
  }

  /** Removes everything. */
  flushAll(): void {
    for (const db of this.databases) db.clear();
  }

  /** The command by which replicas are told that a key has expired. */
  get deletion(): "DEL" | "UNLINK" {
    return this.server.config.flag("lazyfree-lazy-expire") ? "UNLINK" : "DEL";
  }

  expired(db: Database, key: Bytes): void {
    this.expiredKeys++;
    this.server.propagate(null, db.index, [this.deletion, key]);
    this.server.notify("x", "expired", key, db.index);
  }

  created(db: Database, key: Bytes): void {
    this.server.notify("n", "new", key, db.index);
  }

  watchedTouched(db: Database, key: Bytes): void {
    for (const client of this.#watchers.get(db)?.get(key) ?? []) client.watchBroken = true;
  }

  volatileAdded(): void {
    this.server.expiry.wake();
  }

  awaitedReady(db: Database, key: Bytes): void {
    this.server.blocking.keyReady(db, key);
  }

  watch(client: Client, key: Bytes): void {
    const { db } = client;
    let own = client.watches.get(db);
    if (own === undefined) client.watches.set(db, (own = new Map()));
    if (own.has(key)) return;
    const entry = db.peek(key);
    own.set(key, entry === undefined ? null : entry.expireAt);
    let keys = this.#watchers.get(db);
    if (keys === undefined) this.#watchers.set(db, (keys = new Map()));
    const clients = keys.get(key);
    if (clients === undefined) keys.set(key, new Set([client]));
    else clients.add(client);
    db.watched.add(key);
  }

  unwatch(client: Client): void {
    for (const [db, keys] of client.watches) {
      const watchers = this.#watchers.get(db);
      for (const key of keys.keys()) {
        const clients = watchers?.get(key);
        clients?.delete(client);
        if (clients?.size !== 0) continue;
        watchers?.delete(key);
        db.watched.delete(key);
      }
    }
    client.watches.clear();
  }

  /** True if a key that was alive at WATCH has expired since, found or not. */
  watchedExpired(client: Client): boolean {
    for (const [db, keys] of client.watches) {
      for (const [key, expireAt] of keys) {
        if (expireAt === null) continue;
        const entry = db.peekAny(key);
        if (entry !== undefined && db.isExpired(entry)) return true;
      }
    }
    return false;
  }

  #readEvents(): void {
    this.events = this.server.config.text("notify-keyspace-events").replace("A", "g$lshzxetd");
    this.tellsCreated = this.events.includes("n");
  }
}
