import type { RedisOptions } from "../connection/ioredis-types.js";
import { InvalidOptionError } from "../errors.js";

/** What a duplicate has of its own; everything else it shares with its origin. */
export interface DuplicateOptions {
  /** Number of the database. */
  readonly db: number;
  readonly keyPrefix: RedisOptions["keyPrefix"];
}

/** ioredis options that mean nothing here, or what this client does anyway; libraries set them on duplicates. */
const NEUTRAL = new Set([
  "maxRetriesPerRequest",
  "enableReadyCheck",
  "enableOfflineQueue",
  "enableAutoPipelining",
  "autoResubscribe",
  "autoResendUnfulfilledCommands",
  "retryStrategy",
  "reconnectOnError",
  "lazyConnect",
  "connectionName",
]);

/**
 * What `duplicate(override)` asks for, on top of what its origin has now. Connections are shared, so nothing that
 * concerns them can differ.
 * @throws InvalidOptionError that names the option
 */
export function duplicateOptions(
  override: Partial<RedisOptions> | undefined,
  db: number,
  keyPrefix: RedisOptions["keyPrefix"],
): DuplicateOptions {
  const own = { db, keyPrefix };
  for (const [name, value] of Object.entries(override ?? {})) {
    if (value === undefined || NEUTRAL.has(name)) continue;
    if (name === "db") {
      if (!Number.isInteger(value) || (value as number) < 0)
        throw new InvalidOptionError("db", `must be the number of a database; got ${JSON.stringify(value)}`);
      own.db = value as number;
    } else if (name === "keyPrefix") {
      if (typeof value !== "string" && !Buffer.isBuffer(value))
        throw new InvalidOptionError("keyPrefix", `must be a string or a Buffer; got ${typeof value}`);
      own.keyPrefix = value as string;
    } else {
      throw new InvalidOptionError(
        name,
        "can't be given to duplicate(), which shares the connections of its origin: make a new ReplicatedClient",
      );
    }
  }
  return own;
}
