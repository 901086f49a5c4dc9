import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { StageNode } from "../../stage/stage.js";
import { tableOf } from "../../table.js";
import { changeCart, keepDoing, type ShopConnections, viewProduct } from "../shop.js";
import { count, nameOf, percent, type Scene, type SceneContext } from "./scene.js";

const lagMs = 20;
const durationMs = 1500;

interface Tally {
  readonly name: string;
  ownReads: number;
  missed: number;
  reads: number;
  fromReplicas: number;
  errors: string[];
}

/** The same load over replicas that lag, through two plain connections and through one ReplicatedClient. */
export const ownWrites: Scene = {
  title: `The replicas fall ${lagMs} ms behind: does a customer see the own cart?`,
  async play(context) {
    const { client, nodes, stage, state } = context;
    const replicas = [nodes.first, nodes.second];
    const undo = await Promise.all(replicas.map((replica) => stage.lag(replica, lagMs)));
    for (const replica of replicas) state.note(replica, `${lagMs} ms behind`);

    const plain = await throughTwoConnections(context, nodes.first);
    state.say(table([plain]));
    await state.resetCounts();
    const replicated = await shopFor(context, "ReplicatedClient", { reads: client, writes: client });
    state.say(table([plain, replicated]));

    await Promise.all(undo.map((each) => each()));
    for (const replica of replicas) state.note(replica, "");
    await stage.inSync(nodes.master, replicas);
    const { ownReads, missed, fromReplicas, errors } = replicated;
    return {
      held: plain.missed > 0 && missed === 0 && ownReads > 0 && fromReplicas > 0 && errors.length === 0,
      figures: { lagMs, plain, replicated },
    };
  },
};

async function throughTwoConnections(context: SceneContext, replica: StageNode): Promise<Tally> {
  const { master } = context.nodes;
  const writes = new Redis(master.port, master.host);
  const reads = new Redis(replica.port, replica.host);
  try {
    return await shopFor(context, "two plain ioredis", { reads, writes });
  } finally {
    await Promise.all([writes.quit(), reads.quit()]);
  }
}

async function shopFor({ nodes, state }: SceneContext, name: string, shop: ShopConnections): Promise<Tally> {
  const tally: Tally = { name, ownReads: 0, missed: 0, reads: 0, fromReplicas: 0, errors: [] };
  let version = 0;
  const customers = keepDoing(12, 10, async (place) => {
    try {
      const seen = await changeCart(shop, `cart:${name}:${place}`, `version ${version++}`);
      tally.ownReads++;
      if (!seen) tally.missed++;
      await Promise.all([viewProduct(shop), viewProduct(shop), viewProduct(shop)]);
    } catch (error) {
      tally.errors.push(nameOf(error));
    }
  });
  await sleep(durationMs);
  await customers.stop();
  const counts = await state.counts();
  tally.reads = counts.reduce((sum, each) => sum + each.reads, 0);
  tally.fromReplicas = tally.reads - (counts.find((each) => each.node === nodes.master)?.reads ?? 0);
  return tally;
}

function table(tallies: readonly Tally[]): string[] {
  return tableOf(
    [
      { head: "" },
      { head: "reads of the own write", align: "right" },
      { head: "missed it", align: "right" },
      { head: "all reads", align: "right" },
      { head: "by replicas", align: "right" },
    ],
    tallies.map(({ name, ownReads, missed, reads, fromReplicas }) => [
      name,
      count(ownReads),
      `${count(missed)} (${percent(missed, ownReads)})`,
      count(reads),
      percent(fromReplicas, reads),
    ]),
  ).split("\n");
}
