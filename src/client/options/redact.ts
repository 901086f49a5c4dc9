import type { RedisOptions } from "../connection/ioredis-types.js";
import { redacted } from "./freeze.js";
import type { ResolvedOptions } from "./resolved.js";

/**
 * The public `options` of a client: ioredis's shape, for libraries that look there (`db`, `keyPrefix`,
 * `maxRetriesPerRequest`), with `***` for every secret. A fresh object each time; changing it changes nothing.
 */
export function redactedRedisOptions(options: ResolvedOptions): RedisOptions {
  const first = options.seeds[0]?.address;
  const shown = redacted({
    ...options.redis,
    ...(options.source.kind === "sentinels" ? sentinelPart(options.source) : {}),
  }) as RedisOptions;
  const place =
    first === undefined ? {} : "path" in first ? { path: first.path } : { host: first.host, port: first.port };
  return {
    ...shown,
    ...place,
    db: options.db,
    lazyConnect: options.lazyConnect,
    // What the client does, in ioredis's words: commands wait for a master and are not counted out.
    maxRetriesPerRequest: null,
    enableOfflineQueue: true,
    enableReadyCheck: true,
    autoResubscribe: true,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: false,
  } as RedisOptions;
}

function sentinelPart(source: Extract<ResolvedOptions["source"], { kind: "sentinels" }>): Record<string, unknown> {
  return {
    sentinels: source.sentinels,
    name: source.name,
    ...(source.username === null ? {} : { sentinelUsername: source.username }),
    ...(source.password === null ? {} : { sentinelPassword: source.password }),
    updateSentinels: source.updateSentinels,
  };
}
