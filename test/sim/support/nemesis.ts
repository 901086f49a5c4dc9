import type { DevServer } from "../../../src/server/dev-server.js";
import type { Deed } from "./plan.js";
import type { World } from "./world.js";

/** What is cut off before or after it was run. */
const CUT = ["exec", "incr", "lrange", "info", "rpush"];

/** Carries out a plan; remembers whom the operator thinks the master is, and how often each deed was done. */
export class Nemesis {
  /** The server that was made master last. */
  master = 0;
  readonly done = new Map<string, number>();
  /** Who was made master when, in the place of whom; a master that came back without its data too. */
  readonly successions: { readonly at: number; readonly from: number; readonly to: number }[] = [];

  constructor(private readonly world: World) {}

  start(plan: readonly Deed[]): void {
    for (const deed of plan) this.world.clock.setTimer(() => this.#do(deed), deed.at);
  }

  #do(deed: Deed): void {
    const { world } = this;
    this.done.set(deed.do, (this.done.get(deed.do) ?? 0) + 1);
    switch (deed.do) {
      case "crash": {
        const place = deed.server < 0 ? this.master : deed.server;
        const server = this.#server(place);
        if (!server.running) return;
        void server.crash();
        this.#later(deed.backAfterMs, () => {
          if (!server.running) void server.restart({ data: deed.data }).then(() => this.#rejoin(place));
        });
        return;
      }
      case "promote": {
        const former = deed.former === true ? (this.successions.at(-1)?.from ?? -1) : -1;
        const chosen = former >= 0 && this.#isReplica(former) ? former : this.#heir();
        if (chosen < 0) return;
        const before = this.master;
        this.#succeeds(chosen);
        void this.#server(chosen).replicaOf(null);
        for (const place of world.servers.keys())
          if (place !== chosen && place !== before)
            this.#later(deed.othersAfterMs ?? world.random.next() * 100, () => this.#rejoin(place));
        this.#later(deed.forMs, () => this.#rejoin(before));
        return;
      }
      case "failover": {
        const chosen = this.#heir();
        const old = this.#server(this.master);
        if (chosen < 0 || !old.running || old.role !== "master") return;
        const to = this.#server(chosen);
        this.#succeeds(chosen);
        void world
          .clientOf(old)
          .call("FAILOVER", "TO", to.host, to.port, "TIMEOUT", 500)
          .catch(() => undefined);
        for (const place of world.servers.keys())
          if (place !== chosen && this.#server(place) !== old) this.#later(600, () => this.#rejoin(place));
        // It may have been refused: then the operator does it by hand.
        this.#later(700, () => {
          if (to.running && to.role !== "master") void to.replicaOf(null);
        });
        this.#later(800, () => this.#rejoin(world.servers.indexOf(old)));
        return;
      }
      case "hang":
        return this.#fault(deed.server, deed.forMs, (server) => server.faults.hang());
      case "freeze":
        return this.#fault(deed.server, deed.forMs, (server) => server.faults.freeze());
      case "lag":
        return this.#fault(deed.server, deed.forMs, (server) => server.faults.lag(deed.lagMs));
      case "refuse":
        this.#server(deed.server).faults.fail(deed.error, { times: deed.times });
        return;
      case "drop":
        this.#server(deed.server).faults.dropConnections();
        return;
      case "cut":
        return this.#cut(deed.from, deed.to, deed.both, deed.forMs);
      case "slow":
        world.weather.spreadMs = deed.spreadMs;
        this.#later(deed.forMs, () => void (world.weather.spreadMs = 0.4));
        return;
      case "stepClock":
        world.clock.stepEpoch(deed.byMs);
        return;
      case "pauseProcess":
        // All processes stand still at once, and find the clock elsewhere.
        world.jump(deed.forMs);
        return;
      case "repoint": {
        const [one, other] = this.#replicas();
        if (one === undefined || other === undefined) return;
        const to = this.#server(other);
        void this.#server(one).replicaOf(to.host, to.port);
        this.#later(deed.forMs, () => this.#rejoin(one));
        return;
      }
      case "detach": {
        const [one] = this.#replicas();
        if (one === undefined) return;
        void this.#server(one).replicaOf(null);
        this.#later(deed.forMs, () => this.#rejoin(one));
        return;
      }
      case "save":
      case "aof": {
        const server = this.#at(deed.server);
        if (!server.running) return;
        const client = world.clientOf(server);
        const done = deed.do === "save" ? client.save() : client.config("SET", "appendonly", "yes");
        void done.catch(() => undefined);
        return;
      }
      case "cutRequest":
        this.#at(deed.server).faults.close({ commands: CUT, times: deed.times });
        return;
      case "cutReply":
        this.#at(deed.server).faults.cutReply({ commands: CUT, times: deed.times });
        return;
      case "pauseClient":
        world.clocks[deed.client]?.pause(deed.forMs);
        return;
      case "stall":
        world.stall(deed.client, this.#at(deed.server), deed.forMs, deed.cutAfterMs);
        return;
      default:
        deed satisfies never;
    }
  }

  #succeeds(place: number): void {
    this.successions.push({ at: this.world.clock.now(), from: this.master, to: place });
    this.master = place;
  }

  #isReplica(place: number): boolean {
    const server = this.#server(place);
    return server.running && server.role === "replica";
  }

  /** Replicas that run, the one that has most first: who follows another then goes back. */
  #replicas(): number[] {
    return [...this.world.servers.keys()]
      .filter((place) => this.#isReplica(place))
      .sort((a, b) => this.#server(b).offset - this.#server(a).offset || a - b);
  }

  /** -1: whoever is master now. */
  #at(place: number): DevServer {
    return this.#server(place < 0 ? this.master : place);
  }

  #server(place: number): DevServer {
    return this.world.servers[place] as DevServer;
  }

  #later(ms: number, run: () => void): void {
    this.world.clock.setTimer(run, ms);
  }

  #fault(place: number, forMs: number, begin: (server: DevServer) => { clear(): void }): void {
    const handle = begin(this.#server(place));
    this.#later(forMs, () => handle.clear());
  }

  /** The replica that has applied most; -1 = none runs. */
  #heir(): number {
    let best = -1;
    for (const [place, server] of this.world.servers.entries()) {
      if (!server.running || server.role !== "replica") continue;
      if (best < 0 || server.offset > this.#server(best).offset) best = place;
    }
    return best;
  }

  #rejoin(place: number): void {
    const server = this.#server(place);
    const master = this.#server(this.master);
    if (place !== this.master && server.running) void server.replicaOf(master.host, master.port);
  }

  #cut(from: string, to: string, both: boolean, forMs: number): void {
    const { world } = this;
    const servers = [from, to].map((host) => world.servers.find((server) => server.host === host));
    const [one, other] = servers;
    if (one !== undefined && other !== undefined) {
      if (one === other) return;
      const handle = one.faults.partition({ with: other, direction: both ? "both" : "out" });
      this.#later(forMs, () => handle.clear());
      return;
    }
    const healsAt = world.clock.now() + forMs;
    world.weather.cut.set(`${from}>${to}`, healsAt);
    if (both) world.weather.cut.set(`${to}>${from}`, healsAt);
  }
}
