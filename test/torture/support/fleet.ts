import { rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../src/cli/processes/redis-process.js";
import { inSync } from "../../../src/cli/processes/redis-topology.js";
import { FaultProxy } from "../../support/fault-proxy.js";
import { RedisProcess } from "../../support/real-redis.js";
import type { Network } from "./network.js";

type Address = { readonly host: string; readonly port: number };

/** One server, the proxy in front of it that the world is told of, and proxies for its links to each other server. */
interface Member {
  readonly server: RedisProcess;
  readonly front: FaultProxy;
  readonly links: ReadonlyMap<number, FaultProxy>;
}

/** How a replica reaches its master: through a proxy that can hold the link, or by the network itself. */
export type Way = "relayed" | "direct";

const SYNC_MS = 20_000;
const INSIST_MS = 5000;

/** The servers of a run: who is master by the operator's will, and all that can be done to them. */
export class Fleet {
  /** The server that was made master last. */
  master = 0;

  private constructor(
    readonly members: readonly Member[],
    /** Hosts of their own, if there are any. */
    readonly network: Network | null,
  ) {}

  /** Starts a master and replicas that follow it. */
  static async start(count: number, network: Network | null): Promise<Fleet> {
    const places = Array.from({ length: count }, (_, place) => place);
    const servers = await Promise.all(
      places.map((place) =>
        RedisProcess.start({
          ...(network === null ? {} : { host: network.hostOf(place), launcher: network.launcher(place) }),
          // A backlog that outlives every link that is cut here, so that who needs a full resync is who must.
          args: [
            "--protected-mode",
            "no",
            "--enable-debug-command",
            "yes",
            "--repl-backlog-size",
            "64mb",
            "--repl-timeout",
            "30",
          ],
        }),
      ),
    );
    const near = network?.gateway ?? "127.0.0.1";
    const members = await Promise.all(
      servers.map(async (server, place) => {
        const others = places.filter((other) => other !== place);
        const relay = async (other: number): Promise<[number, FaultProxy]> => [
          other,
          await FaultProxy.start(servers[other] as RedisProcess, near),
        ];
        return {
          server,
          front: await FaultProxy.start(server, near),
          links: new Map(await Promise.all(others.map(relay))),
        };
      }),
    );
    const fleet = new Fleet(members, network);
    for (const place of places) await fleet.#announce(place);
    await fleet.followMaster();
    await fleet.inSync();
    return fleet;
  }

  get places(): readonly number[] {
    return [...this.members.keys()];
  }

  /** All but the master. */
  get replicas(): readonly number[] {
    return this.places.filter((place) => place !== this.master);
  }

  server(place: number): RedisProcess {
    return this.#member(place).server;
  }

  front(place: number): FaultProxy {
    return this.#member(place).front;
  }

  /** The proxy that `replica` follows `master` by. */
  link(replica: number, master: number): FaultProxy {
    return this.#member(replica).links.get(master) as FaultProxy;
  }

  /** For the `natMap` of a client: every address by which servers call each other, as that client reaches them. */
  natMap(by: "front" | "direct"): (key: string) => Address | null {
    const table = new Map<string, Address>();
    for (const { server, front, links } of this.members) {
      const reached = by === "front" ? front : server;
      for (const { host, port } of [server, front])
        table.set(`${host}:${port}`, { host: reached.host, port: reached.port });
      for (const [place, link] of links) {
        const target = this.#member(place)[by === "front" ? "front" : "server"];
        table.set(`${link.host}:${link.port}`, { host: target.host, port: target.port });
      }
    }
    return (key) => table.get(key) ?? null;
  }

  command(place: number, ...words: (string | number)[]): Promise<unknown> {
    return this.server(place).command(...words);
  }

  /** A command that is refused for a while after other trouble: again until it is taken, for at most 5 s. */
  async insist(place: number, ...words: (string | number)[]): Promise<void> {
    await until(
      () =>
        this.command(place, ...words).then(
          () => true,
          (error: Error) => error.message,
        ),
      INSIST_MS,
    );
  }

  /** REPLICAOF. */
  async follow(replica: number, master: number, way: Way = "relayed"): Promise<void> {
    const { host, port } = way === "direct" ? this.server(master) : this.link(replica, master);
    await this.command(replica, "REPLICAOF", host, port);
  }

  /** REPLICAOF NO ONE; it is the master from now on. */
  async promote(place: number): Promise<void> {
    await this.command(place, "REPLICAOF", "NO", "ONE");
    this.master = place;
  }

  /** All others that run are told to follow the master. */
  async followMaster(way: Way = "relayed"): Promise<void> {
    for (const place of this.replicas) if (this.server(place).alive) await this.follow(place, this.master, way);
  }

  /** The running replica that has applied most: whom an operator would promote. */
  async heir(): Promise<number> {
    const offsets = await Promise.all(
      this.replicas
        .filter((place) => this.server(place).alive)
        .map(async (place) => {
          const info = await this.server(place).info("replication");
          return { place, offset: info.get("role") === "slave" ? Number(info.get("slave_repl_offset")) : -1 };
        }),
    );
    const best = offsets.reduce((a, b) => (b.offset > a.offset ? b : a));
    return best.place;
  }

  /** Starts a dead server again; what it finds on its disk is what was left there. */
  async revive(place: number, options: { replicaOf: number | null; keep?: boolean; args?: string[] }): Promise<void> {
    const { replicaOf, keep = false, args = [] } = options;
    const server = this.server(place);
    if (!keep)
      for (const name of ["dump.rdb", "appendonlydir"])
        rmSync(join(server.dir, name), { recursive: true, force: true });
    const { host, port } = this.front(place);
    await server.restart({
      replicaOf:
        replicaOf === null ? null : { host: this.link(place, replicaOf).host, port: this.link(place, replicaOf).port },
      args: ["--replica-announce-ip", host, "--replica-announce-port", String(port), ...args],
    });
  }

  /** Ends what hinders who is alive: stopped processes, held connections, cut networks. */
  async lift(): Promise<void> {
    for (const { server } of this.members) if (server.alive) server.resume();
    for (const { front, links } of this.members) for (const proxy of [front, ...links.values()]) proxy.clear();
    await this.network?.heal();
  }

  /** Starts what was killed: the next nemesis needs its servers. */
  async raise(): Promise<void> {
    for (const place of [this.master, ...this.replicas])
      if (!this.server(place).alive)
        await this.revive(place, { replicaOf: place === this.master ? null : this.master });
  }

  /** Ends all trouble: everything runs and is reachable, `master` is the only master, the others follow it. */
  async heal(): Promise<void> {
    await this.lift();
    await this.raise();
    const info = await this.server(this.master).info("replication");
    if (info.get("role") !== "master") await this.promote(this.master);
    for (const place of this.replicas) await this.follow(place, this.master);
    for (const place of this.places)
      await this.command(place, "CONFIG", "SET", "min-replicas-to-write", "0", "save", "", "appendonly", "no");
    await this.inSync();
  }

  async inSync(): Promise<void> {
    await until(async () => {
      try {
        const master = this.server(this.master);
        const relays = this.replicas.map((place) => [place, this.link(place, this.master).port] as const);
        for (const [place, relayPort] of relays)
          await inSync(master, [this.server(place)], { relayPort, timeoutMs: 1000 });
        return true;
      } catch (error) {
        return (error as Error).message;
      }
    }, SYNC_MS);
  }

  async stop(): Promise<void> {
    for (const { server } of this.members) if (server.alive) server.resume();
    await Promise.all(this.members.map(({ server }) => server.stop()));
    for (const { front, links } of this.members)
      await Promise.all([front, ...links.values()].map((proxy) => proxy.stop()));
    this.network?.close();
  }

  async #announce(place: number): Promise<void> {
    const { host, port } = this.front(place);
    await this.command(place, "CONFIG", "SET", "replica-announce-ip", host, "replica-announce-port", port);
  }

  #member(place: number): Member {
    return this.members[place] as Member;
  }
}
