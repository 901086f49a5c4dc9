import { inspect } from "node:util";
import type { Redis } from "ioredis";
import { deferred } from "../../../core/deferred.js";
import { ClientClosedError } from "../../errors/kinds.js";
import { openRedis } from "../open-redis.js";
import type { DedicatedHost } from "./host.js";

/**
 * `monitor()` in ioredis's manner: an instance of its own on the master that emits `monitor` for every command
 * there. It stays with that node: whose commands one sees must not change unseen. `disconnect()` ends it.
 */
export class MonitorConnections {
  readonly #open = new Set<Redis>();
  #closed = false;

  constructor(private readonly host: DedicatedHost) {}

  /** Resolves when the server has begun to tell. */
  async open(): Promise<Redis> {
    if (this.#closed) throw new ClientClosedError({ command: "monitor" });
    const target = await this.host.master("monitor");
    const options = await this.host.openOptions(target);
    const began = deferred<void>();
    began.promise.catch(() => {});
    const { redis } = openRedis(
      { ...options, redis: { ...options.redis, monitor: true } },
      {
        ended: (error) => {
          began.reject(error ?? new Error("Connection is closed."));
          this.#open.delete(redis);
        },
      },
    );
    if (this.#closed) throw new ClientClosedError({ command: "monitor", node: target.node });
    this.#open.add(redis);
    const { clock } = this.host;
    const timer = clock.setTimer(
      () => began.reject(new Error(`no answer within ${this.host.options.heartbeatTimeoutMs} ms`)),
      this.host.options.redis.connectTimeout ?? 10_000,
      true,
    );
    redis.once("monitoring", () => began.resolve());
    redis.once("error", (error: Error) => began.reject(error));
    try {
      redis.connect().catch((error: Error) => began.reject(error));
      await began.promise;
    } catch (error) {
      redis.disconnect();
      this.#open.delete(redis);
      throw this.#closed ? new ClientClosedError({ command: "monitor", node: target.node }) : error;
    } finally {
      clock.clearTimer(timer);
    }
    hideSecrets(redis, target.node);
    return redis;
  }

  /** Ends all of them. */
  close(): void {
    this.#closed = true;
    this.end();
  }

  /** Ends those that there are; others may be opened. */
  end(): void {
    for (const redis of this.#open) redis.disconnect();
    this.#open.clear();
  }
}

/** The instance is handed out, never reconnects, and so needs its password no more. */
function hideSecrets(redis: Redis, node: string): void {
  const inner = redis as unknown as {
    options: { password?: unknown; tls?: unknown };
    condition: { auth?: unknown } | null;
  };
  if (inner.options.password) inner.options.password = "***";
  if (inner.options.tls) inner.options.tls = {};
  if (inner.condition?.auth) inner.condition.auth = "***";
  Object.defineProperty(redis, inspect.custom, { value: () => `Redis { monitor of ${node} }`, enumerable: false });
}
