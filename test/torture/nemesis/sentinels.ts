import { until } from "../../../src/cli/processes/redis-process.js";
import type { Fleet } from "../support/fleet.js";
import { SENTINEL_NAME } from "../support/sentinels.js";
import type { Nemesis } from "./nemesis.js";

const PROMOTED_MS = 20_000;

/** Trouble in which nobody promotes but the Sentinels. They may take a replica that has not most. */
export const watched: readonly Nemesis[] = [
  {
    name: "sentinel-crash",
    only: "sentinels",
    keeps: "all",
    async harm({ fleet, span }) {
      await fleet.server(fleet.master).kill9();
      await promoted(fleet);
      await span(200, 500);
    },
  },
  {
    // It goes on as if nothing had been, until a Sentinel tells it whom to follow.
    name: "sentinel-hang",
    only: "sentinels",
    keeps: "all",
    async harm({ fleet, span }) {
      const old = fleet.master;
      fleet.server(old).pause();
      await promoted(fleet);
      await span(0, 400);
      fleet.server(old).resume();
      await span(300, 800);
    },
  },
  {
    // Asked for by somebody: the master isn't stopped for it, and what it takes meanwhile is lost.
    name: "sentinel-failover",
    only: "sentinels",
    keeps: "all",
    async harm({ fleet, span }) {
      await until(
        () =>
          fleet.sentinels
            .at(0)
            .command("SENTINEL", "FAILOVER", SENTINEL_NAME)
            .then(
              () => true as const,
              (error: Error) => error.message,
            ),
        PROMOTED_MS,
      );
      await promoted(fleet);
      await span(200, 500);
    },
  },
  {
    // Two of three stand still when the master dies: nobody is promoted before they are back.
    name: "sentinels-hang",
    only: "sentinels",
    keeps: "all",
    async harm({ fleet, span, random }) {
      const awake = random.int(fleet.sentinels.processes.length);
      for (const [i, one] of fleet.sentinels.processes.entries()) if (i !== awake) one.pause();
      await fleet.server(fleet.master).kill9();
      await span(600, 1000);
      fleet.sentinels.resume();
      await promoted(fleet, awake);
      await span(200, 500);
    },
  },
  {
    // The master with one Sentinel, and by chance the clients, on one side; the other two promote on theirs.
    name: "sentinel-partition",
    only: "sentinels",
    needsNetwork: true,
    keeps: "all",
    async harm({ fleet, network, span, random }) {
      const firstHost = fleet.places.length;
      const watchers = [...fleet.sentinels.processes.keys()];
      const inside = random.int(watchers.length);
      const here = [fleet.master, firstHost + inside];
      const there = [...fleet.replicas, ...watchers.filter((i) => i !== inside).map((i) => firstHost + i)];
      if (random.next() < 0.5) for (const host of here) await network.sever("clients", host);
      for (const one of here) for (const other of there) await network.sever(one, other);
      // The driver asks from where the clients are, and reaches the hosts of the other side in any case.
      await promoted(fleet, watchers.find((i) => i !== inside) as number);
      await span(200, 600);
      await network.heal();
      await span(300, 800);
    },
  },
  {
    // The Sentinels see the servers and not each other: none has a majority, whatever happens, until they meet again.
    name: "sentinels-parted",
    only: "sentinels",
    needsNetwork: true,
    keeps: "all",
    async harm({ fleet, network, span }) {
      const hosts = [...fleet.sentinels.processes.keys()].map((i) => fleet.places.length + i);
      for (const one of hosts) for (const other of hosts) if (one < other) await network.sever(one, other);
      await fleet.server(fleet.master).kill9();
      await span(800, 1400);
      await network.heal();
      await promoted(fleet);
      await span(200, 500);
    },
  },
];

/** Waits until a Sentinel names another master than the one there was, which is one. */
async function promoted(fleet: Fleet, word = 0): Promise<void> {
  const old = fleet.master;
  await until(async () => {
    const named = await fleet.sentinels.word(word);
    const place = fleet.places.find((one) => fleet.server(one).id === named);
    if (place === undefined || place === old) return `the Sentinels name ${named}`;
    if ((await fleet.server(place).info("replication")).get("role") !== "master") return `${named} is no master yet`;
    fleet.master = place;
    return true;
  }, PROMOTED_MS);
}
