import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { hasRedisServer, RedisProcess, type RedisProcessOptions } from "../../src/cli/processes/redis-process.js";

export { freePort } from "../../src/cli/processes/free-port.js";
export { RedisProcess, type RedisProcessOptions } from "../../src/cli/processes/redis-process.js";
export { inSync, type RedisTopology, startRedisTopology } from "../../src/cli/processes/redis-topology.js";
export { respCall } from "../../src/cli/processes/resp-call.js";

/** Starts a redis-server of its own on a free port; resolves when it is ready. */
export function startRedis(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  return RedisProcess.start(options);
}

/** What a Sentinel watches, and how impatient it is. */
export interface SentinelOptions {
  masters: readonly { name: string; host: string; port: number; password?: string }[];
  /** How many Sentinels must agree that a master is down; default 1. */
  quorum?: number;
  /** Default 1000. */
  downAfterMs?: number;
  /** Default 5000. */
  failoverTimeoutMs?: number;
  port?: number;
  /** The address it listens on; default 127.0.0.1. */
  host?: string;
  /** Words before its command line that run it elsewhere. */
  launcher?: readonly string[];
  /** Lines added to its configuration file. */
  config?: readonly string[];
}

/** Starts one Sentinel process; several are started by several calls with the same masters. */
export function startSentinel(options: SentinelOptions): Promise<RedisProcess> {
  const { masters, quorum = 1, downAfterMs = 1000, failoverTimeoutMs = 5000, config = [], ...place } = options;
  const { host: own = "127.0.0.1" } = place;
  const lines = masters.flatMap(({ name, host, port, password }) => [
    `sentinel monitor ${name} ${host} ${port} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
  ]);
  return RedisProcess.startSentinel((dir) => {
    const path = join(dir, "sentinel.conf");
    writeFileSync(path, `${[`bind ${own}`, ...lines, ...config].join("\n")}\n`);
    return path;
  }, place);
}

/**
 * A suite that needs a real redis-server. Where none is installed it says so loudly and is left out; with
 * `REQUIRE_REDIS=1` its absence is a failure, so that no pipeline passes without it.
 */
export function describeReal(name: string, suite: () => void): void {
  if (hasRedisServer()) {
    describe(name, suite);
    return;
  }
  if (process.env["REQUIRE_REDIS"] === "1") throw new Error(`"${name}" needs redis-server, and none is on the PATH`);
  process.stderr.write(`\n!!! NOT RUN, no redis-server on the PATH: ${name}\n`);
  describe.skip(name, suite); // No server to run it on, which was said above; REQUIRE_REDIS=1 makes that a failure.
}
