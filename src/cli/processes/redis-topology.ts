import { RedisProcess, until } from "./redis-process.js";

/** Real servers: one master and its replicas. */
export interface RedisTopology {
  readonly master: RedisProcess;
  readonly replicas: readonly RedisProcess[];
  /** The master first, as they were at the start. */
  readonly servers: readonly RedisProcess[];
  /** `{ master, replicas }` as URLs, for `new ReplicatedClient(…)`. */
  readonly options: { master: string; replicas: string[] };
  /** Waits until each replica has applied all that the master has written, with its link up. */
  inSync(): Promise<void>;
  /** Stops all of them. Idempotent. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a master and replicas at the same time; resolves when every replica is in sync.
 *
 * @param options.args directives for each of them
 * @param options.password `requirepass` and `masterauth` of all
 */
export async function startRedisTopology(
  options: { replicas?: number; args?: readonly string[]; password?: string } = {},
): Promise<RedisTopology> {
  const { replicas: count = 2, ...common } = options;
  const started = await Promise.allSettled(Array.from({ length: count + 1 }, () => RedisProcess.start(common)));
  const servers = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (const result of started) if (result.status === "rejected") throw result.reason;
    const [master, ...replicas] = servers;
    if (master === undefined) throw new Error("a topology has a master");
    // Told to follow only now: a replica that starts before its master tries again no sooner than a second later.
    await Promise.all(replicas.map((replica) => replica.command("REPLICAOF", master.host, master.port)));
    await inSync(master, replicas);
    return {
      master,
      replicas,
      servers,
      options: { master: master.url, replicas: replicas.map((replica) => replica.url) },
      inSync: () => inSync(master, replicas),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What {@link inSync} asks of a server. */
interface InfoSource {
  readonly id: string;
  readonly port: number;
  info(section: string): Promise<Map<string, string>>;
}

/**
 * Waits until each of the replicas follows this master and has applied all that it had written when asked.
 *
 * @param options.relayPort the port that the replicas follow if a relay stands between; default: the master's
 */
export async function inSync(
  master: InfoSource,
  replicas: readonly InfoSource[],
  options: { timeoutMs?: number; relayPort?: number } = {},
): Promise<void> {
  const { timeoutMs = 15_000, relayPort } = options;
  await until(async () => {
    const upstream = await master.info("replication");
    for (const replica of replicas) {
      const info = await replica.info("replication");
      if (relayPort !== undefined && info.get("master_port") !== String(relayPort))
        return `${replica.id} is not relayed`;
      if (info.get("master_link_status") !== "up")
        return `the link of ${replica.id} is ${info.get("master_link_status")}`;
      if (info.get("master_replid") !== upstream.get("master_replid")) return `${replica.id} has another history`;
      if (Number(info.get("slave_repl_offset")) < Number(upstream.get("master_repl_offset"))) {
        return `${replica.id} is at ${info.get("slave_repl_offset")} of ${upstream.get("master_repl_offset")}`;
      }
    }
    if (Number(upstream.get("connected_slaves")) < replicas.length) return `${master.id} misses a replica`;
    return true;
  }, timeoutMs);
}
