import Table from "cli-table3";
import pc from "picocolors";
import { type NodeDescription, ReplicatedClient } from "../index.js";

/**
 * Shows a topology as the client sees it.
 *
 * @param urls any of its nodes; the others are discovered
 * @returns the exit code: 0 if there is one master and every node is up
 */
export async function runStatus(urls: readonly string[], options: { json: boolean }): Promise<number> {
  const client = new ReplicatedClient({ nodes: urls, lazyConnect: true });
  client.on("error", () => {});
  try {
    await client.connect();
    // A ping of the master behind the first polls of all nodes: what they said has come in by then.
    await client.ping();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    if (client.status !== "ready") client.disconnect();
  }
  const { topology } = client;
  await client.quit();
  if (options.json) process.stdout.write(`${JSON.stringify(topology, null, 2)}\n`);
  else process.stdout.write(`${tableOf(topology.nodes)}\n${topology.state}\n`);
  return topology.state === "stable" && topology.nodes.every((node) => node.health === "up") ? 0 : 1;
}

function tableOf(nodes: readonly NodeDescription[]): string {
  const table = new Table({
    head: ["node", "role", "health", "offset", "behind", "round trip"],
    style: { head: [], border: pc.isColorSupported ? ["dim"] : [], compact: true },
    colAligns: ["left", "left", "left", "right", "right", "right"],
  });
  for (const node of nodes) {
    const health = node.health === "up" ? pc.green("up") : pc.red(`${node.health} ${node.reason ?? ""}`.trim());
    table.push([
      node.id,
      node.role,
      health,
      node.offset ?? "–",
      node.lagBytes === null ? "–" : `${node.lagBytes} bytes`,
      node.latencyMs === null ? "–" : `${node.latencyMs.toFixed(2)} ms`,
    ]);
  }
  return table.toString();
}
