import { Redis } from "ioredis";
import { ReplicatedClient } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("in the place of an ioredis client", (start) => {
  const worlds = useWorlds(start);

  it("is one: class, assignability, status, isCluster", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const asRedis: Redis = redis;
    expect(asRedis).toBeInstanceOf(Redis);
    expect(redis).toBeInstanceOf(ReplicatedClient);
    expect(redis.isCluster).toBe(false);
    expect(redis.status).toBe("ready");
    expect(redis.mode).toBe("normal");
  });

  it("callbacks, Buffer variants, call(), custom commands", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const viaCallback = await new Promise((resolve, reject) => {
      void redis.set("k", "v", (error, reply) => (error ? reject(error) : resolve(reply)));
    });
    expect(viaCallback).toBe("OK");
    expect(await redis.getBuffer("k")).toEqual(Buffer.from("v"));
    expect(await redis.call("STRLEN", "k")).toBe(1);
    redis.defineCommand("setAndGet", {
      numberOfKeys: 1,
      lua: "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])",
    });
    expect(typeof (redis as unknown as { setAndGet: unknown }).setAndGet).toBe("function");
  });

  it("pipelines and transactions give ioredis's shapes, errors in their places", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const replies = await redis.pipeline().set("k", "text").lpush("k", "x").get("k").exec();
    expect(replies?.[0]).toEqual([null, "OK"]);
    expect(replies?.[1]?.[0]).toMatchObject({ name: "ReplyError" });
    expect(replies?.[2]).toEqual([null, "text"]);
    const batch = await redis
      .pipeline([
        ["set", "a", "1"],
        ["get", "a"],
      ])
      .exec();
    expect(batch).toEqual([
      [null, "OK"],
      [null, "1"],
    ]);
    expect(
      await redis
        .multi([
          ["incr", "n"],
          ["incr", "n"],
        ])
        .exec(),
    ).toEqual([
      [null, 1],
      [null, 2],
    ]);
  });

  it("WATCH sees the change of another", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    await redis.set("k", "1");
    await redis.watch("k");
    await master.command("SET", "k", "2");
    expect(await redis.multi().set("k", "3").exec()).toBeNull();
    expect(await redis.get("k")).toBe("2");
    await redis.watch("k");
    expect(await redis.multi().set("k", "4").exec()).toEqual([[null, "OK"]]);
  });

  it("scan streams give every key once they are all there", async () => {
    const { client, settled } = await worlds.open();
    const redis = await client();
    const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
    await redis.mset(Object.fromEntries(keys.map((key) => [key, "v"])));
    await settled();
    const found = new Set<string>();
    for await (const page of redis.scanStream({ count: 50 })) for (const key of page as string[]) found.add(key);
    expect([...found].sort()).toEqual([...keys].sort());
  });

  it("a blocking command stalls nobody else", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const popped = redis.blpop("queue", 10);
    expect(await redis.set("k", "v")).toBe("OK");
    expect(await redis.get("k")).toBe("v");
    await redis.rpush("queue", "job");
    expect(await popped).toEqual(["queue", "job"]);
  });

  it("subscribe and publish", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const subscriber = redis.duplicate();
    const messages: string[] = [];
    subscriber.on("message", (channel: string, message: string) => messages.push(`${channel}: ${message}`));
    subscriber.on("pmessage", (pattern: string, channel: string, message: string) =>
      messages.push(`${pattern} ${channel}: ${message}`),
    );
    expect(await subscriber.subscribe("news")).toBe(1);
    expect(await subscriber.psubscribe("n*")).toBe(2);
    expect(await redis.publish("news", "hello")).toBe(2);
    await eventually(() => expect(messages.sort()).toEqual(["n* news: hello", "news: hello"]));
    subscriber.disconnect();
  });
});
