import { Redis } from "ioredis";
import { versionOf } from "../versions.js";
import type { Peer, PeerModule, Servers } from "./peer.js";

async function connect(servers: Servers, enableAutoPipelining: boolean): Promise<Peer> {
  const client = new Redis({ ...servers.master, enableAutoPipelining });
  await client.ping();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: async () => {
      await client.quit();
    },
  };
}

const version = versionOf("../../node_modules/ioredis/package.json");

/** What every ratio is taken against. */
export const plain: PeerModule = { version, connect: (servers) => connect(servers, false) };

export const autoPipelining: PeerModule = { version, connect: (servers) => connect(servers, true) };
