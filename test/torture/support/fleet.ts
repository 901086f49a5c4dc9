import { rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../src/cli/processes/redis-process.js";
import { inSync } from "../../../src/cli/processes/redis-topology.js";
import type { Certificates } from "../../support/certificates.js";
import { FaultProxy } from "../../support/fault-proxy.js";
import { freePort, RedisProcess } from "../../support/real-redis.js";
import type { Network } from "./network.js";
import { Sentinels } from "./sentinels.js";
import type { SetUp } from "./set-up.js";

type Address = { readonly host: string; readonly port: number };

/** One server, the proxy in front of it that the world is told of, and proxies for its links to each other server. */
interface Member {
  readonly server: RedisProcess;
  /** Where it speaks TLS. */
  readonly tlsPort: number;
  readonly front: FaultProxy;
  readonly links: ReadonlyMap<number, FaultProxy>;
}

/** How it stands at first. */
export const PLAIN: SetUp = { shape: "star", tls: false, sentinels: false };

/** How a replica reaches its master: through a proxy that can hold the link, or by the network itself. */
export type Way = "relayed" | "direct";

const SYNC_MS = 20_000;
const INSIST_MS = 5000;

/** The servers of a run: who is master by the operator's will, and all that can be done to them. */
export class Fleet {
  /** The server that was made master last. */
  master = 0;
  #setUp = PLAIN;
  #sentinels: Sentinels | null = null;

  private constructor(
    readonly members: readonly Member[],
    /** Hosts of their own, if there are any. */
    readonly network: Network | null,
    /** Of the authority that signed the servers' certificate. */
    readonly ca: Buffer,
  ) {}

  /** Starts a master and replicas that follow it. */
  static async start(count: number, network: Network | null, certificates: Certificates): Promise<Fleet> {
    const places = Array.from({ length: count }, (_, place) => place);
    const tlsPorts = await Promise.all(places.map(() => freePort()));
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
            ...certificates.args(tlsPorts[place] as number),
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
          tlsPort: tlsPorts[place] as number,
          front: await FaultProxy.start(server, near),
          links: new Map(await Promise.all(others.map(relay))),
        };
      }),
    );
    const fleet = new Fleet(members, network, certificates.ca);
    await fleet.arrange(PLAIN);
    return fleet;
  }

  /** How it stands now. */
  get setUp(): SetUp {
    return this.#setUp;
  }

  /** They that decide who is master, where that is the set-up. */
  get sentinels(): Sentinels {
    if (this.#sentinels === null) throw new Error("there are no Sentinels in this set-up");
    return this.#sentinels;
  }

  /** Takes up another set-up; clients are to be opened anew after that. */
  async arrange(setUp: SetUp): Promise<void> {
    await this.#sentinels?.stop();
    this.#sentinels = null;
    this.#setUp = { ...setUp, sentinels: false };
    for (const { front, server, tlsPort } of this.members) front.retarget(setUp.tls ? tlsPort : server.port);
    await this.heal();
    if (!setUp.sentinels) return;
    // Sentinels make replicas follow the address by which they know the master: no proxy stands between.
    this.#setUp = setUp;
    for (const place of this.places) await this.#announce(place);
    await this.followMaster();
    await this.inSync();
    const hosts = this.members.length;
    this.#sentinels = await Sentinels.start(this.server(this.master), hosts - 1, hosts, this.network);
  }

  get places(): readonly number[] {
    return [...this.members.keys()];
  }

  /** All but the master. */
  get replicas(): readonly number[] {
    return this.places.filter((place) => place !== this.master);
  }

  /** Whom a replica has to follow: the master, or in a chain the replica before it. */
  upstream(replica: number): number {
    if (this.#setUp.shape === "star") return this.master;
    return this.replicas[this.replicas.indexOf(replica) - 1] ?? this.master;
  }

  /** The proxy that a replica follows its upstream by. */
  linkOf(replica: number): FaultProxy {
    return this.link(replica, this.upstream(replica));
  }

  /** Where clients reach a server, through its front or not. */
  reached(place: number, by: "front" | "direct"): Address {
    const { front, server, tlsPort } = this.#member(place);
    const { host, port } = by === "front" ? front : server;
    return { host, port: by === "direct" && this.#setUp.tls ? tlsPort : port };
  }

  /** The address by which it is known to other servers; the front of one behind TLS speaks nothing else. */
  announced(place: number): Address {
    return this.#setUp.sentinels || this.#setUp.tls ? this.server(place) : this.front(place);
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
    for (const [place, { server, front, links }] of this.members.entries()) {
      for (const { host, port } of [server, front]) table.set(`${host}:${port}`, this.reached(place, by));
      for (const [other, link] of links) table.set(`${link.host}:${link.port}`, this.reached(other, by));
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
    const { host, port } = this.#followed(replica, master, way);
    await this.command(replica, "REPLICAOF", host, port);
  }

  /** REPLICAOF NO ONE; it is the master from now on. */
  async promote(place: number): Promise<void> {
    await this.command(place, "REPLICAOF", "NO", "ONE");
    this.master = place;
  }

  /** All others that run are told to follow it, or the one that is their upstream. */
  async followMaster(way: Way = "relayed"): Promise<void> {
    for (const place of this.replicas)
      if (this.server(place).alive) await this.follow(place, this.upstream(place), way);
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
    const { host, port } = this.announced(place);
    const above = replicaOf === null ? null : this.#followed(place, replicaOf);
    await server.restart({
      replicaOf: above === null ? null : { host: above.host, port: above.port },
      args: ["--replica-announce-ip", host, "--replica-announce-port", String(port), ...args],
    });
  }

  /** Ends what hinders who is alive: stopped processes, held connections, cut networks. */
  async lift(): Promise<void> {
    this.#sentinels?.resume();
    for (const { server } of this.members) if (server.alive) server.resume();
    for (const { front, links } of this.members) for (const proxy of [front, ...links.values()]) proxy.clear();
    await this.network?.heal();
  }

  /** Starts what was killed: the next nemesis needs its servers. */
  async raise(): Promise<void> {
    for (const place of [this.master, ...this.replicas])
      if (!this.server(place).alive)
        await this.revive(place, { replicaOf: place === this.master ? null : this.upstream(place) });
  }

  /** Ends all trouble: everything runs and is reachable, `master` is the only master, the others follow it. */
  async heal(): Promise<void> {
    await this.lift();
    if (this.#sentinels !== null) await this.adopt();
    await this.raise();
    // With Sentinels nobody else gives orders, to old masters neither.
    if (this.#sentinels === null) {
      const info = await this.server(this.master).info("replication");
      if (info.get("role") !== "master") await this.promote(this.master);
      for (const place of this.places) await this.#announce(place);
      await this.followMaster();
    }
    for (const place of this.places)
      await this.command(place, "CONFIG", "SET", "min-replicas-to-write", "0", "save", "", "appendonly", "no");
    await this.inSync();
  }

  /** Waits until all Sentinels name one running master, which is the master from now on. */
  async adopt(): Promise<void> {
    await until(async () => {
      const named = await this.sentinels.agreed();
      const place = this.places.find((one) => this.server(one).id === `${named?.host}:${named?.port}`);
      if (place === undefined) return "the Sentinels name several masters";
      if (!this.server(place).alive) return `the Sentinels name ${place}, which is dead`;
      if ((await this.server(place).info("replication")).get("role") !== "master") return `${place} is no master`;
      this.master = place;
      return true;
    }, SYNC_MS);
  }

  async inSync(): Promise<void> {
    await until(async () => {
      try {
        if (this.#sentinels !== null) await this.adopt();
        const master = this.server(this.master);
        for (const place of this.replicas) {
          const relayPort = this.#followed(place, this.upstream(place)).port;
          await inSync(master, [this.server(place)], { relayPort, timeoutMs: 1000 });
        }
        return true;
      } catch (error) {
        return (error as Error).message;
      }
    }, SYNC_MS);
  }

  async stop(): Promise<void> {
    await this.#sentinels?.stop();
    for (const { server } of this.members) if (server.alive) server.resume();
    await Promise.all(this.members.map(({ server }) => server.stop()));
    for (const { front, links } of this.members)
      await Promise.all([front, ...links.values()].map((proxy) => proxy.stop()));
    this.network?.close();
  }

  async #announce(place: number): Promise<void> {
    const { host, port } = this.announced(place);
    const [, known] = (await this.command(place, "CONFIG", "GET", "replica-announce-port")) as string[];
    if (known === String(port)) return;
    await this.command(place, "CONFIG", "SET", "replica-announce-ip", host, "replica-announce-port", port);
    // It is told when a link begins.
    await this.command(place, "CLIENT", "KILL", "TYPE", "master");
  }

  /** The address by which a replica follows another server. */
  #followed(replica: number, upstream: number, way: Way = "relayed"): Address {
    return way === "direct" || this.#setUp.sentinels ? this.server(upstream) : this.link(replica, upstream);
  }

  #member(place: number): Member {
    return this.members[place] as Member;
  }
}
