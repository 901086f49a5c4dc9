import type { TimerHandle } from "../../core/clock.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY } from "../../protocol/resp/reply.js";
import type { Database } from "../keyspace/database.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import type { BlockRequest } from "./context.js";
import { CommandError } from "./errors.js";
import { LatencyHistogram } from "./latency-histogram.js";
import type { Command } from "./registry.js";

/** A parked client. */
export interface Waiter {
  readonly client: Client;
  readonly db: Database;
  readonly request: BlockRequest;
  /** On the clock's monotonic time. */
  readonly startMs: number;
  readonly endMs: number;
  timer: TimerHandle | null;
  /** What was called; null until the call has returned. */
  command: Command | null;
  args: readonly Bytes[];
}

/** Timers of Node.js take no more than this; beyond it they fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Clients parked in blocking commands: who waits for which key, in which order, and until when. */
export class Blocking {
  readonly #byKey = new Map<Database, Map<Bytes, Set<Waiter>>>();
  #ready: { db: Database; key: Bytes }[] = [];
  #count = 0;

  constructor(private readonly server: ServerCore) {}

  /** Clients that are parked now. */
  get count(): number {
    return this.#count;
  }

  /** Parks a client; see `CommandContext.block`. */
  park(client: Client, request: BlockRequest): Reply {
    const startMs = this.server.clock.now();
    const endMs = request.timeoutMs > 0 ? startMs + request.timeoutMs : Number.POSITIVE_INFINITY;
    const waiter: Waiter = { client, db: client.db, request, startMs, endMs, timer: null, command: null, args: [] };
    this.#arm(waiter);
    client.waiter = waiter;
    this.#count++;
    for (const key of request.keys) {
      let keys = this.#byKey.get(waiter.db);
      if (keys === undefined) this.#byKey.set(waiter.db, (keys = new Map()));
      let waiters = keys.get(key);
      if (waiters === undefined) keys.set(key, (waiters = new Set()));
      waiters.add(waiter);
      waiter.db.awaited.add(key);
    }
    return NO_REPLY;
  }

  #arm(waiter: Waiter): void {
    if (waiter.endMs === Number.POSITIVE_INFINITY) return;
    const leftMs = waiter.endMs - this.server.clock.now();
    waiter.timer = this.server.clock.setTimer(
      () =>
        leftMs > LONGEST_TIMER_MS ? this.#arm(waiter) : this.unblock(waiter.client, waiter.request.timeoutReply()),
      Math.min(leftMs, LONGEST_TIMER_MS),
    );
  }

  /** Ends a client's wait with `reply` and lets its next commands run. Nothing happens if it is not parked. */
  unblock(client: Client, reply: Reply): void {
    if (!this.release(client)) return;
    this.#countError(client, reply);
    client.reply(reply);
    this.server.resumeClient(client);
  }

  /** Ends a client's wait without an answer (it is gone). */
  release(client: Client): boolean {
    const waiter = client.waiter;
    if (waiter === null) return false;
    client.waiter = null;
    this.#count--;
    this.server.clock.clearTimer(waiter.timer);
    this.#noteTime(waiter);
    const keys = this.#byKey.get(waiter.db);
    for (const key of waiter.request.keys) {
      const waiters = keys?.get(key);
      waiters?.delete(waiter);
      if (waiters?.size !== 0) continue;
      keys?.delete(key);
      waiter.db.awaited.delete(key);
    }
    return true;
  }

  /** The time that a command has waited is its time too. */
  #noteTime({ client, command, args, startMs }: Waiter): void {
    if (command === null) return;
    const micros = (this.server.clock.now() - startMs) * 1000;
    command.usec += micros;
    if (this.server.config.flag("latency-tracking")) (command.latency ??= new LatencyHistogram()).note(micros);
    if (!client.closing) this.server.slowLog.note(client, command, args, micros);
  }

  /** Ends every wait with an error: the instance has become a replica. */
  unblockAll(error: ErrorReply): void {
    const parked = [...this.server.clients.values()].filter((client) => client.waiter !== null);
    for (const client of parked) this.unblock(client, error);
  }

  /** A key that somebody waits for was added. */
  keyReady(db: Database, key: Bytes): void {
    if (!this.#ready.some((ready) => ready.db === db && ready.key === key)) this.#ready.push({ db, key });
  }

  /** Keys were added that somebody waits for: `serve` has something to do. */
  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /**
   * Serves who can be served; called after each command or transaction that is not nested in another. What a waiter
   * changes is propagated on its own, behind the command that woke it and never inside MULTI. What the served clients
   * have sent meanwhile runs after all of them are served.
   */
  serve(): void {
    const served: Client[] = [];
    while (this.#ready.length > 0) {
      const ready = this.#ready;
      this.#ready = [];
      for (const { db, key } of ready) {
        for (const waiter of [...(this.#byKey.get(db)?.get(key) ?? [])]) {
          if (this.#tryServe(waiter, key)) served.push(waiter.client);
        }
      }
    }
    for (const client of served) this.server.resumeClient(client);
  }

  #tryServe(waiter: Waiter, key: Bytes): boolean {
    const { client } = waiter;
    if (client.waiter !== waiter) return false;
    const { tracking, latency, clock } = this.server;
    const startMs = clock.now();
    let reply: Reply | null;
    if (tracking.active) tracking.begin(client);
    try {
      reply = this.server.runForWaiter(client, () => waiter.request.retry(key));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply = error.reply;
    }
    if (reply !== null) {
      this.release(client);
      this.#countError(client, reply);
      client.reply(reply);
    }
    if (tracking.active) tracking.end(client, null);
    if (reply === null) return false;
    latency.since(startMs, "command-unblocking");
    return true;
  }

  /** An error that ends a wait counts as one of the command that waited. */
  #countError(client: Client, reply: Reply): void {
    if (!(reply instanceof ErrorReply)) return;
    this.server.stats.countError(reply.text);
    const command = this.server.commands.byFullName(client.lastCommand);
    if (command !== undefined) command.failedCalls++;
  }
}
