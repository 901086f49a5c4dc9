import type { Socket } from "node:net";
import { Redis } from "ioredis";
import { ENVIRONMENT, type Environment } from "../../../src/client/environment.js";
import { ReplicatedClient } from "../../../src/client/replicated-client.js";
import { ManualClock } from "../../../src/core/manual-clock.js";
import { type Random, seededRandom } from "../../../src/core/random.js";
import { DevServer } from "../../../src/server/dev-server.js";
import { type MemorySocket, systemError } from "../../../src/server/net/memory-socket.js";
import { type MemoryHop, type MemoryTransport, memoryTransport } from "../../../src/server/net/memory-transport.js";
import { ProcessClock } from "./process-clock.js";

/** Hosts of the simulated network; each server has one, and so has each client. */
export const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

/** The port of each host's server. */
export function portOf(host: string): number {
  return 7000 + HOSTS.indexOf(host as (typeof HOSTS)[number]);
}

/** What nobody wants to wait for: a server writes its data as it is, so that a value can be found in it. */
const SERVER_CONFIG = { rdbcompression: "no", "aof-use-rdb-preamble": "no" };

/** Real turns of the event loop without traffic, after which promises have settled too. */
const TURNS = 2;

/** What is done to the network: who can't reach whom, and how slow it is. */
export interface Weather {
  /** Directed pairs "from>to" whose packets wait, and until when. */
  readonly cut: Map<string, number>;
  /** Clients' ends "host:port" of connections on which requests wait, and until when. */
  readonly stalled: Map<string, number>;
  minMs: number;
  spreadMs: number;
}

/**
 * One simulated world: dev servers and clients of this package on a virtual clock and a network in memory, all of it
 * from one seed. Nothing in it waits for real time.
 */
export class World {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly weather: Weather = { cut: new Map(), stalled: new Map(), minMs: 0.1, spreadMs: 0.4 };
  readonly transport: MemoryTransport;
  readonly servers: DevServer[] = [];
  readonly clients: ReplicatedClient[] = [];
  /** Of each client's process, by its place. */
  readonly clocks: ProcessClock[] = [];
  readonly #sockets: MemorySocket[][] = [];
  #steps = 0;
  #jumpMs = 0;
  readonly #plain: Redis[] = [];

  private constructor(readonly seed: number) {
    this.random = seededRandom(seed);
    this.transport = memoryTransport({ clock: this.clock, delayMs: (hop) => this.#delay(hop) });
  }

  /** A master and two replicas, in sync. */
  static async start(seed: number): Promise<World> {
    const world = new World(seed);
    const [master, ...replicas] = HOSTS;
    await world.#serve(master, null, 1);
    for (const [i, host] of replicas.entries()) await world.#serve(host, master, i + 2);
    await world.run(() => world.#inSync(0), 5000);
    return world;
  }

  async #serve(host: string, master: string | null, place: number): Promise<void> {
    const starting = DevServer.start({
      host,
      port: portOf(host),
      clock: this.clock,
      transport: this.transport,
      seed: this.seed * 16 + place,
      password: "",
      config: SERVER_CONFIG,
      ...(master === null ? {} : { replicaOf: { host: master, port: portOf(master) } }),
    });
    this.servers.push(await this.settle(starting));
  }

  /** A client on a host of its own. */
  client(place: number, options: object = {}): ReplicatedClient {
    const host = `10.0.1.${place}`;
    const clock = new ProcessClock(this.clock);
    this.clocks[place] = clock;
    const sockets: MemorySocket[] = [];
    this.#sockets[place] = sockets;
    const environment: Environment = {
      clock,
      random: seededRandom(this.seed * 16 + 8 + place),
      connect: (to) => {
        const socket = this.transport.connect({ ...to, localAddress: host });
        sockets.push(socket);
        return socket as unknown as Socket;
      },
    };
    const client = new ReplicatedClient({
      nodes: HOSTS.map((one) => `redis://${one}:${portOf(one)}`),
      pollIntervalMs: 200,
      heartbeatTimeoutMs: 200,
      arbitrationMs: 400,
      failoverTimeoutMs: 3000,
      ...options,
      [ENVIRONMENT]: environment,
    } as never);
    client.on("error", () => undefined);
    this.clients.push(client);
    return client;
  }

  /** All other servers that run have what this one has, and follow it. */
  #inSync(master: number): boolean {
    const top = this.servers[master];
    return this.servers.every(
      (server) =>
        server === top ||
        (server.running && server.role === "replica" && server.replid === top?.replid && server.offset === top.offset),
    );
  }

  /** A plain connection to a server. */
  clientOf(server: DevServer): Redis {
    const { host, port } = server;
    const client = new Redis({
      ...{ host, port, retryStrategy: null, enableReadyCheck: false },
      Connector: this.transport.connector,
    } as never);
    client.on("error", () => undefined);
    this.#plain.push(client);
    return client;
  }

  /**
   * A client's connections to a server, as they are now, carry nothing to it for a while; the client is told soon that
   * they are broken. What it had sent arrives after all, when the client has long had others.
   */
  stall(place: number, server: DevServer, forMs: number, cutAfterMs: number): void {
    const stalled = (this.#sockets[place] ?? []).filter(
      (socket) => socket.remote.host === server.host && !socket.connecting && !socket.destroyed,
    );
    const untilMs = this.clock.now() + forMs;
    for (const { local } of stalled) this.weather.stalled.set(`${local.host}:${local.port}`, untilMs);
    this.clock.setTimer(() => {
      for (const socket of stalled)
        if (!socket.destroyed) socket.destroy(systemError("ECONNRESET", "read", socket.remote));
    }, cutAfterMs);
  }

  /** The servers that run and have this value, looked at from outside, without asking them. */
  holders(value: string): number[] {
    return [...this.servers.keys()].filter((place) => {
      const server = this.servers[place];
      return server?.running && server.snapshot().state?.file.includes(value);
    });
  }

  /** Time goes on by so much while nobody gets to run. */
  jump(ms: number): void {
    this.#jumpMs += ms;
  }

  /** Ends all trouble: everything reachable and running, `master` the only master, the others its replicas. */
  async heal(master: number): Promise<boolean> {
    this.weather.cut.clear();
    this.weather.stalled.clear();
    this.weather.spreadMs = 0.4;
    for (const server of this.servers) {
      server.faults.clear();
      if (!server.running) await this.settle(server.restart({ data: "drop" }));
    }
    const top = this.servers[master] as DevServer;
    if (top.role !== "master") await this.settle(top.replicaOf(null));
    for (const server of this.servers) if (server !== top) await this.settle(server.replicaOf(top.host, top.port));
    return this.run(() => this.#inSync(master), 20_000);
  }

  /** Moves time on until `done`, or for `limitMs` of virtual time. Returns whether it was done. */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.clock.now() + limitMs;
    await this.#turns();
    while (!done()) {
      const due = this.clock.nextDue;
      if (due === null || due > endMs) {
        this.clock.advance(Math.max(0, endMs - this.clock.now()));
        await this.#turns();
        return done();
      }
      this.clock.advance(Math.max(0, due - this.clock.now()) + this.#jumpMs);
      this.#jumpMs = 0;
      this.#steps++;
      await this.#turns();
    }
    return true;
  }

  /** Lets virtual time pass until a promise settles. */
  async settle<T>(promise: Promise<T>, limitMs = 10_000): Promise<T> {
    let over = false;
    const end = (): void => void (over = true);
    promise.then(end, end);
    if (!(await this.run(() => over, limitMs))) throw new Error(`not settled after ${limitMs} ms of virtual time`);
    return promise;
  }

  /** Events so far. */
  get steps(): number {
    return this.#steps;
  }

  async stop(): Promise<void> {
    for (const client of [...this.clients, ...this.#plain]) client.disconnect();
    await this.settle(Promise.all(this.servers.map((server) => server.stop())));
  }

  async #turns(): Promise<void> {
    for (let i = 0; i < TURNS; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #delay({ from, to }: MemoryHop): number {
    const { cut, stalled } = this.weather;
    const healsAt = Math.max(
      cut.get(`${from.host}>${to.host}`) ?? 0,
      stalled.size === 0 ? 0 : (stalled.get(`${from.host}:${from.port}`) ?? 0),
      // A process that stands still reads nothing.
      to.host.startsWith("10.0.1.") ? (this.clocks[Number(to.host.slice(7))]?.pausedUntil ?? 0) : 0,
    );
    const waitMs = Math.max(0, healsAt - this.clock.now());
    return waitMs + this.weather.minMs + this.random.next() * this.weather.spreadMs;
  }
}
