import { setTimeout as sleep } from "node:timers/promises";
import type { TopologyEvent } from "../../../index.js";
import type { StageNode } from "../../stage/stage.js";
import { keepDoing, viewProduct } from "../shop.js";
import { count, nameOf, type Scene } from "./scene.js";

/** So many acknowledged writes at least must be on the master alone before it dies. */
const doomedWrites = 25;
/** What whoever promotes the replica takes to notice, in milliseconds. */
const promotionDelayMs = 250;

type WritesLost = Extract<TopologyEvent, { type: "writesLost" }>;

/** Kills the master in mid-load so that acknowledged writes are lost for certain, and promotes a replica. */
export const crash: Scene = {
  title: "The master is killed in mid-load, with writes that no replica has; a replica is promoted",
  async play({ client, nodes, stage, state }) {
    const { master, first, second } = nodes;
    const orders = new Orders();
    const reported: WritesLost[] = [];
    const onTopology = (event: TopologyEvent): void => {
      if (event.type === "writesLost") reported.push(event);
    };
    client.on("topology", onTopology);

    const writers = keepDoing(12, 6, () => orders.write((key, value) => client.set(key, value)));
    const readErrors: string[] = [];
    const visitors = keepDoing(8, 10, () =>
      viewProduct({ reads: client, writes: client }).catch((error: unknown) => {
        readErrors.push(nameOf(error));
      }),
    );
    state.say(["orders are written, products are looked at"]);
    await sleep(500);

    const heal = await stage.isolate(master);
    const doomedFrom = orders.acked.size;
    while (orders.acked.size < doomedFrom + doomedWrites) await sleep(2);
    state.say([`${orders.acked.size - doomedFrom} orders are acknowledged that no replica has: the master is killed`]);
    const killedAt = performance.now();
    await master.crash();
    state.note(master, "killed");
    await heal();
    await sleep(promotionDelayMs);
    const promotedAt = performance.now();
    const firstAck = orders.nextAck();
    await stage.promote(first);
    await stage.follow(second, first);
    state.note(first, "promoted");
    const flowsAgainAt = await firstAck;
    const outageMs = Math.round(flowsAgainAt - killedAt);
    const afterPromotionMs = Math.round(flowsAgainAt - promotedAt);
    state.say([`writes flow again ${outageMs} ms after the kill, ${afterPromotionMs} ms after the promotion`]);

    await sleep(700);
    await Promise.all([writers.stop(), visitors.stop()]);
    client.off("topology", onTopology);

    const lost = await orders.missingOn(first);
    const min = reported.reduce((sum, event) => sum + event.count.min, 0);
    const max = reported.reduce((sum, event) => sum + event.count.max, 0);
    const named = new Set(reported.flatMap((event) => event.keys));
    const keysComplete = reported.every((event) => event.keysComplete);
    const lostAndNamed = lost.filter((key) => named.has(key)).length;
    const errors = [...orders.errors, ...readErrors];
    const range = min === max ? count(min) : `${count(min)} to ${count(max)}`;
    state.say([
      `writes flow again ${outageMs} ms after the kill, ${afterPromotionMs} ms after the promotion`,
      `${count(orders.acked.size)} writes acknowledged · ${orders.unknown} of unknown outcome, told so · ${errors.length} other errors`,
      `${count(lost.length)} acknowledged writes lost, counted by reading all back · reported as lost: ${range}, ` +
        `${lostAndNamed} of ${lost.length} by key`,
      ...[...new Set(errors)].slice(0, 3).map((error) => `error: ${error}`),
    ]);
    return {
      held:
        errors.length === 0 &&
        lost.length > 0 &&
        min <= lost.length &&
        lost.length <= max &&
        (!keysComplete || lostAndNamed === lost.length),
      figures: {
        outageMs,
        afterPromotionMs,
        acknowledged: orders.acked.size,
        unknownOutcomes: orders.unknown,
        errors,
        lost: lost.length,
        reported: { min, max, keys: named.size, keysComplete, lostAndNamed, events: reported.length },
      },
    };
  },
};

/** Writes each order once, under a key of its own, and remembers what was said about it. */
class Orders {
  readonly acked = new Map<string, string>();
  readonly errors: string[] = [];
  unknown = 0;
  #next = 0;
  #waiting: ((at: number) => void) | null = null;

  async write(set: (key: string, value: string) => Promise<unknown>): Promise<void> {
    const id = this.#next++;
    const key = `order:${id}`;
    const value = `placed ${id}`;
    try {
      await set(key, value);
      this.acked.set(key, value);
      this.#waiting?.(performance.now());
      this.#waiting = null;
    } catch (error) {
      if (nameOf(error) === "IOREPLICA_UNKNOWN_OUTCOME") this.unknown++;
      else this.errors.push(nameOf(error));
    }
  }

  /** When the next write from now on was acknowledged. */
  nextAck(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Keys of acknowledged orders that this server doesn't have, read past any client. */
  async missingOn(node: StageNode): Promise<string[]> {
    const keys = [...this.acked.keys()];
    const values = await node.command("MGET", ...keys);
    if (!Array.isArray(values)) throw new Error("MGET gave no list");
    return keys.filter((key, index) => values[index] !== this.acked.get(key));
  }
}
