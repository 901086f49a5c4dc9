import type { Nemesis } from "./nemesis.js";

/** Harm to servers that leaves the master where it is. */
export const servers: readonly Nemesis[] = [
  {
    name: "hang-master",
    async harm({ fleet, span }) {
      fleet.server(fleet.master).pause();
      await span(200, 1200);
      fleet.server(fleet.master).resume();
    },
  },
  {
    name: "hang-replica",
    async harm({ fleet, span, replica }) {
      const place = replica();
      fleet.server(place).pause();
      await span(300, 1200);
      fleet.server(place).resume();
    },
  },
  {
    name: "crash-replica",
    async harm({ fleet, span, replica }) {
      const place = replica();
      await fleet.server(place).kill9();
      await span(200, 600);
      await fleet.revive(place, { replicaOf: fleet.upstream(place) });
      await span(200, 400);
    },
  },
  {
    // It rolls back within one history, on open connections.
    name: "lagging-sibling",
    async harm({ fleet, span }) {
      const [behind, moved] = fleet.replicas as [number, number];
      fleet.link(behind, fleet.master).hold(["toClient"]);
      await span(200, 500);
      await fleet.follow(moved, behind);
      await span(300, 700);
      await fleet.follow(moved, fleet.master);
      await span(50, 200);
      fleet.link(behind, fleet.master).clear();
    },
  },
  {
    name: "full-resync",
    async harm({ fleet, span }) {
      await fleet.command(fleet.master, "DEBUG", "CHANGE-REPL-ID");
      await fleet.command(fleet.master, "CLIENT", "KILL", "TYPE", "replica");
      await span(300, 700);
    },
  },
  {
    name: "dropped-connections",
    async harm({ fleet, span }) {
      for (let i = 0; i < 4; i++) {
        for (const place of fleet.places)
          await fleet.command(place, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await span(50, 250);
      }
    },
  },
  {
    name: "refusals",
    async harm({ fleet, span, replica }) {
      await fleet.command(fleet.master, "CONFIG", "SET", "min-replicas-to-write", "9");
      await span(200, 500);
      await fleet.command(fleet.master, "CONFIG", "SET", "min-replicas-to-write", "0");
      await fleet.command(replica(), "CLIENT", "PAUSE", "300", "ALL");
      await fleet.command(fleet.master, "CLIENT", "PAUSE", "300", "WRITE");
      await span(100, 300);
      await fleet.command(fleet.master, "DEBUG", "SLEEP", "0.3");
    },
  },
  {
    // The clients' own process stands still: polls and replies come late, nobody is dead.
    name: "client-pause",
    async harm({ span, random }) {
      for (let i = 0; i < 2; i++) {
        const until = performance.now() + 300 + random.next() * 700;
        while (performance.now() < until);
        await span(100, 300);
      }
    },
  },
];
