import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("a view of one node", (start) => {
  const worlds = useWorlds(start);

  // BLPOP went over the connection that all share, and kept everything else waiting.
  it("blocks, watches and subscribes on connections of its own, to that node", async () => {
    const { master, first, client } = await worlds.open();
    const redis = await client();
    const view = redis.node(master.id);
    const popped = view.blpop("list", 0);
    expect(await redis.set("k", "v")).toBe("OK");
    expect(await view.rpush("list", "x")).toBe(1);
    expect(await popped).toEqual(["list", "x"]);

    const replica = redis.node(first.id);
    const messages: string[] = [];
    redis.on("message", (_channel, message) => messages.push(message));
    expect(await replica.subscribe("news")).toBe(1);
    expect(await first.command("PUBLISH", "news", "there")).toBe(1);
    await eventually(() => expect(messages).toEqual(["there"]));
    expect(await replica.get("k")).toBe("v");

    await view.watch("k");
    await view.multi({ pipeline: false });
    expect(await redis.get("k")).toBe("v");
    expect(await view.set("k", "w")).toBe("QUEUED");
    expect(await view.exec()).toEqual([[null, "OK"]]);
    expect(await redis.get("k")).toBe("w");
  });

  it("a blocking write on a replica is refused by it, at once", async () => {
    const { first, client } = await worlds.open();
    const redis = await client();
    await expect(redis.node(first.id).blpop("list", 0)).rejects.toMatchObject({ name: "ReplyError", code: "READONLY" });
  });

  it("what it writes to the master is seen by reads that are routed", async () => {
    const { master, stage, first, second, client } = await worlds.open();
    const redis = await client();
    const view = redis.node(master.id);
    const wrong: string[] = [];
    for (let i = 0; i < 200; i++) {
      await view.set("k", i);
      const seen = await redis.get("k");
      if (seen !== String(i)) wrong.push(`${i}: ${String(seen)}`);
    }
    expect(wrong).toEqual([]);
    await stage.inSync(master, [first, second]);
  });

  it("a MULTI in a pipeline needs its EXEC there too", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    const view = redis.node(master.id);
    const replies = await view.pipeline().call("multi").set("k", "1").exec();
    expect(replies?.map(([error]) => (error as { code?: string } | null)?.code)).toEqual([
      "IOREPLICA_INVALID_ARGUMENT",
      "IOREPLICA_INVALID_ARGUMENT",
    ]);
    expect(await redis.set("k", "2")).toBe("OK");
  });
});
