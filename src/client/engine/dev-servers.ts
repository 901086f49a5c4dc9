import { resolveOptions } from "../options/resolve.js";
import type { NodeSource, SeedNode } from "../options/resolved.js";

/** The module of the dev servers: named as a type only, so that an application in production never loads it. */
export type DevTopology = Awaited<ReturnType<typeof import("../../server/index.js")["DevTopology"]["start"]>>;

/** The in-process servers behind `{ dev }`: started once, shared by views and duplicates, stopped with the last. */
export class DevServers {
  #topology: Promise<DevTopology> | null = null;

  constructor(private readonly options: Extract<NodeSource, { kind: "dev" }>) {}

  /** The running servers; starts them at the first call. */
  get topology(): Promise<DevTopology> {
    this.#topology ??= import("../../server/index.js").then(({ DevTopology }) => {
      const { replicas, lagMs, port } = this.options;
      return DevTopology.start({ replicas, lagMs, port });
    });
    return this.#topology;
  }

  /** Where they listen. */
  async start(): Promise<readonly SeedNode[]> {
    const { options } = await this.topology;
    return resolveOptions({ master: options.master, replicas: options.replicas }).seeds;
  }

  async stop(): Promise<void> {
    const topology = await this.#topology?.catch(() => null);
    await topology?.stop();
  }
}
