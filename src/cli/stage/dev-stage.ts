import { type DevServer, DevTopology, type FaultHandle } from "../../server/index.js";
import { callsIn, parseFields } from "../processes/info-fields.js";
import { inSync } from "../processes/redis-topology.js";
import { ErrorReplyError, type PlainReply, respCall } from "../processes/resp-call.js";
import type { Stage, StageNode, Undo } from "./stage.js";

/** Starts servers inside this process; resolves when they are in sync. */
export async function startDevStage(options: { replicas?: number } = {}): Promise<Stage> {
  return new DevStage(await DevTopology.start({ replicas: options.replicas ?? 2 }));
}

class DevNode implements StageNode {
  readonly server: DevServer;
  readonly host = "127.0.0.1";
  readonly port: number;

  constructor(server: DevServer) {
    this.server = server;
    this.port = server.port;
  }

  get id(): string {
    return `${this.host}:${this.port}`;
  }

  async command(...words: (string | number | Buffer)[]): Promise<PlainReply> {
    const [reply] = await respCall({ host: this.host, port: this.port }, [words], 10_000);
    if (reply instanceof ErrorReplyError) throw reply;
    return reply as PlainReply;
  }

  async info(section: string): Promise<Map<string, string>> {
    return parseFields(String(await this.command("INFO", section)));
  }

  async calls(...commands: string[]): Promise<number> {
    return callsIn(await this.info("commandstats"), commands);
  }

  crash(): Promise<void> {
    return this.server.crash();
  }

  restart(): Promise<void> {
    return this.server.restart({ data: "drop" });
  }

  async hang(): Promise<Undo> {
    return undoing(this.server.faults.hang());
  }
}

class DevStage implements Stage {
  readonly kind = "dev";
  readonly nodes: readonly [DevNode, ...DevNode[]];
  readonly options: { readonly master: string; readonly replicas: string[] };
  readonly #topology: DevTopology;
  /** By replica: the cut of its link to an isolated master. */
  readonly #cuts = new Map<DevServer, FaultHandle>();

  constructor(topology: DevTopology) {
    this.#topology = topology;
    this.nodes = [new DevNode(topology.master), ...topology.replicas.map((replica) => new DevNode(replica))];
    this.options = {
      master: topology.master.url,
      replicas: topology.replicas.map((replica) => replica.url),
    };
  }

  async lag(replica: StageNode, ms: number): Promise<Undo> {
    return undoing(this.#server(replica).faults.lag(ms));
  }

  async freeze(replica: StageNode): Promise<Undo> {
    return undoing(this.#server(replica).faults.freeze());
  }

  /**
   * What the master sent into the cut links would be delivered when they heal, even after its death, so then each cut
   * lasts until its replica has given the link up: by its promotion, or by following another master.
   */
  async isolate(master: StageNode): Promise<Undo> {
    const upstream = this.#server(master);
    for (const { server } of this.nodes) {
      if (server !== upstream) this.#cuts.set(server, server.faults.partition({ with: upstream }));
    }
    return async () => {
      if (upstream.running) for (const server of this.#cuts.keys()) this.#heal(server);
    };
  }

  async promote(node: StageNode): Promise<void> {
    const server = this.#server(node);
    await server.replicaOf(null);
    this.#heal(server);
  }

  async follow(node: StageNode, master: StageNode): Promise<void> {
    const server = this.#server(node);
    await server.replicaOf(master.host, master.port);
    this.#heal(server);
  }

  async inSync(master: StageNode, replicas: readonly StageNode[]): Promise<void> {
    await inSync(master, replicas);
  }

  async stop(): Promise<void> {
    await this.#topology.stop();
    await Promise.all(this.nodes.map((node) => node.server.stop()));
  }

  #heal(server: DevServer): void {
    this.#cuts.get(server)?.clear();
    this.#cuts.delete(server);
  }

  #server(node: StageNode): DevServer {
    const own = this.nodes.find((candidate) => candidate.id === node.id);
    if (own === undefined) throw new Error(`${node.id} is no server of this stage`);
    return own.server;
  }
}

function undoing(handle: { clear(): void }): Undo {
  return async () => handle.clear();
}
