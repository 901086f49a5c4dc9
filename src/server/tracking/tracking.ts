import type { TimerHandle } from "../../core/clock.js";
import { findKeys } from "../../protocol/command-table/find-keys.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { PushReply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { Command } from "../dispatch/registry.js";
import type { ServerCore } from "../server-core.js";
import type { TrackingOptions } from "./client-tracking.js";
import { Prefixes } from "./prefixes.js";

const CHANNEL = "__redis__:invalidate";
const CYCLE_MS = 100;
/** Keys forgotten in one go while the table is too large; more each time that it wasn't enough. */
const EFFORT = 100;

/**
 * Client-side caching: who has read which key, and who wants to hear of which prefix, so that they can be told when a
 * key changes. What the running command invalidates for its own client is told after its reply.
 */
export class Tracking {
  /** Some client tracks: without one nothing here costs anything. */
  active = false;
  /** Ids of clients that have read a key. */
  #table = new Map<Bytes, Set<number>>();
  #items = 0;
  readonly #clients = new Set<Client>();
  readonly #prefixes = new Prefixes();
  /** The client whose command runs; null outside of commands. */
  #current: Client | null = null;
  /** The call of a tracking client that runs. */
  #call: { readonly command: Command; readonly args: readonly Bytes[] } | null = null;
  /** What the current client is told after its reply; null = everything is invalid. */
  #pending: (Bytes | null)[] = [];
  #flushed = false;
  #timer: TimerHandle | null = null;
  #tries = 0;

  constructor(private readonly server: ServerCore) {
    server.config.onChange((names) => {
      if (names.includes("tracking-table-max-keys")) this.#watchSize();
    });
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Keys that somebody has read. */
  get keyCount(): number {
    return this.#table.size;
  }

  /** Pairs of a key and a client that has read it. */
  get itemCount(): number {
    return this.#items;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** CLIENT TRACKING ON; prefixes add to those that the client has. */
  enable(client: Client, options: TrackingOptions, prefixes: readonly Bytes[]): void {
    const known = client.tracking?.prefixes ?? new Set<Bytes>();
    client.tracking = { ...options, redirectBroken: false, caching: false, prefixes: known };
    this.#clients.add(client);
    if (options.broadcast) {
      for (const prefix of prefixes.length === 0 ? [""] : prefixes) {
        known.add(prefix);
        this.#prefixes.add(prefix, client);
      }
    }
    this.active = true;
    this.server.keyspace.tracker = this;
  }

  /** CLIENT TRACKING OFF, or the client is gone. What it has read is forgotten as the keys change. */
  disable(client: Client): void {
    if (client.tracking === null) return;
    for (const prefix of client.tracking.prefixes) this.#prefixes.remove(prefix, client);
    client.tracking = null;
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    this.active = false;
    this.server.keyspace.tracker = null;
    this.#clearTable();
    this.#pending = [];
    this.stop();
  }

  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** A client's command begins. */
  begin(client: Client): void {
    this.#current = client;
    this.#flushed = false;
  }

  /** A client's command is over and its reply written. */
  end(client: Client, command: Command | null): void {
    this.#current = null;
    const pending = this.#pending;
    this.#pending = [];
    for (const key of pending) this.#send(client, key === null ? null : [key]);
    // CLIENT CACHING counts for what follows it: one command, or a transaction as a whole.
    if (client.tracking !== null && client.queued === null && command?.spec.group !== undefined) {
      if (!command.name.startsWith("client|")) client.tracking.caching = false;
    }
  }

  /** The current client's call begins: of a script, the keys that it names are those it reads. */
  calling(command: Command, args: readonly Bytes[]): void {
    this.#call = { command, args };
  }

  /** A script of this client has read something. */
  rememberScript(client: Client): void {
    if (this.#call !== null) this.#note(client, this.#call.command, this.#call.args);
  }

  /** The client has read the keys of this call. */
  remember(client: Client, command: Command, args: readonly Bytes[]): void {
    // Of a script only what it does counts.
    if (command.spec.group !== "scripting") this.#note(client, command, args);
  }

  #note(client: Client, command: Command, args: readonly Bytes[]): void {
    const { tracking } = client;
    if (tracking === null || tracking.broadcast) return;
    if ((tracking.optIn && !tracking.caching) || (tracking.optOut && tracking.caching)) return;
    if (command.spec.group === "pubsub") return;
    for (const { position } of findKeys(command.spec, args) ?? []) {
      const key = args[position] as Bytes;
      const ids = this.#table.get(key);
      if (ids === undefined) this.#table.set(key, new Set([client.id]));
      else if (ids.has(client.id)) continue;
      else ids.add(client.id);
      this.#items++;
    }
    this.#watchSize();
  }

  /** A key has changed; `byClient` is false where time or memory did it. */
  touched(key: Bytes, byClient: boolean): void {
    this.#prefixes.note(key, byClient ? this.#current : null);
    this.#invalidate(key);
  }

  /** Databases were emptied: everything is invalid. */
  flushed(): void {
    if (this.#flushed) return;
    this.#flushed = this.#current !== null;
    this.#clearTable();
    for (const client of this.#clients) {
      if (client === this.#current) this.#pending.push(null);
      else this.#send(client, null);
    }
  }

  /** Tells those who listen to prefixes what has changed since the last time. */
  broadcast(): void {
    if (!this.#prefixes.changed) return;
    this.#prefixes.deliver((client, keys) => this.#send(client, keys));
  }

  /** Sees to it that the table is not larger than tracking-table-max-keys; called before commands and by a timer. */
  limit(): void {
    const most = this.server.config.number("tracking-table-max-keys");
    if (most === 0 || this.#table.size <= most) {
      this.#tries = 0;
      return;
    }
    let effort = EFFORT * ++this.#tries;
    for (const key of this.#table.keys()) {
      if (effort-- === 0) return;
      this.#invalidate(key);
      if (this.#table.size <= most) break;
    }
    this.#tries = 0;
  }

  #watchSize(): void {
    const most = this.server.config.number("tracking-table-max-keys");
    if (most === 0 || this.#table.size <= most) return;
    this.#timer ??= this.server.clock.setTimer(() => {
      this.#timer = null;
      if (!this.server.cronPaused) this.limit();
      this.#watchSize();
    }, CYCLE_MS);
  }

  #invalidate(key: Bytes): void {
    const ids = this.#table.get(key);
    if (ids === undefined) return;
    this.#table.delete(key);
    this.#items -= ids.size;
    for (const id of ids) {
      const client = this.server.clients.get(id);
      if (client === undefined || client.tracking === null || client.tracking.broadcast) continue;
      if (client !== this.#current) this.#send(client, [key]);
      else if (!client.tracking.noLoop) this.#pending.push(key);
    }
  }

  #clearTable(): void {
    this.#table = new Map();
    this.#items = 0;
  }

  /** Sends the keys (null = all) to whom this client has named: a push in RESP3, a pub/sub message in RESP2. */
  #send(client: Client, keys: readonly Bytes[] | null): void {
    const { tracking } = client;
    if (tracking === null) return;
    let target = client;
    if (tracking.redirect !== 0) {
      const redirect = this.server.clients.get(tracking.redirect);
      if (redirect === undefined) {
        tracking.redirectBroken = true;
        if (client.resp === 3) client.push(new PushReply(["tracking-redir-broken", tracking.redirect]));
        return;
      }
      target = redirect;
    }
    const value: Reply = keys;
    if (target.resp === 3) target.push(new PushReply(["invalidate", value]));
    else if (target !== client && target.isSubscriber) target.push(new PushReply(["message", CHANNEL, value]));
  }
}
