import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("SELECT while the client runs", (start) => {
  const worlds = useWorlds(start);
  const told = (error: { code?: string; message: string }): string => error.code ?? error.message;

  // select() answered OK unasked; on a server without that database the next write ran in the one before.
  it("a database that the server hasn't got is refused, and nothing meant for it runs in another", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    expect(await redis.set("before", 1)).toBe("OK");
    const selected = redis.select(99).catch((error: Error) => error.message);
    const behind = Promise.allSettled([
      redis.set("k", "wrong"),
      redis.get("before"),
      redis.pipeline().set("k", "wrong").exec(),
    ]);
    expect(await selected).toBe("ERR DB index is out of range");
    const ends = await behind;
    expect(told((ends[0] as PromiseRejectedResult).reason)).toBe("IOREPLICA_INVALID_ARGUMENT");
    expect(told((ends[1] as PromiseRejectedResult).reason)).toBe("IOREPLICA_INVALID_ARGUMENT");
    expect((ends[2] as PromiseFulfilledResult<[Error, unknown][]>).value[0]?.[0]).toMatchObject({
      code: "IOREPLICA_INVALID_ARGUMENT",
      sent: "no",
    });
    expect(await master.command("EXISTS", "k")).toBe(0);
    expect(await redis.get("before")).toBe("1");
    await expect(redis.duplicate({ db: 99 }).set("k", "wrong")).rejects.toMatchObject({ sent: "no" });
    expect(await master.command("EXISTS", "k")).toBe(0);
  });

  it("commands issued behind select() without awaiting it run in the new database, pipelines too", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    void redis.set("k", "in 0");
    void redis.select(5);
    void redis.set("k", "in 5");
    const view = redis.with({ consistency: "strong" });
    void redis.select(6);
    void redis.set("k", "in 6");
    expect(await view.get("k")).toBe("in 5");
    expect(await redis.get("k")).toBe("in 6");
    const replies = await redis.pipeline().get("k").select(5).get("k").select(0).get("k").exec();
    expect(replies).toEqual([
      [null, "in 6"],
      [null, "OK"],
      [null, "in 5"],
      [null, "OK"],
      [null, "in 0"],
    ]);
  });

  it("SELECT inside MULTI is refused, and nothing of the MULTI is applied", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    await expect(redis.multi().set("k", 1).select(1).set("k", 2).exec()).rejects.toMatchObject({
      code: "IOREPLICA_INVALID_ARGUMENT",
    });
    await redis.multi({ pipeline: false });
    const set = redis.set("k", 1).catch(told);
    const select = redis.select(1).catch(told);
    expect(await redis.exec().catch(told)).toBe("IOREPLICA_CONNECTION_BOUND");
    await set;
    expect(await select).toBe("IOREPLICA_INVALID_ARGUMENT");
    expect(await master.command("EXISTS", "k")).toBe(0);
  });
});
