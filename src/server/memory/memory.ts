import type { TimerHandle } from "../../core/clock.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { SMALLEST_BACKLOG } from "../replication/backlog.js";
import type { ServerCore } from "../server-core.js";
import { type ClientMemory, evictClients, measureClients } from "./client-memory.js";
import { Eviction } from "./eviction.js";
import { Lfu } from "./lfu.js";

/** About what a server without data and clients would say it uses; Redis says as much. */
export const STARTUP_BYTES = 1024 * 1024;

export const OUT_OF_MEMORY = new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");

/** Commands between two looks at the clients' buffers while the clock's milliseconds stand still. */
const LOOK_AFTER = 64;

/**
 * What the server uses of memory, by an account of its own: keys and values as they come and go, buffers, backlog. It
 * follows the data alone, so that the same commands lead to the same figures; what the process takes of the machine
 * is another matter. With `maxmemory` it makes room before commands run, by the policy.
 */
export class Memory {
  /** `maxmemory`; 0 = none. */
  limit = 0;
  /** Bytes that all clients' buffers may take; 0 = no limit. */
  clientLimit = 0;
  /** The policy counts how often keys are used. */
  lfu: Lfu | null = null;
  evictedKeys = 0;
  evictedClients = 0;
  peak = STARTUP_BYTES;
  /** The command that runs began without memory to be had: its scripts may not write. */
  exhausted = false;
  #policy = "noeviction";
  #clients: ClientMemory = { normal: 0, replicas: 0 };
  #lookedMs = 0;
  #asked = 0;
  #timer: TimerHandle | null = null;
  readonly #eviction: Eviction;

  constructor(private readonly server: ServerCore) {
    this.#eviction = new Eviction(server.databases, server.random);
    this.#configure();
    server.config.onChange((names) => {
      this.#configure();
      if (names.some((name) => name.startsWith("maxmemory"))) this.#evictSoon();
    });
  }

  /** The account now: all of it, exact where `usedForLimit` may be a moment old. */
  used(): { readonly total: number; readonly data: number; readonly backlog: number } & ClientMemory {
    this.#clients = measureClients(this.server);
    const data = this.#data();
    const { normal } = this.#clients;
    const backlog = this.#backlog();
    // What is kept beyond the backlog's size is kept for replicas that still have to get it.
    const replicas = this.#clients.replicas + this.server.replication.backlogBytes - backlog;
    const total = STARTUP_BYTES + data + backlog + normal + replicas;
    if (total > this.peak) this.peak = total;
    return { total, data, backlog, normal, replicas };
  }

  /** Small integers are shared between keys, unless each must remember its own use. */
  get sharesIntegers(): boolean {
    return this.limit === 0 || !/lru|lfu/.test(this.#policy);
  }

  /** Closes clients, then evicts keys, as the limits demand. False if there is still too little memory. */
  makeRoom(): boolean {
    this.limitClients();
    this.exhausted = this.limit > 0 && !this.#evict();
    return !this.exhausted;
  }

  /** Closes who uses most, as `maxmemory-clients` demands: what has come in may be much although it is no command yet. */
  limitClients(): void {
    if (this.clientLimit > 0) this.evictedClients += evictClients(this.server, this.clientLimit);
  }

  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #backlog(): number {
    const { replication, config } = this.server;
    return Math.min(replication.backlogBytes, Math.max(config.number("repl-backlog-size"), SMALLEST_BACKLOG));
  }

  #data(): number {
    let bytes = 0;
    for (const db of this.server.databases) bytes += db.bytes;
    return bytes;
  }

  /** Replicas' output is left out: the DELs of evicted keys would make it grow, and more be evicted. */
  #usedForLimit(): number {
    const { nowMs } = this.server.keyspace;
    if (nowMs !== this.#lookedMs || ++this.#asked >= LOOK_AFTER) {
      this.#lookedMs = nowMs;
      this.#asked = 0;
      this.#clients = measureClients(this.server);
    }
    return STARTUP_BYTES + this.#data() + this.#backlog() + this.#clients.normal;
  }

  /** True if the limit is kept, or is going to be. */
  #evict(): boolean {
    const { server } = this;
    const tooMuch = this.#usedForLimit() - this.limit;
    if (tooMuch <= 0 || !this.#mayEvict()) return true;
    if (this.#policy === "noeviction") return false;
    const { clock, effects, replication, config, latency } = server;
    const startMs = clock.now();
    const endMs = startMs + timeLimitMs(config.number("maxmemory-eviction-tenacity"));
    const samples = config.number("maxmemory-samples");
    const goal = this.#data() - tooMuch;
    let enough = true;
    let evicted = 0;
    while (this.#data() > goal) {
      const chosen = this.#eviction.choose(this.#policy, samples, this.lfu);
      if (chosen === null) {
        enough = false;
        break;
      }
      this.#remove(chosen.db.index, chosen.key);
      if (++evicted % 16 === 0 && clock.now() > endMs) {
        this.#evictSoon();
        break;
      }
    }
    if (effects.pending) effects.flush(replication, true);
    if (server.tracking.active) server.tracking.broadcast();
    latency.since(startMs, "eviction-cycle");
    return enough;
  }

  #remove(index: number, key: string): void {
    const { server } = this;
    const startMs = server.clock.now();
    server.databases[index]?.evict(key);
    server.latency.since(startMs, "eviction-del");
    this.evictedKeys++;
    server.notify("e", "evicted", key, index);
    server.propagate(null, index, [server.config.flag("lazyfree-lazy-eviction") ? "UNLINK" : "DEL", key]);
  }

  /** A replica leaves it to its master; nothing may change while the server is paused or loads. */
  #mayEvict(): boolean {
    const { replication, config, pause } = this.server;
    if (replication.role === "replica" && config.flag("replica-ignore-maxmemory")) return false;
    return pause.mode === null && !replication.loading;
  }

  /** Goes on in the next turns until the limit is kept. */
  #evictSoon(): void {
    if (this.limit === 0) return;
    this.#timer ??= this.server.clock.setTimer(() => {
      this.#timer = null;
      this.server.keyspace.nowMs = this.server.clock.epoch();
      this.#evict();
    }, 0);
  }

  #configure(): void {
    const { config, random, keyspace } = this.server;
    this.limit = config.number("maxmemory");
    const clients = config.text("maxmemory-clients");
    const isShare = clients.endsWith("%");
    this.clientLimit = isShare ? Math.floor((this.limit * Number.parseInt(clients, 10)) / 100) : Number(clients);
    this.#policy = config.text("maxmemory-policy");
    const settings = { logFactor: config.number("lfu-log-factor"), decayMinutes: config.number("lfu-decay-time") };
    this.lfu = this.#policy.endsWith("lfu") ? new Lfu(random, settings, () => keyspace.nowMs) : null;
    keyspace.lfu = this.lfu;
  }
}

/** How long one command may be held up by eviction, by maxmemory-eviction-tenacity. */
function timeLimitMs(tenacity: number): number {
  if (tenacity <= 10) return (50 * tenacity) / 1000;
  if (tenacity === 100) return Number.POSITIVE_INFINITY;
  return (500 * 1.15 ** (tenacity - 10)) / 1000;
}
