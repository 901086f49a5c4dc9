import type { ReplicatedClient } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("transaction()", (start) => {
  const worlds = useWorlds(start);

  it("counts right under contention, where reading and writing without it does not", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    await redis.set("naive", 0);
    await redis.set("guarded", 0);
    const add = (key: string) => async (tx: ReplicatedClient) => {
      const now = Number(await tx.get(key));
      return tx.multi().set(key, now + 1);
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await redis.set("naive", Number(await redis.get("naive")) + 1);
        expect(await redis.transaction(["guarded"], add("guarded"), { retries: 1000 })).toEqual(["OK"]);
      }),
    );
    expect(Number(await redis.get("naive"))).toBeLessThan(8);
    expect(await redis.get("guarded")).toBe("8");
  });

  it("gives up with null, rejects with the first error reply, and says when it lost every try", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    await redis.set("k", "text");
    expect(await redis.transaction("k", () => undefined)).toBeNull();
    await expect(redis.transaction(["k"], (tx) => tx.multi().set("other", "1").incr("k"))).rejects.toMatchObject({
      name: "ReplyError",
      code: "ERR",
    });
    let calls = 0;
    const meddled = redis.transaction(
      ["k"],
      async (tx) => {
        calls++;
        await redis.set("k", `${calls}`);
        return tx.multi().set("never", "1");
      },
      { retries: 2 },
    );
    await expect(meddled).rejects.toMatchObject({ code: "IOREPLICA_TRANSACTION_CONFLICT", tries: 3 });
    expect(calls).toBe(3);
    expect(await redis.exists("never")).toBe(0);
    await expect(
      redis.transaction("k", () => {
        throw new RangeError("mine");
      }),
    ).rejects.toThrow(RangeError);
    // Nothing is left watched: the connection that was given back serves the next.
    expect(await redis.transaction([], (tx) => tx.multi().set("k", "1").get("k"))).toEqual(["OK", "1"]);
  });

  it("what it wrote is seen by the next read of the client", async () => {
    const { stage, replicas, client } = await worlds.open();
    const redis = await client();
    for (const replica of replicas) await stage.freeze(replica);
    await redis.transaction(["k"], (tx) => tx.multi().set("k", "1"));
    expect(await redis.get("k")).toBe("1");
  });

  it("with ack it is told when too few replicas have it, as a write over the shared connection is", async () => {
    const { stage, replicas, client } = await worlds.open();
    const redis = await client();
    const durable = redis.with({ ack: { replicas: 1, timeoutMs: 5000 } });
    expect(await durable.transaction("k", (tx) => tx.multi().set("k", "1"))).toEqual(["OK"]);
    for (const replica of replicas) await stage.freeze(replica);
    const hasty = redis.with({ ack: { replicas: 1, timeoutMs: 50 } });
    const told = { code: "IOREPLICA_NOT_REPLICATED", acked: 0, wanted: 1 };
    await expect(hasty.transaction("k", (tx) => tx.multi().set("k", "2"))).rejects.toMatchObject(told);
    await expect(hasty.withConnection((own) => own.set("k", "3"))).rejects.toMatchObject(told);
    expect(await redis.get("k")).toBe("3");
  });

  it("begins again on the new master when the old one is deposed before EXEC", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    const redis = await client();
    await settled();
    let calls = 0;
    const outcome = redis.transaction(["k"], async (tx) => {
      if (calls++ === 0) {
        await stage.promote(first);
        await stage.follow(second, first);
        await stage.follow(master, first);
        await eventually(async () => expect((await master.info("replication")).get("role")).toBe("slave"));
      }
      return tx.multi().set("k", "1");
    });
    expect(await outcome).toEqual(["OK"]);
    expect(calls).toBeGreaterThan(1);
    expect(await first.command("GET", "k")).toBe("1");
  });

  it("refuses what it can't take, by name", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    await expect(redis.transaction(["k"], () => undefined, { retries: -1 })).rejects.toThrow(/retries/);
    await expect(redis.transaction(["k"], () => undefined, { retrys: 1 } as object)).rejects.toThrow(/retries/);
    await expect(redis.transaction([7 as never], () => undefined)).rejects.toThrow(/keys/);
    await expect(redis.transaction("k", "no function" as never)).rejects.toThrow(/function/);
    await expect(redis.transaction("k", () => 7 as never)).rejects.toThrow(/chain/);
    const ended = AbortSignal.abort(new Error("enough"));
    await expect(redis.transaction("k", () => undefined, { signal: ended })).rejects.toMatchObject({
      code: "IOREPLICA_ABORTED",
    });
  });
});

onEachStage("withConnection()", (start) => {
  const worlds = useWorlds(start);

  it("keeps every command on one connection, blocking and subscribing ones too", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const heard: string[] = [];
    const result = await redis.withConnection(async (own) => {
      const ids = await Promise.all([own.client("ID"), own.client("ID")]);
      expect(new Set(ids).size).toBe(1);
      own.on("message", (_channel, message) => heard.push(String(message)));
      redis.on("message", () => heard.push("the client heard it too"));
      await own.subscribe("news");
      await redis.publish("news", "hello");
      await eventually(() => expect(heard).toEqual(["hello"]));
      const popped = own.blpop("list", 5);
      await redis.rpush("list", "x");
      return popped;
    });
    expect(result).toEqual(["list", "x"]);
  });

  it("once it has ended every use is refused, and the next borrower finds it clean", async () => {
    const { client } = await worlds.open();
    const redis = await client({ pool: { max: 1 } });
    let kept: ReplicatedClient | undefined;
    const first = await redis.withConnection(async (own) => {
      kept = own;
      await own.watch("w");
      await own.select(1);
      await own.set("in", "one");
      return own.client("ID");
    });
    await expect(kept?.get("k")).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND", retriable: false });
    await redis.set("w", "changed");
    await redis.withConnection(async (own) => {
      expect(await own.client("ID")).toBe(first);
    });
    await redis.withConnection(async (own) => {
      expect(await own.multi().set("k", "1").exec()).toEqual([[null, "OK"]]);
      expect(await own.exists("in")).toBe(0);
    });
  });

  it("a connection with a blocked command that nobody awaits is destroyed, and holds no place in the pool", async () => {
    const { master, client } = await worlds.open();
    const redis = await client({ pool: { max: 1 } });
    let blocked: Promise<unknown> = Promise.resolve();
    await redis.withConnection(async (own) => {
      blocked = own.blpop("never", 0).then(
        () => "answered",
        (error: Error & { code?: string }) => error.code,
      );
      await eventually(async () => expect((await master.info("clients")).get("blocked_clients")).toBe("1"));
    });
    expect(["IOREPLICA_CONNECTION_BOUND", "IOREPLICA_UNKNOWN_OUTCOME"]).toContain(await blocked);
    expect(await redis.withConnection((own) => own.ping())).toBe("PONG");
  });

  it("goes to the node that was named, and is never moved", async () => {
    const { master, first, client } = await worlds.open();
    const redis = await client();
    await redis.withConnection(
      async (own) => {
        expect(String(await own.info("replication"))).toContain("role:slave");
        await expect(own.set("k", "1")).rejects.toMatchObject({ code: "READONLY" });
      },
      { node: first.id },
    );
    await expect(redis.withConnection(() => 1, { node: "nowhere:1" })).rejects.toMatchObject({
      code: "IOREPLICA_UNKNOWN_NODE",
    });
    const lost = redis.withConnection(async (own) => {
      await own.set("k", "1");
      await master.crash();
      // Whether this is what notices, or a poll of the client's was quicker.
      await own.get("k");
    });
    await expect(lost).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND", retriable: true });
  });

  it("refuses commands that would spoil it for others", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    await redis.withConnection(async (own) => {
      for (const refused of [own.hello(3), own.reset(), own.call("CLIENT", "REPLY", "OFF"), own.quit()])
        await expect(refused).rejects.toMatchObject({ code: "IOREPLICA_INVALID_ARGUMENT" });
      expect(await own.ping()).toBe("PONG");
    });
    expect(redis.status).toBe("ready");
  });
});
