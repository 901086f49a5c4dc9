import { GlideClient } from "@valkey/valkey-glide";
import { versionOf } from "../versions.js";
import type { Peer, PeerModule, Servers } from "./peer.js";

async function connect({ master }: Servers): Promise<Peer> {
  const client = await GlideClient.createClient({
    addresses: [master],
    // Its default of 1000 refuses the widest setting of this benchmark now and then.
    inflightRequestsLimit: 10_000,
  });
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: async () => client.close(),
  };
}

export const glide: PeerModule = { version: versionOf("./node_modules/@valkey/valkey-glide/package.json"), connect };
