import { afterEach, expect, it } from "vitest";
import { type Random, seededRandom } from "../../../src/core/random.js";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, RedisProcess, startRedis } from "../../support/real-redis.js";
import { Relay } from "../../support/relay.js";
import { randomWrites, run } from "./load.js";
import { ask, expectEqual, expectNoComplaint, info, type Node } from "./nodes.js";

type Kind = "dev" | "real";

/** A chain of servers, each a replica of the one before it, over links that can be cut. */
interface Chain {
  readonly nodes: readonly Node[];
  readonly links: readonly Relay[];
}

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind: Kind, port: number | null): Promise<Node> {
  const replicaOf = port === null ? {} : { replicaOf: { host: "127.0.0.1", port } };
  const node =
    kind === "dev"
      ? await DevServer.start({ seed: 5, config: { "repl-backlog-size": "20mb" }, ...replicaOf })
      : await startRedis({ args: ["--repl-backlog-size", "20mb"], ...replicaOf });
  started.push(node);
  return node;
}

async function startChain(kinds: readonly Kind[]): Promise<Chain> {
  const nodes: Node[] = [];
  const links: Relay[] = [];
  for (const kind of kinds) {
    const above = nodes.at(-1);
    const link = above ? await Relay.start(above.port) : null;
    if (link) {
      links.push(link);
      started.push(link);
    }
    const node = await start(kind, link?.port ?? null);
    nodes.push(node);
    // A sub-replica is refused until the one above it is linked; waiting keeps the number of full resyncs at one each.
    if (link) await eventually(async () => expect((await info(node)).get("master_link_status")).toBe("up"));
  }
  return { nodes, links };
}

/** Breaks a link somewhere, in one of the ways that links break. */
async function breakOne({ nodes, links }: Chain, random: Random): Promise<void> {
  const at = random.int(links.length);
  const [above, below, link] = [nodes[at] as Node, nodes[at + 1] as Node, links[at] as Relay];
  switch (random.int(5)) {
    case 0:
      return link.cut();
    case 1:
      return link.cut(1 + random.int(3000));
    case 2:
      await ask(above, "CLIENT", "KILL", "TYPE", "replica");
      return;
    case 3:
      await ask(below, "CLIENT", "KILL", "TYPE", "master");
      return;
    default:
      if (below instanceof DevServer) below.faults.dropConnections();
      else link.cut(random.int(50));
  }
}

async function count(node: Node, field: string): Promise<number> {
  return Number((await info(node, "stats")).get(field));
}

const chains: readonly (readonly Kind[])[] = [
  ["dev", "real"],
  ["real", "dev"],
  ["real", "dev", "real"],
  ["dev", "real", "dev"],
  ["dev", "dev", "real", "dev"],
];

describeReal("links that are cut at random under load", () => {
  it.each(chains.map((kinds, i) => [kinds.join(", "), i, kinds] as const))(
    "cost no write and no full resync: %s",
    async (_, seed, kinds) => {
      const chain = await startChain(kinds);
      const { nodes, links } = chain;
      const root = nodes[0] as Node;
      const random = seededRandom(100 + seed);
      let writing = true;
      const written = run(root.port, randomWrites(200 + seed, 8000, true)).finally(() => {
        writing = false;
      });
      let breaks = 0;
      while (writing || breaks < 10) {
        await breakOne(chain, random);
        breaks++;
        // The next break comes when this one is over, or in the midst of it.
        if (random.int(3) > 0)
          await eventually(async () => {
            for (const node of nodes.slice(1)) expect((await info(node)).get("master_link_status")).toBe("up");
          });
      }
      await written;
      await expectEqual(root, ...nodes.slice(1));
      for (const node of nodes.slice(0, -1)) expect(await count(node, "sync_full")).toBe(1);
      let resumed = 0;
      for (const node of nodes) resumed += await count(node, "sync_partial_ok");
      expect(resumed).toBeGreaterThan(0);
      expect(links.some((link) => link.cuts > 0)).toBe(true);
      for (const node of nodes) if (node instanceof RedisProcess) expectNoComplaint(node);
    },
    60_000,
  );
});
