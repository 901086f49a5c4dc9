import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import { ReplicatedClient } from "../../index.js";
import { startDevStage } from "../stage/dev-stage.js";
import { startRealStage } from "../stage/real-stage.js";
import type { Stage } from "../stage/stage.js";
import { DemoState } from "./demo-state.js";
import { crash } from "./scenes/crash.js";
import { ownWrites } from "./scenes/own-writes.js";
import { oldMasterReturns } from "./scenes/return.js";
import { nameOf, type Scene, type SceneContext, type SceneResult } from "./scenes/scene.js";
import { spread } from "./scenes/spread.js";
import { openScreen } from "./screen.js";
import { openShop } from "./shop.js";

const scenes: readonly Scene[] = [spread, ownWrites, crash, oldMasterReturns];

/** The demo takes about ten seconds; something is broken if it hasn't ended by then. */
const limitMs = 28_000;

/**
 * A shop on one master and two replicas, in four scenes.
 *
 * @param options.real redis-server processes instead of servers in this process
 * @param options.json only the figures, as JSON
 * @returns the exit code: 0 only if every promise held
 */
export async function runDemo(options: { real: boolean; json: boolean }): Promise<number> {
  const limit = setTimeout(() => {
    process.stderr.write(`\u001b[?25hthe demo has not ended within ${limitMs / 1000} s\n`);
    process.exit(1);
  }, limitMs);
  const stage = options.real ? await startRealStage({ replicas: 2 }) : await startDevStage({ replicas: 2 });
  const [master, first, second] = stage.nodes;
  if (first === undefined || second === undefined) throw new Error("the demo needs two replicas");
  const client = new ReplicatedClient({ ...stage.options });
  // What a person must act on is shown by the scene that fails of it.
  client.on("error", () => {});
  const state = new DemoState(stage, openScreen(process.stdout, options.json), {
    subtitle: `a shop on one master and two replicas · ${options.real ? "redis-server processes" : "servers in this process"}`,
    titles: scenes.map((scene) => scene.title),
    writableId: () => client.topology.master?.id ?? null,
  });
  const giveUp = (): void => {
    state.close();
    process.exit(130);
  };
  process.once("SIGINT", giveUp);
  try {
    await openShop(client);
    await stage.inSync(master, [first, second]);
    await inRotation(client, stage);
    const results = await playAll({ stage, nodes: { master, first, second }, client, state });
    state.close();
    const held = results.length === scenes.length && results.every((result) => result.held);
    if (options.json) {
      const report = results.map((result, index) => ({ title: scenes[index]?.title, ...result }));
      process.stdout.write(`${JSON.stringify({ held, scenes: report }, null, 2)}\n`);
    } else {
      process.stdout.write(held ? pc.green("  All four held.\n\n") : pc.red("  Not all of it held.\n\n"));
    }
    return held ? 0 : 1;
  } finally {
    state.close();
    process.off("SIGINT", giveUp);
    await client.quit().catch(() => client.disconnect());
    await stage.stop();
    clearTimeout(limit);
  }
}

async function playAll(context: SceneContext): Promise<SceneResult[]> {
  const results: SceneResult[] = [];
  for (const scene of scenes) {
    await context.state.beginScene();
    let result: SceneResult;
    try {
      result = await scene.play(context);
    } catch (error) {
      context.state.say([`stopped by an error: ${nameOf(error)}`]);
      result = { held: false, figures: { error: nameOf(error) } };
    }
    results.push(result);
    await context.state.endScene(result.held);
    // The later scenes stand on the earlier ones.
    if (!result.held) break;
  }
  return results;
}

/** Waits until the client has both replicas in use: the first scene counts how reads are spread over them. */
async function inRotation(client: ReplicatedClient, stage: Stage): Promise<void> {
  while (client.topology.replicas.filter((replica) => replica.health === "up").length < stage.nodes.length - 1) {
    await sleep(10);
  }
}
