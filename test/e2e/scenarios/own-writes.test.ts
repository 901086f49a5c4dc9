import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("reading one's own writes over replicas that lag", (start) => {
  const worlds = useWorlds(start);

  it("two plain connections miss them, a ReplicatedClient never does, and replicas still serve its other reads", async () => {
    const { stage, master, first, second, replicas, client, plain, settled } = await worlds.open();
    for (let i = 0; i < 10; i++) await master.command("SET", `page:${i}`, "text");
    await settled();
    const redis = await client();
    for (const replica of replicas) await stage.lag(replica, 30);

    // The control: a test that two plain connections pass too would show nothing.
    const writer = plain(master);
    const reader = plain(first);
    let missedByPlain = 0;
    for (let i = 0; i < 40; i++) {
      await writer.set("control", i);
      if ((await reader.get("control")) !== String(i)) missedByPlain++;
    }
    expect(missedByPlain).toBeGreaterThan(20);

    const served = async (): Promise<number> => (await first.calls("get")) + (await second.calls("get"));
    const before = await served();
    let missed = 0;
    const shopper = async (place: number): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await redis.set(`cart:${place}`, i);
        if ((await redis.get(`cart:${place}`)) !== String(i)) missed++;
        expect(await redis.get(`page:${i % 10}`)).toBe("text");
      }
    };
    await Promise.all([0, 1, 2, 3, 4].map(shopper));
    expect(missed).toBe(0);
    expect((await served()) - before).toBeGreaterThan(100);
  });

  it("holds for a read issued in the same turn, for bytes and text as the same key, and after MULTI and a pipeline", async () => {
    const { stage, replicas, client } = await worlds.open();
    const redis = await client();
    for (const replica of replicas) await stage.freeze(replica);
    const [, same] = await Promise.all([redis.set("a", "1"), redis.get("a")]);
    expect(same).toBe("1");
    await redis.set("é", "2");
    expect(await redis.get(Buffer.from("é"))).toBe("2");
    await redis.multi().hset("h", "f", "3").exec();
    expect(await redis.hget("h", "f")).toBe("3");
    await redis.pipeline().rpush("l", "4").rpush("l", "5").exec();
    expect(await redis.lrange("l", 0, -1)).toEqual(["4", "5"]);
    expect(await redis.mget("a", "é")).toEqual(["1", "2"]);
    await redis.del("a");
    expect(await redis.exists("a")).toBe(0);
  });

  it("holds over all views of the client", async () => {
    const { stage, replicas, client } = await worlds.open();
    const redis = await client();
    for (const replica of replicas) await stage.freeze(replica);
    await redis.with({ timeoutMs: 5000 }).set("k", "v");
    expect(await redis.with({ readFrom: "nearest" }).get("k")).toBe("v");
    expect(await redis.get("k")).toBe("v");
  });

  it('consistency: "eventual" promises nothing and reads what the replica has', async () => {
    const { stage, master, replicas, client, settled } = await worlds.open();
    await master.command("SET", "k", "old");
    await settled();
    const redis = await client({ consistency: "eventual" });
    for (const replica of replicas) await stage.freeze(replica);
    await redis.set("k", "new");
    expect(await redis.get("k")).toBe("old");
    expect(await redis.with({ consistency: "session" }).get("k")).toBe("new");
    expect(await redis.with({ consistency: "strong" }).get("k")).toBe("new");
  });
});
