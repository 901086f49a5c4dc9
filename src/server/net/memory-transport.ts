import { type Clock, systemClock } from "../../core/clock.js";
import { type MemoryEnd, MemorySocket, systemError } from "./memory-socket.js";
import type { ConnectOptions, ListenHandlers, Listening, ListenOptions, Transport } from "./transport.js";

/** One thing on its way: bytes, an end, a reset (no bytes), or the wish to connect. */
export interface MemoryHop {
  readonly from: MemoryEnd;
  readonly to: MemoryEnd;
  /** 0 for what is no data. */
  readonly bytes: number;
}

/** How a {@link MemoryTransport} carries. */
export interface MemoryTransportOptions {
  /** Whose time {@link MemoryTransportOptions.delayMs} is. Default: the system's. */
  readonly clock?: Clock;
  /**
   * Milliseconds that something is on its way. Order within one direction of one connection is always kept. Default: none,
   * and no timer: all that was sent in one turn of the event loop arrives in the next, in the order it was sent.
   */
  readonly delayMs?: (hop: MemoryHop) => number;
}

/** Turns of the event loop without traffic after which nothing is to be expected: answers may come by promises. */
const QUIET_TURNS = 3;
const FIRST_LISTENING_PORT = 7000;
const FIRST_CLIENT_PORT = 40_000;
const ANY = new Set(["0.0.0.0", "::", "*"]);

/**
 * Connections inside this process: no ports of the machine, no sockets, addresses of its own (any host name, any port), the
 * same order in every run. Servers and clients that share one instance reach each other and nobody else.
 */
export class MemoryTransport implements Transport {
  readonly isPrivate = true;
  readonly #clock: Clock;
  readonly #delayMs: ((hop: MemoryHop) => number) | null;
  readonly #listeners = new Map<string, { readonly port: number; readonly handlers: ListenHandlers }>();
  readonly #lastArrivalMs = new WeakMap<MemorySocket, number>();
  #queue: (() => void)[] = [];
  #underWay = 0;
  /** Counts what was sent and what arrived. */
  #moves = 0;
  #nextPort = FIRST_LISTENING_PORT;
  #nextClientPort = FIRST_CLIENT_PORT;

  /** See {@link MemoryTransportOptions}. */
  constructor(options: MemoryTransportOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#delayMs = options.delayMs ?? null;
  }

  listen(options: ListenOptions, handlers: ListenHandlers): Promise<Listening> {
    const { host = "127.0.0.1", path } = options;
    const port = path === undefined ? options.port || this.#freePort(host) : 0;
    const address = path === undefined ? `${nameOf(host)}:${port}` : `unix:${path}`;
    if (this.#listeners.has(address)) return Promise.reject(systemError("EADDRINUSE", "listen", { host, port }));
    this.#listeners.set(address, { port, handlers });
    const close = (): Promise<void> => {
      this.#listeners.delete(address);
      return Promise.resolve();
    };
    return Promise.resolve({ port, close });
  }

  connect({ host, port, localAddress = "127.0.0.1" }: ConnectOptions): MemorySocket {
    const local = { host: localAddress, port: this.#clientPort() };
    const remote = { host: nameOf(host), port };
    const carry = (from: MemorySocket, bytes: number, arrive: () => void): void => this.#carry(from, bytes, arrive);
    const socket = new MemorySocket(carry, local, remote, true);
    this.#carry(socket, 0, () => {
      if (socket.destroyed) return;
      const listener = this.#find(remote.host, port);
      if (!listener) {
        socket.destroy(systemError("ECONNREFUSED", "connect", { host, port }));
        return;
      }
      const accepted = new MemorySocket(carry, remote, local, false);
      MemorySocket.join(accepted, socket);
      // The way back takes its time too.
      this.#carry(accepted, 0, () => {
        if (!socket.destroyed) socket.opened();
        else if (!accepted.destroyed) accepted.destroy(systemError("ECONNRESET", "read", local));
      });
      listener.handlers.accepted(accepted, { peer: local, local: remote });
    });
    return socket;
  }

  /**
   * An ioredis `Connector` over this transport: `new Redis({ host, port, Connector: transport.connector })`. A client made
   * so opens no socket of the machine.
   */
  readonly connector: MemoryConnector = connectorOf(this);

  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      const moves = this.#moves;
      await new Promise<void>((resolve) => systemClock.setImmediate(resolve));
      if (this.#moves !== moves) turns = -1;
    }
  }

  /** Number of things on their way. */
  get underWay(): number {
    return this.#underWay;
  }

  #carry(from: MemorySocket, bytes: number, arrive: () => void): void {
    this.#underWay++;
    this.#moves++;
    if (this.#delayMs === null) {
      this.#queue.push(arrive);
      if (this.#queue.length === 1) systemClock.setImmediate(() => this.#deliver());
      return;
    }
    const nowMs = this.#clock.now();
    const dueMs = Math.max(
      this.#lastArrivalMs.get(from) ?? 0,
      nowMs + this.#delayMs({ from: from.local, to: from.remote, bytes }),
    );
    this.#lastArrivalMs.set(from, dueMs);
    this.#clock.setTimer(() => this.#arrived(arrive), dueMs - nowMs, true);
  }

  /** Delivers what was sent until now; what that leads to is the next turn's. */
  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const arrive of queue) this.#arrived(arrive);
  }

  #arrived(arrive: () => void): void {
    this.#underWay--;
    this.#moves++;
    arrive();
  }

  #find(host: string, port: number): { readonly handlers: ListenHandlers } | undefined {
    const exact = this.#listeners.get(`${host}:${port}`);
    if (exact) return exact;
    for (const any of ANY) {
      const found = this.#listeners.get(`${any}:${port}`);
      if (found) return found;
    }
    return undefined;
  }

  #freePort(host: string): number {
    while (this.#find(nameOf(host), this.#nextPort)) this.#nextPort++;
    return this.#nextPort++;
  }

  #clientPort(): number {
    if (this.#nextClientPort > 65_535) this.#nextClientPort = FIRST_CLIENT_PORT;
    return this.#nextClientPort++;
  }
}

/**
 * A class that ioredis takes as its option `Connector`. ioredis's type for it has protected members, which only a subclass
 * of its own class could have; an instance of type `never` is assignable without a cast.
 */
export type MemoryConnector = new (options: unknown) => never;

function connectorOf(transport: MemoryTransport): MemoryConnector {
  return class {
    readonly #options: { readonly host?: string; readonly port?: number };
    #stream: MemorySocket | null = null;

    constructor(options: unknown) {
      this.#options = options as { host?: string; port?: number };
    }

    connect(): Promise<MemorySocket> {
      const { host = "127.0.0.1", port = 6379 } = this.#options;
      this.#stream = transport.connect({ host, port });
      return Promise.resolve(this.#stream);
    }

    disconnect(): void {
      this.#stream?.end();
    }

    check(): boolean {
      return true;
    }
  } as MemoryConnector;
}

function nameOf(host: string): string {
  return host === "localhost" ? "127.0.0.1" : host;
}

/** A {@link MemoryTransport}: connections inside this process, without ports. */
export function memoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  return new MemoryTransport(options);
}
