import { setTimeout as sleep } from "node:timers/promises";
import { buy, keepDoing, viewProduct } from "../shop.js";
import { count, nameOf, percent, type Scene } from "./scene.js";

const durationMs = 2200;

/** Which node serves what: counted by the servers themselves. */
export const spread: Scene = {
  title: "Writes go to the master, reads are spread over the replicas",
  async play({ client, nodes, state }) {
    const shop = { reads: client, writes: client };
    const errors: string[] = [];
    let purchases = 0;
    const guarded = async (work: Promise<void>): Promise<void> => {
      await work.catch((error: unknown) => errors.push(nameOf(error)));
    };
    const visitors = keepDoing(24, 8, () => guarded(viewProduct(shop)));
    const buyers = keepDoing(3, 12, () => guarded(buy(shop, `order:spread:${purchases++}`)));
    state.say(["visitors look at products, customers buy"]);
    await sleep(durationMs);
    await Promise.all([visitors.stop(), buyers.stop()]);

    const counts = await state.counts();
    const reads = counts.reduce((sum, each) => sum + each.reads, 0);
    const of = (node: typeof nodes.master): number => counts.find((each) => each.node === node)?.reads ?? 0;
    const shares = [of(nodes.first) / reads, of(nodes.second) / reads];
    const writes = counts.find((each) => each.node === nodes.master)?.writes ?? 0;
    state.say([
      `${count(reads)} reads: ${percent(of(nodes.first), reads)} and ${percent(of(nodes.second), reads)} by the replicas, ` +
        `${percent(of(nodes.master), reads)} by the master`,
      `${count(writes)} writes, all by the master · ${errors.length} errors`,
    ]);
    return {
      held: errors.length === 0 && writes > 0 && shares.every((share) => share > 0.1),
      figures: {
        reads: Object.fromEntries(counts.map((each) => [each.node.id, each.reads])),
        writes,
        errors,
      },
    };
  },
};
