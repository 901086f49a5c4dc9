import { callsIn } from "../processes/info-fields.js";
import type { RedisProcess } from "../processes/redis-process.js";
import { inSync, startRedisTopology } from "../processes/redis-topology.js";
import type { PlainReply } from "../processes/resp-call.js";
import { LinkProxy } from "./link-proxy.js";
import type { Stage, StageNode, Undo } from "./stage.js";

/** Starts redis-server processes; resolves when they are in sync. */
export async function startRealStage(options: { replicas?: number; args?: readonly string[] } = {}): Promise<Stage> {
  return new RealStage((await startRedisTopology(options)).servers);
}

class RealNode implements StageNode {
  readonly process: RedisProcess;

  constructor(process: RedisProcess) {
    this.process = process;
  }

  get id(): string {
    return this.process.id;
  }

  get host(): string {
    return this.process.host;
  }

  get port(): number {
    return this.process.port;
  }

  command(...words: (string | number | Buffer)[]): Promise<PlainReply> {
    return this.process.command(...words);
  }

  info(section: string): Promise<Map<string, string>> {
    return this.process.info(section);
  }

  async calls(...commands: string[]): Promise<number> {
    return callsIn(await this.info("commandstats"), commands);
  }

  crash(): Promise<void> {
    return this.process.kill9();
  }

  restart(): Promise<void> {
    return this.process.restart({ replicaOf: null });
  }

  async hang(): Promise<Undo> {
    this.process.pause();
    return async () => {
      if (this.process.alive) this.process.resume();
    };
  }
}

class RealStage implements Stage {
  readonly kind = "real";
  readonly nodes: readonly [RealNode, ...RealNode[]];
  readonly options: { readonly master: string; readonly replicas: string[] };
  /** By replica: the relay between it and the master that it followed when the relay was made. */
  readonly #proxies = new Map<StageNode, LinkProxy>();

  constructor(servers: readonly RedisProcess[]) {
    const [master, ...replicas] = servers.map((server) => new RealNode(server));
    if (master === undefined) throw new Error("a stage has a master");
    this.nodes = [master, ...replicas];
    this.options = { master: master.process.url, replicas: replicas.map((replica) => replica.process.url) };
  }

  async lag(replica: StageNode, ms: number): Promise<Undo> {
    const proxy = await this.#relay(replica);
    proxy.delay(ms);
    return async () => proxy.delay(0);
  }

  async freeze(replica: StageNode): Promise<Undo> {
    const proxy = await this.#relay(replica);
    proxy.hold();
    return async () => proxy.release();
  }

  /**
   * The replicas are stopped, *and* their links are closed at the master: of a link that stays open the kernel keeps
   * what the master sends, and delivers it after the crash.
   */
  async isolate(master: StageNode): Promise<Undo> {
    const replicas = this.nodes.filter((node) => node.id !== master.id && node.process.alive);
    for (const replica of replicas) replica.process.pause();
    await master.command("CLIENT", "KILL", "TYPE", "replica");
    return async () => {
      for (const replica of replicas) if (replica.process.alive) replica.process.resume();
    };
  }

  async promote(node: StageNode): Promise<void> {
    await node.command("REPLICAOF", "NO", "ONE");
  }

  async follow(node: StageNode, master: StageNode): Promise<void> {
    await node.command("REPLICAOF", master.host, master.port);
  }

  async inSync(master: StageNode, replicas: readonly StageNode[]): Promise<void> {
    await inSync(master, replicas);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.process.stop()));
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.stop()));
    this.#proxies.clear();
  }

  /** Puts a relay into the replica's link, unless there is one; it goes on with a partial resync. */
  async #relay(replica: StageNode): Promise<LinkProxy> {
    const existing = this.#proxies.get(replica);
    if (existing !== undefined) return existing;
    const info = await replica.info("replication");
    const host = info.get("master_host");
    const port = Number(info.get("master_port"));
    const master = this.nodes.find((node) => node.port === port);
    if (host === undefined || master === undefined) throw new Error(`${replica.id} follows no server of this stage`);
    const proxy = await LinkProxy.start({ host, port });
    this.#proxies.set(replica, proxy);
    await replica.command("REPLICAOF", "127.0.0.1", proxy.port);
    await inSync(master, [replica], { relayPort: proxy.port });
    return proxy;
  }
}
