import { ReplicatedClient } from "../../../src/index.js";
import { eventually } from "../../support/eventually.js";
import type { Fleet } from "./fleet.js";
import { SENTINEL_NAME } from "./sentinels.js";
import type { Named } from "./workload.js";

const COMMON = {
  pollIntervalMs: 100,
  heartbeatTimeoutMs: 400,
  arbitrationMs: 800,
  failoverTimeoutMs: 10_000,
};
const WELL_MS = 15_000;

/** Clients of every kind of acquaintance: through the proxies, by all addresses, and by one that tells the others. */
export async function openClients(fleet: Fleet): Promise<Named[]> {
  const [master = "", ...replicas] = fleet.places.map((place) => url(fleet.reached(place, "front")));
  const direct = fleet.places.map((place) => url(fleet.reached(place, "direct")));
  const common = { ...COMMON, ...(fleet.setUp.tls ? { redisOptions: { tls: { ca: fleet.ca } } } : {}) };
  const sentinels = fleet.setUp.sentinels
    ? { sentinels: fleet.sentinels.processes.map(({ host, port }) => ({ host, port })), name: SENTINEL_NAME }
    : null;
  const made: Named[] = [
    {
      name: "proxied",
      client: new ReplicatedClient({
        ...common,
        ...(sentinels ?? { master, replicas }),
        natMap: fleet.natMap("front"),
      }),
    },
    // Of Sentinels it does not know.
    { name: "direct", client: new ReplicatedClient({ ...common, nodes: direct, natMap: fleet.natMap("direct") }) },
    {
      name: "seeded",
      client: new ReplicatedClient({
        ...common,
        ...(sentinels ?? { master: direct[fleet.master] as string }),
        natMap: fleet.natMap("direct"),
      }),
    },
  ];
  for (const { client } of made) client.on("error", () => undefined);
  await well(made, fleet);
  return made;
}

/** Waits until every client writes to the master and could read from every replica; the words say who does not. */
export async function well(clients: readonly Named[], fleet: Fleet): Promise<void> {
  await Promise.all(
    clients.map(async ({ name, client }) => {
      const address = fleet.reached(fleet.master, name === "proxied" ? "front" : "direct");
      const expected = `${address.host}:${address.port}`;
      const view = client.with({ readFrom: "replica", maxStalenessMs: 2 ** 31 - 1 });
      await eventually(
        () => {
          const { master, state } = client.topology;
          const { node, others } = view.explain("GET", "a key that nobody wrote");
          const able = (node === null ? 0 : 1) + others.filter(({ reason }) => reason === "could serve it too").length;
          if (state !== "stable" || master?.id !== expected || able < fleet.replicas.length)
            throw new Error(
              `${name}: ${state}, master ${master?.id ?? "none"} for ${expected}, ${able} replicas serve: ${others.map((one) => `${one.node} ${one.reason}`).join("; ")}`,
            );
        },
        { timeoutMs: WELL_MS, intervalMs: 20 },
      );
      await client.set(`alive:${name}`, "1").catch((error: Error) => {
        throw new Error(`${name} does not write: ${error.message}; it says ${JSON.stringify(client.health())}`);
      });
    }),
  );
}

function url({ host, port }: { readonly host: string; readonly port: number }): string {
  return `redis://${host}:${port}`;
}
