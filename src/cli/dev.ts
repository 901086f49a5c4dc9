import pc from "picocolors";
import { DevTopology } from "../server/index.js";
import { tableOf } from "./table.js";

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
  const table = tableOf(
    [{ head: "role" }, { head: "address" }],
    topology.servers.map((server) => [server.role, `${server.host}:${server.port}`]),
  );
  process.stdout.write(`${table}\n${pc.dim("Ctrl-C ends them.")}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await topology.stop();
}
