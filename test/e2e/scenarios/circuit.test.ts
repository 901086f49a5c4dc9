import { ReplicatedClient } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { startRealStage } from "../../../src/cli/stage/real-stage.js";
import { DevTopology } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal } from "../../support/real-redis.js";
import { eventsOf, ready } from "../support/world.js";

const BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The circuits' changes that a client told of, as words. */
function circuits(redis: ReplicatedClient): string[] {
  const words: string[] = [];
  redis.on("topology", (event) => {
    if (event.type === "nodeHealth" && /serving|resting|onTrial/.test(event.to)) words.push(event.to);
  });
  return words;
}

async function served(options: object): Promise<{ topology: DevTopology; redis: ReplicatedClient }> {
  const topology = await DevTopology.start({ replicas: 2 });
  ends.push(() => topology.stop());
  const redis = new ReplicatedClient({ ...topology.options, ...options });
  ends.push(() => redis.disconnect());
  await redis.set("k", "v");
  await eventually(() => expect(new Set(topology.servers.map(({ offset }) => offset)).size).toBe(1));
  await ready(redis, 2);
  return { topology, redis };
}

it("a replica that answers polls and refuses reads rests, while no read fails, and serves again when it is well", async () => {
  const { topology, redis } = await served({ circuit: { failures: 3, openMs: 50 } });
  const [sick] = topology.replicas;
  const id = `127.0.0.1:${sick?.port}`;
  const told = circuits(redis);
  const replicas = redis.with({ readFrom: "replica" });
  const fault = sick?.faults.fail({ message: BUSY }, { commands: ["get"] });
  await eventually(async () => {
    expect(await Promise.all(Array.from({ length: 10 }, () => replicas.get("k")))).toEqual(Array(10).fill("v"));
    expect(told).toContain("resting");
  });
  const description = redis.topology.nodes.find((node) => node.id === id);
  expect(description?.circuit).not.toBe("closed");
  expect(description?.reason).toMatch(/reads failed there, the last one with BUSY$/);
  // The trials fail as long as it is sick; nobody notices.
  await eventually(async () => {
    expect(await replicas.get("k")).toBe("v");
    expect(told.filter((word) => word === "resting").length).toBeGreaterThan(1);
  });
  fault?.clear();
  await eventually(async () => {
    expect(await replicas.get("k")).toBe("v");
    expect(told.at(-1)).toBe("serving");
  });
  expect(redis.topology.nodes.find((node) => node.id === id)).toMatchObject({ circuit: "closed" });
  expect(redis.topology.nodes.find((node) => node.id === id)).not.toHaveProperty("reason");
});

it("deadlines that pass at a replica open its circuit; the only replica is asked all the same, where nobody else may be", async () => {
  const { topology, redis } = await served({ circuit: { failures: 3, openMs: 60_000 } });
  for (const replica of topology.replicas) ends.push(replica.faults.delayReplies(300).clear);
  const events = eventsOf(redis);
  const hasty = redis.with({ readFrom: "replica", timeoutMs: 40 });
  await eventually(async () => {
    await Promise.allSettled(Array.from({ length: 6 }, () => hasty.get("k")));
    expect(redis.topology.replicas.map(({ circuit }) => circuit)).toEqual(["open", "open"]);
  });
  expect(events.some((event) => event.type === "nodeHealth" && event.reason.endsWith("with a deadline"))).toBe(true);
  // Both rest: who may ask the master does, who may not is still served by a replica, late as it is.
  expect(redis.explain("GET", "k").node).toBe(redis.topology.master?.id);
  expect(await redis.with({ readFrom: "replica", timeoutMs: 5000 }).get("k")).toBe("v");
});

describeReal("on real servers", () => {
  it("a replica that is busy with a script rests, while no read fails", async () => {
    const stage = await startRealStage({ replicas: 2 });
    ends.push(() => stage.stop());
    const [master, sick, well] = stage.nodes;
    if (sick === undefined || well === undefined) throw new Error("two replicas were asked for");
    await master.command("SET", "k", "v");
    await stage.inSync(master, [sick, well]);
    await sick.command("CONFIG", "SET", "busy-reply-threshold", 10);
    const redis = new ReplicatedClient({ ...stage.options, circuit: { failures: 3, openMs: 50 } });
    ends.push(() => redis.disconnect());
    await ready(redis, 2);
    const told = circuits(redis);
    const script = sick.command("EVAL_RO", "while true do end", 0).catch((error: Error) => error.message);
    const replicas = redis.with({ readFrom: "replica" });
    await eventually(async () => {
      expect(await Promise.all(Array.from({ length: 10 }, () => replicas.get("k")))).toEqual(Array(10).fill("v"));
      expect(told).toContain("resting");
    });
    await sick.command("SCRIPT", "KILL");
    expect(await script).toMatch(/killed/i);
    await eventually(async () => {
      expect(await replicas.get("k")).toBe("v");
      expect(told.at(-1)).toBe("serving");
    });
  });
});
