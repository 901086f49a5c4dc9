import type { DevServer } from "../../../src/server/dev-server.js";
import type { Deed } from "./plan.js";
import type { World } from "./world.js";

/** Carries out a plan; remembers whom the operator thinks the master is, and how often each deed was done. */
export class Nemesis {
  /** The server that was made master last. */
  master = 0;
  readonly done = new Map<string, number>();

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
        const chosen = this.#heir();
        if (chosen < 0) return;
        const before = this.master;
        this.master = chosen;
        void this.#server(chosen).replicaOf(null);
        for (const place of world.servers.keys())
          if (place !== chosen && place !== before) this.#later(world.random.next() * 100, () => this.#rejoin(place));
        this.#later(deed.forMs, () => this.#rejoin(before));
        return;
      }
      case "failover": {
        const chosen = this.#heir();
        const old = this.#server(this.master);
        if (chosen < 0 || !old.running || old.role !== "master") return;
        const to = this.#server(chosen);
        this.master = chosen;
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
      default:
        deed satisfies never;
    }
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
