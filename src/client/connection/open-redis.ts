import type { Socket } from "node:net";
import { Redis, type RedisOptions } from "ioredis";
import { connectorClass, type SocketOptions, type SocketWatcher } from "./connector.js";
import type { SocketBatch } from "./socket-batch.js";

/** What one ioredis instance, that is one connection generation, is opened with. */
export interface OpenOptions extends SocketOptions {
  /** ioredis options of the application that pass through: username, password, db, protocol, … */
  readonly redis: Readonly<Partial<RedisOptions>>;
  /** Shown by CLIENT LIST, if the application named none. */
  readonly connectionName?: string;
}

/** An ioredis instance that was opened once and will never reconnect, with the socket below it. */
export interface OpenedRedis {
  readonly redis: Redis;
  /** Null until `connect()` was called. */
  readonly socket: () => Socket | null;
  readonly batch: () => SocketBatch | null;
}

/**
 * What an instance must not do by itself: reconnect, send again, subscribe again, queue while it isn't
 * connected, or wait for a server that loads. Each of these would hide what routing must know; sending again
 * applied INCR twice in 47 of 47 cut replies.
 */
const ONE_GENERATION = {
  retryStrategy: null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableReadyCheck: false,
  enableAutoPipelining: false,
  lazyConnect: true,
  reconnectOnError: null,
} as const;

const AnyRedis = Redis as unknown as new (options: object) => Redis;

/** Options of the application that the generation's owner applies itself, or that belong to the façade. */
const OWNED = [
  "keyPrefix",
  "commandTimeout",
  "socketTimeout",
  "blockingTimeout",
  "connectTimeout",
  "scripts",
  "host",
  "port",
  "path",
  "family",
] as const;

/**
 * Makes one ioredis instance for one connection generation. It opens no socket before `connect()`.
 * The cast is here and nowhere else: ioredis's option type does not know `exactOptionalPropertyTypes`.
 */
export function openRedis(options: OpenOptions, watcher?: Partial<SocketWatcher>): OpenedRedis {
  let socket: Socket | null = null;
  let batch: SocketBatch | null = null;
  const passed: Record<string, unknown> = { ...options.redis };
  for (const name of OWNED) delete passed[name];
  const Connector = connectorClass(options, {
    opened(openedSocket, openedBatch) {
      socket = openedSocket;
      batch = openedBatch;
      watcher?.opened?.(openedSocket, openedBatch);
    },
    ended: (error) => watcher?.ended?.(error),
  });
  const redis = new AnyRedis({
    connectionName: options.connectionName,
    ...passed,
    ...("host" in options.endpoint
      ? { host: options.endpoint.host, port: options.endpoint.port }
      : { path: options.endpoint.path }),
    ...(options.tls ? { tls: options.tls } : { tls: undefined }),
    ...ONE_GENERATION,
    connectTimeout: 0,
    Connector,
  });
  // Without a listener ioredis prints; whoever opened the generation learns of its end by `ended`.
  redis.on("error", () => {});
  return { redis, socket: () => socket, batch: () => batch };
}
