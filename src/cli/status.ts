import pc from "picocolors";
import { type NodeDescription, ReplicatedClient } from "../index.js";
import { tableOf } from "./table.js";
import { clientOptions, type TargetFlags } from "./target/flags.js";

/** How long a node may take to be told from one that hangs; longer than the default heartbeat timeout. */
const askedWithinMs = 2000;

/**
 * Shows a topology as the client sees it.
 *
 * @param urls any of its nodes; the others are discovered
 * @returns the exit code: 0 if there is one master and every node is up, 1 if not, 2 if there is no master to be found
 */
export async function runStatus(urls: readonly string[], options: TargetFlags & { json: boolean }): Promise<number> {
  const client = new ReplicatedClient({ ...clientOptions(urls, options), lazyConnect: true });
  client.on("error", () => {});
  try {
    await client.connect();
    await allAsked(client);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  } finally {
    if (client.status !== "ready") client.disconnect();
  }
  const { topology } = client;
  await client.quit();
  if (options.json) process.stdout.write(`${JSON.stringify(topology, null, 2)}\n`);
  else process.stdout.write(`${nodesTable(topology.nodes)}\n${topology.state}\n`);
  return topology.state === "stable" && topology.nodes.every((node) => node.health === "up") ? 0 : 1;
}

/** Resolves when every node, the discovered ones too, has said what it is or has failed to: at `connect()` only a master has. */
function allAsked(client: ReplicatedClient): Promise<void> {
  const open = () => client.topology.nodes.some((node) => node.health === "connecting");
  return new Promise((resolve) => {
    const look = () => {
      if (open()) return;
      clearTimeout(timer);
      client.off("topology", look);
      resolve();
    };
    // A node that neither answers nor refuses is shown as connecting.
    const timer = setTimeout(() => {
      client.off("topology", look);
      resolve();
    }, askedWithinMs);
    client.on("topology", look);
    look();
  });
}

function nodesTable(nodes: readonly NodeDescription[]): string {
  return tableOf(
    [
      { head: "node" },
      { head: "role" },
      { head: "health" },
      { head: "offset", align: "right" },
      { head: "behind", align: "right" },
      { head: "round trip", align: "right" },
    ],
    nodes.map((node) => [
      node.id,
      node.role,
      node.health === "up" ? pc.green("up") : pc.red(`${node.health} ${node.reason ?? ""}`.trim()),
      String(node.offset ?? "–"),
      node.lagBytes === null ? "–" : `${node.lagBytes} bytes`,
      node.latencyMs === null ? "–" : `${node.latencyMs.toFixed(2)} ms`,
    ]),
  );
}
