import { until } from "../../../src/cli/processes/redis-process.js";
import type { Nemesis, Stage } from "./nemesis.js";

/** How long a FAILOVER may take that was accepted, its own TIMEOUT included. */
const SETTLED_MS = 8000;

/** Changes of the master, planned and not. */
export const masters: readonly Nemesis[] = [
  {
    name: "crash",
    async harm({ fleet, span }) {
      const old = fleet.master;
      await fleet.server(old).kill9();
      await span(20, 300);
      await fleet.promote(await fleet.heir());
      await span(0, 100);
      await fleet.followMaster();
      await span(200, 600);
      await fleet.revive(old, { replicaOf: fleet.master });
    },
  },
  {
    name: "failover",
    async harm({ fleet, span, nextToMaster }) {
      const [old, next] = [fleet.master, nextToMaster()];
      const { host, port } = fleet.announced(next);
      await fleet.insist(old, "FAILOVER", "TO", host, port, "TIMEOUT", 3000);
      await until(async () => {
        const state = (await fleet.server(old).info("replication")).get("master_failover_state");
        return state === undefined || state === "no-failover" ? true : `FAILOVER TO ${host}:${port}: ${state}`;
      }, SETTLED_MS);
      fleet.master = next;
      await span(200, 500);
    },
  },
  {
    // Nobody tells the old master for a while.
    name: "split-brain",
    keeps: "all",
    async harm({ fleet, span, replica }) {
      const old = fleet.master;
      await fleet.promote(replica());
      await span(50, 400);
      for (const place of fleet.replicas) if (place !== old) await fleet.follow(place, fleet.master);
      await span(300, 1500);
      await fleet.follow(old, fleet.master);
    },
  },
  {
    // A master that hung wakes up when another one has taken its place, and goes on as if nothing had been.
    name: "zombie-master",
    keeps: "all",
    async harm({ fleet, span }) {
      const old = fleet.master;
      fleet.server(old).pause();
      await span(300, 700);
      const heir = fleet.replicas[0] as number;
      await fleet.promote(heir);
      for (const place of fleet.replicas) if (place !== old) await fleet.follow(place, heir);
      await span(200, 800);
      fleet.server(old).resume();
      await span(300, 1000);
      await fleet.follow(old, heir);
    },
  },
  {
    // Promoted twice in a row: of the history before, nobody remembers the fork.
    name: "double-promotion",
    keeps: "all",
    async harm({ fleet, span }) {
      const old = fleet.master;
      const [first, second] = fleet.replicas as [number, number];
      await fleet.server(old).kill9();
      await fleet.promote(first);
      await fleet.follow(second, first);
      await span(300, 700);
      await fleet.server(first).kill9();
      await fleet.promote(second);
      await span(100, 400);
    },
  },
  {
    // Stopped replicas and closed links: of a link that stays open the kernel keeps what the master sends.
    name: "certain-loss",
    loses: true,
    async harm({ fleet, span }) {
      const old = fleet.master;
      const { replicas } = fleet;
      for (const place of replicas) fleet.server(place).pause();
      await fleet.command(old, "CLIENT", "KILL", "TYPE", "replica");
      await span(200, 500);
      await fleet.server(old).kill9();
      for (const place of replicas) fleet.server(place).resume();
      await fleet.promote(await fleet.heir());
      await span(0, 100);
      for (const place of fleet.replicas) if (place !== old) await fleet.follow(place, fleet.master);
      await span(200, 500);
    },
  },
];

/** The master comes back at its address, with all of its data, some, or none. */
export const restarts: readonly Nemesis[] = [
  {
    name: "restart-empty",
    keeps: "none",
    loses: true,
    async harm({ fleet, span }) {
      await fleet.server(fleet.master).kill9();
      await span(0, 300);
      await fleet.revive(fleet.master, { replicaOf: null });
      await span(300, 800);
    },
  },
  {
    name: "restart-rdb",
    async harm({ fleet, span }) {
      // It closes the connection instead of answering.
      await fleet.command(fleet.master, "SHUTDOWN", "SAVE").catch(() => undefined);
      await fleet.server(fleet.master).exited();
      await span(0, 300);
      await fleet.revive(fleet.master, { replicaOf: null, keep: true });
      await span(300, 600);
    },
  },
  {
    name: "restart-old-rdb",
    keeps: "none",
    loses: true,
    async harm({ fleet, span }) {
      await fleet.insist(fleet.master, "SAVE");
      await span(300, 600);
      await fleet.server(fleet.master).kill9();
      await span(0, 300);
      await fleet.revive(fleet.master, { replicaOf: null, keep: true });
      await span(300, 800);
    },
  },
  {
    name: "restart-aof",
    async harm(stage) {
      const { fleet, span } = stage;
      await withAof(stage);
      await span(200, 500);
      await fleet.server(fleet.master).kill9();
      await span(0, 300);
      await fleet.revive(fleet.master, { replicaOf: null, keep: true, args: ["--appendonly", "yes"] });
      await span(300, 800);
    },
  },
];

/** The log holds everything from the moment on when its first rewrite is done. */
async function withAof({ fleet, span }: Stage): Promise<void> {
  const server = fleet.server(fleet.master);
  await server.command("CONFIG", "SET", "appendonly", "yes");
  for (;;) {
    const info = await server.info("persistence");
    if (info.get("aof_rewrite_in_progress") === "0" && info.get("aof_rewrite_scheduled") === "0") return;
    await span(5, 10);
  }
}
