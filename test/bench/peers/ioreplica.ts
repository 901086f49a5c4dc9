import { ReplicatedClient } from "../../../dist/index.js";
import { versionOf } from "../versions.js";
import type { Peer, PeerModule, Servers } from "./peer.js";

async function connect(servers: Servers, consistency: "session" | "eventual"): Promise<Peer> {
  const client = new ReplicatedClient({ master: servers.master, replicas: [...servers.replicas], consistency });
  await client.ping();
  // Measured is the steady state with both replicas in rotation, which is reached within a few polls.
  const deadline = performance.now() + 10_000;
  while (client.topology.replicas.filter((replica) => replica.health === "up").length < servers.replicas.length) {
    if (performance.now() > deadline) throw new Error("not every replica came into rotation");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: async () => {
      await client.quit();
    },
  };
}

const version = versionOf("../../package.json");

/** The default: every read is verified by a fence. */
export const session: PeerModule = { version, connect: (servers) => connect(servers, "session") };

export const eventual: PeerModule = { version, connect: (servers) => connect(servers, "eventual") };
