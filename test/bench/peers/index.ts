import type { PeerModule } from "./peer.js";

/** Every peer by its name in the report, in the order of a round. Each is loaded only in its own process. */
export const peers = {
  "ioreplica session": async () => (await import("./ioreplica.js")).session,
  "ioreplica eventual": async () => (await import("./ioreplica.js")).eventual,
  ioredis: async () => (await import("./ioredis.js")).plain,
  "ioredis auto-pipelining": async () => (await import("./ioredis.js")).autoPipelining,
  "node-redis": async () => (await import("./node-redis.js")).nodeRedis,
  "valkey-glide": async () => (await import("./glide.js")).glide,
  "raw socket": async () => (await import("./raw-socket.js")).rawSocket,
} as const satisfies Record<string, () => Promise<PeerModule>>;

export type PeerName = keyof typeof peers;

/** What the ratios are taken against. */
export const baseline: PeerName = "ioredis";
