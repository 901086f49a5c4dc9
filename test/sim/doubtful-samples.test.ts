import { expect, it } from "vitest";
import type { ReplicatedClient } from "../../src/index.js";
import type { DevServer } from "../../src/server/dev-server.js";
import { World } from "./support/world.js";

const BOUND_MS = 1000;

/** A world in which one client reads with a bound on staleness, all the time, until it knows of a second master. */
async function contested(): Promise<{
  world: World;
  client: ReplicatedClient;
  stalenessMs: () => number;
  cutAt: number;
}> {
  const world = await World.start(1);
  const client = world.client(0, { arbitrationMs: 5000 });
  await world.settle(client.connect());
  const fresh = client.with({ maxStalenessMs: BOUND_MS });
  const read = (): void => {
    void fresh.get("k").catch(() => undefined);
    world.clock.setTimer(read, 50);
  };
  read();
  await world.run(() => false, 500);
  // It does not see the promotion for a while; the other replica goes on following the old master.
  const cutAt = world.clock.now();
  const [, promoted] = world.servers;
  world.weather.cut.set(`10.0.1.0>${promoted?.host}`, cutAt + 600);
  world.weather.cut.set(`${promoted?.host}>10.0.1.0`, cutAt + 600);
  await world.settle(promoted?.replicaOf(null) ?? Promise.resolve());
  const late = world.servers[2];
  const stalenessMs = (): number =>
    client.topology.nodes.find(({ host }) => host === late?.host)?.stalenessMs ?? Number.POSITIVE_INFINITY;
  return { world, client, stalenessMs, cutAt };
}

// Since the promotion somebody may have written to the new master: that a replica has all that the old one had later
// says nothing of its age.
it("what the old master said since the other may have been written to makes no replica of it fresh", async () => {
  const { world, client, stalenessMs, cutAt } = await contested();
  await world.run(() => false, 400);
  expect(stalenessMs()).toBeLessThan(BOUND_MS / 2);
  expect(await world.run(() => client.topology.state === "splitBrain", 1000)).toBe(true);
  expect(stalenessMs()).toBeGreaterThanOrEqual(world.clock.now() - cutAt);
  // It goes on answering, and is asked.
  await world.run(() => false, 600);
  expect(stalenessMs()).toBeGreaterThanOrEqual(world.clock.now() - cutAt);
  await world.stop();
});

it("nor after the other one was taken for the master at once, which has been written to meanwhile", async () => {
  const { world, client, stalenessMs, cutAt } = await contested();
  const [, promoted, late] = world.servers as [DevServer, DevServer, DevServer];
  await world.settle(late.replicaOf(promoted.host, promoted.port));
  await world.run(() => late.replid === promoted.replid, 200);
  late.faults.lag(10_000);
  const writer = world.clientOf(promoted);
  for (let i = 0; i < 5; i++) await world.settle(writer.set("k", `${i}`));
  expect(await world.run(() => client.topology.master?.host === promoted.host, 2000)).toBe(true);
  await world.run(() => false, 100);
  expect(stalenessMs()).toBeGreaterThanOrEqual(world.clock.now() - cutAt);
  await world.stop();
});
