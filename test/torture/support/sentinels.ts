import { type RedisProcess, until } from "../../../src/cli/processes/redis-process.js";
import { startSentinel } from "../../support/real-redis.js";
import type { Network } from "./network.js";

type Address = { readonly host: string; readonly port: number };

/** The name under which they know the master. */
export const SENTINEL_NAME = "torture";
/** How many there are: two must agree, and two elect. */
export const SENTINELS = 3;

const QUORUM = 2;
const DOWN_AFTER_MS = 500;
/** A failover that got stuck is begun again after twice this. */
const FAILOVER_TIMEOUT_MS = 1500;
/** Of the log of one that ended, to be told. */
const LOG_CHARACTERS = 4000;
const ACQUAINTED_MS = 20_000;
/** Everything that Sentinels do at their leisure, in milliseconds: an old master that is back is told so after four of the second. */
const PERIODS = [
  // Replicas count as candidates for five of the third after they answered, and are asked once a second.
  ...["info-period", 500, "publish-period", 200, "ping-period", 300, "ask-period", 100],
  // One that stood still distrusts its clock for so long.
  ...["tilt-period", 300],
];

/** Sentinels that watch the servers of a run, and promote by themselves. Each has a host of its own, if there are any. */
export class Sentinels {
  private constructor(readonly processes: readonly RedisProcess[]) {}

  /** Starts them; resolves when each knows all replicas and all others. */
  static async start(
    master: Address,
    replicas: number,
    firstHost: number,
    network: Network | null,
  ): Promise<Sentinels> {
    const { host, port } = master;
    const started = await Promise.all(
      Array.from({ length: SENTINELS }, (_, i) =>
        startSentinel({
          masters: [{ name: SENTINEL_NAME, host, port }],
          quorum: QUORUM,
          downAfterMs: DOWN_AFTER_MS,
          failoverTimeoutMs: FAILOVER_TIMEOUT_MS,
          ...(network === null
            ? {}
            : { host: network.hostOf(firstHost + i), launcher: network.launcher(firstHost + i) }),
        }),
      ),
    );
    const sentinels = new Sentinels(started);
    for (const sentinel of started) await sentinel.command("SENTINEL", "DEBUG", ...PERIODS);
    await until(async () => {
      for (const sentinel of started) {
        const known = async (what: string): Promise<number> =>
          ((await sentinel.command("SENTINEL", what, SENTINEL_NAME)) as unknown[]).length;
        const [copies, others] = [await known("replicas"), await known("sentinels")];
        if (copies < replicas || others < SENTINELS - 1)
          return `a Sentinel knows ${copies} replicas and ${others} others`;
      }
      return true;
    }, ACQUAINTED_MS);
    return sentinels;
  }

  /** The master that all of them name; null while they differ. */
  async agreed(): Promise<Address | null> {
    const dead = this.processes.find((one) => !one.alive);
    if (dead !== undefined) throw new Error(`a Sentinel has ended: ${dead.log().slice(-LOG_CHARACTERS)}`);
    const named = await Promise.all(
      this.processes.map(async (one) => {
        const [host, port] = (await one.command("SENTINEL", "get-master-addr-by-name", SENTINEL_NAME)) as string[];
        return `${host}:${port}`;
      }),
    );
    if (new Set(named).size !== 1) return null;
    const [host = "", port] = (named[0] as string).split(":");
    return { host, port: Number(port) };
  }

  /** What one of them calls the master. */
  async word(of: number): Promise<string> {
    const [host, port] = (await this.at(of).command("SENTINEL", "get-master-addr-by-name", SENTINEL_NAME)) as string[];
    return `${host}:${port}`;
  }

  at(index: number): RedisProcess {
    return this.processes[index] as RedisProcess;
  }

  /** All that were stopped go on. */
  resume(): void {
    for (const one of this.processes) if (one.alive) one.resume();
  }

  async stop(): Promise<void> {
    this.resume();
    await Promise.all(this.processes.map((one) => one.stop()));
  }
}
