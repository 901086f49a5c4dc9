import Table from "cli-table3";
import pc from "picocolors";
import { DevTopology } from "../server/index.js";

/** What `ioreplica dev` takes. */
export interface DevCommandOptions {
  readonly replicas: number;
  /** Of the master; 0 takes a free one, as the replicas do. */
  readonly port: number;
  readonly lagMs: number;
  readonly password?: string;
}

/** Runs a master and replicas in this process until it is told to end (Ctrl-C, SIGTERM). */
export async function runDev(options: DevCommandOptions): Promise<void> {
  const topology = await DevTopology.start(options);
  const table = new Table({
    head: ["role", "address"],
    style: { head: [], border: pc.isColorSupported ? ["dim"] : [], compact: true },
  });
  for (const server of topology.servers) table.push([server.role, `${server.host}:${server.port}`]);
  process.stdout.write(`${table.toString()}\n${pc.dim("Ctrl-C ends them.")}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await topology.stop();
}
