import type { Nemesis } from "./nemesis.js";

/** Harm to connections, by the proxies that stand in front of the servers and in their replication links. */
export const proxied: readonly Nemesis[] = [
  {
    name: "lag",
    async harm({ fleet, span, replica }) {
      for (const place of fleet.replicas) fleet.linkOf(place).delay(20 + place * 60);
      await span(300, 600);
      fleet.linkOf(replica()).hold(["toClient"]);
      await span(300, 800);
    },
  },
  {
    name: "slow-network",
    async harm({ fleet, random, span }) {
      for (const place of fleet.places) fleet.front(place).delay(random.next() * 80);
      await span(600, 1200);
    },
  },
  {
    // The server runs what it got, and the client never hears of it.
    name: "cut-replies",
    async harm({ fleet, span }) {
      for (let i = 0; i < 6; i++) {
        const front = fleet.front(fleet.master);
        front.hold(["toClient"]);
        await span(10, 60);
        front.reset();
        front.clear();
        await span(50, 200);
      }
    },
  },
  {
    name: "one-way",
    async harm({ fleet, random, span, replica }) {
      for (const place of [fleet.master, replica()]) {
        fleet.front(place).hold([random.next() < 0.5 ? "toServer" : "toClient"]);
        await span(200, 900);
        fleet.front(place).clear();
      }
    },
  },
  {
    // Connections stay open, new ones are accepted, and nothing is ever answered.
    name: "half-open",
    async harm({ fleet, span }) {
      const front = fleet.front(fleet.master);
      front.hold();
      await span(600, 1200);
      front.reset();
      front.clear();
    },
  },
  {
    name: "link-cut",
    async harm({ fleet, span, replica }) {
      for (let i = 0; i < 3; i++) {
        fleet.linkOf(replica()).reset();
        await span(50, 300);
      }
    },
  },
];

/** Harm to the network that the hosts are joined by: what is sent is lost, in silence. */
export const networked: readonly Nemesis[] = [
  {
    // The master's host falls off the network, another one is promoted; it comes back as a second master.
    name: "netns-master-off",
    keeps: "all",
    needsNetwork: true,
    async harm({ fleet, network, span }) {
      await fleet.followMaster("direct");
      await span(50, 150);
      const old = fleet.master;
      for (const other of ["clients", ...fleet.replicas] as const) await network.sever(old, other);
      await span(300, 700);
      const heir = fleet.replicas[0] as number;
      await fleet.promote(heir);
      for (const place of fleet.replicas) if (place !== old) await fleet.follow(place, heir, "direct");
      await span(300, 800);
      await network.heal();
      await span(200, 600);
    },
  },
  {
    // The clients reach the master no more, its replicas do: nobody is promoted.
    name: "netns-clients-off",
    needsNetwork: true,
    async harm({ fleet, network, random, span }) {
      await fleet.followMaster("direct");
      await span(50, 150);
      const ways = random.int(3);
      if (ways !== 1) await network.cut("clients", fleet.master);
      if (ways !== 0) await network.cut(fleet.master, "clients");
      await span(300, 1200);
    },
  },
  {
    // A replica's link is cut in one direction: it looks up for as long as nobody counts.
    name: "netns-replica-off",
    needsNetwork: true,
    async harm({ fleet, network, random, span, replica }) {
      await fleet.followMaster("direct");
      await span(50, 150);
      const place = replica();
      const above = fleet.upstream(place);
      await (random.next() < 0.5 ? network.cut(above, place) : network.sever(above, place));
      await span(400, 1000);
    },
  },
];
