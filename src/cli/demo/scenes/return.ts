import { setTimeout as sleep } from "node:timers/promises";
import { buy, keepDoing } from "../shop.js";
import { count, nameOf, type Scene } from "./scene.js";

/** Longer than the interval of the client's polls (1 s): it must have met the old master and decided against it. */
const durationMs = 1800;

/** The old master comes back and still calls itself master. */
export const oldMasterReturns: Scene = {
  title: "The old master returns, as a master, and is not written to",
  async play({ client, nodes, state }) {
    const { master: old, first: current } = nodes;
    await old.restart();
    state.note(old, "back, says it is master");
    const errors: string[] = [];
    let purchases = 0;
    const buyers = keepDoing(6, 10, async () => {
      try {
        await buy({ reads: client, writes: client }, `order:return:${purchases++}`);
      } catch (error) {
        errors.push(nameOf(error));
      }
    });
    state.say(["customers go on buying"]);
    await sleep(durationMs);
    await buyers.stop();

    const role = (await old.info("replication")).get("role");
    const writesToOld = await old.calls("set", "hset", "decr");
    const keysOnOld = Number(await old.command("DBSIZE"));
    const writes = (await state.counts()).find((each) => each.node === current)?.writes ?? 0;
    const met = client.topology.nodes.some(
      (node) => node.id === old.id && node.role === "master" && node.health === "up",
    );
    state.say([
      `it says role:${role}, the client has ${met ? "met" : "NOT met"} it · ${count(writesToOld)} writes and ${count(keysOnOld)} keys there`,
      `${count(writes)} writes on the promoted one · ${errors.length} errors`,
    ]);
    return {
      held: role === "master" && met && writesToOld === 0 && keysOnOld === 0 && writes > 0 && errors.length === 0,
      figures: { role, met, writesToOld, keysOnOld, writes, errors },
    };
  },
};
