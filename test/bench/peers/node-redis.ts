import { createClient } from "redis";
import { versionOf } from "../versions.js";
import type { Peer, PeerModule, Servers } from "./peer.js";

async function connect({ master }: Servers): Promise<Peer> {
  const client = createClient({ socket: { host: master.host, port: master.port } });
  await client.connect();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.close(),
  };
}

export const nodeRedis: PeerModule = { version: versionOf("./node_modules/redis/package.json"), connect };
