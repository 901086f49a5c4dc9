import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { Relay } from "../../support/relay.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What a managed service tells of its nodes: addresses that can't be reached from here. */
const PRIVATE = (key: string) => ({ host: "127.0.0.2", port: Number(key.slice(key.lastIndexOf(":") + 1)) });

onEachStage("a managed service with a primary and a reader endpoint", (start) => {
  const worlds = useWorlds(start);

  type World = Awaited<ReturnType<typeof worlds.open>>;

  async function open(readers = ({ first, second }: World) => [first, second]) {
    const world = await worlds.open();
    const primary = await Relay.start(world.master.port);
    const reader = await Relay.start(readers(world).map(({ port }) => port));
    ends.push(
      () => primary.stop(),
      () => reader.stop(),
    );
    const redis = new ReplicatedClient({
      master: { host: "127.0.0.1", port: primary.port },
      replicas: [{ host: "127.0.0.1", port: reader.port }],
      natMap: PRIVATE,
      pollIntervalMs: 100,
    });
    ends.push(() => redis.disconnect());
    const alarms: string[] = [];
    redis.on("topology", ({ type }: TopologyEvent) => {
      if (/^(historyReset|splitBrain)$/.test(type)) alarms.push(type);
    });
    await redis.connect();
    return { ...world, primary, reader, redis, alarms };
  }

  it("writes and reads, though none of the addresses that discovery shows can be reached", async () => {
    const { redis, master, first, second, primary, reader } = await open();
    await redis.set("k", "v");
    const replicas = redis.with({ readFrom: "replica" });
    await eventually(async () => expect(await replicas.get("k")).toBe("v"));
    for (let i = 0; i < 100; i++) {
      await redis.set("own", String(i));
      expect(await redis.get("own")).toBe(String(i));
    }
    const before = (await first.calls("get")) + (await second.calls("get"));
    for (let i = 0; i < 50; i++) expect(await replicas.get("k")).toBe("v");
    expect((await first.calls("get")) + (await second.calls("get"))).toBe(before + 50);
    expect(await master.calls("set")).toBe(101);
    // Those that can't be reached are told of and serve nothing, and the endpoints are not dialled again and again.
    expect(redis.topology.nodes.some(({ host, health }) => host === "127.0.0.2" && health === "down")).toBe(true);
    expect(primary.accepted + reader.accepted).toBeLessThan(10);
  });

  it("follows the primary endpoint to another server, though the connections to the former one stay open", async () => {
    // The one that becomes the master can be reached by the primary endpoint alone, over a new connection.
    const { redis, primary, master, first, second, stage, alarms } = await open(({ second: only }) => [only]);
    await redis.set("before", "1");
    await stage.inSync(master, [first, second]);
    primary.retarget(first.port);
    await stage.promote(first);
    await stage.follow(master, first);
    await stage.follow(second, first);
    await redis.set("after", "1");
    expect(await first.calls("set")).toBeGreaterThan(0);
    expect(await redis.with({ consistency: "strong" }).mget("before", "after")).toEqual(["1", "1"]);
    expect(alarms).toEqual([]);
  });

  it("follows it after a crash", async () => {
    const { redis, primary, master, first, second, stage, alarms } = await open();
    await redis.set("before", "1");
    await stage.inSync(master, [first, second]);
    primary.retarget(first.port);
    await master.crash();
    await stage.promote(first);
    await stage.follow(second, first);
    // It may be sent before the end of the connection is known.
    await redis.with({ retryUnknown: true }).set("after", "1");
    expect(await redis.with({ consistency: "strong" }).mget("before", "after")).toEqual(["1", "1"]);
    expect(alarms).toEqual([]);
  });
});
