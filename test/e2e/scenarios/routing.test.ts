import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("who serves what", (start) => {
  const worlds = useWorlds(start);

  it("writes run on the master, reads of what others wrote on both replicas", async () => {
    const { master, first, second, client, settled } = await worlds.open();
    for (let i = 0; i < 20; i++) await master.command("SET", `k${i}`, `v${i}`);
    await settled();
    const redis = await client();
    for (let round = 0; round < 20; round++) {
      // Load spreads reads: one at a time they may all go to whichever replica is the quicker.
      const values = await Promise.all(Array.from({ length: 20 }, (_, i) => redis.get(`k${i}`)));
      expect(values).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`));
    }
    await redis.set("w", "1");
    // A read whose replica stumbled (a fence that came late) is right on the master; those are few.
    expect(await master.calls("get")).toBeLessThan(40);
    expect(await first.calls("get")).toBeGreaterThan(20);
    expect(await second.calls("get")).toBeGreaterThan(20);
    expect(await master.calls("set")).toBe(21);
  });

  it("explain() names the node and why the others are not asked", async () => {
    const { master, first, second, client } = await worlds.open();
    const redis = await client();
    const write = redis.explain("SET", "k", "v");
    expect(write).toMatchObject({ intent: "write", node: master.id });
    const read = redis.explain("GET", "k");
    expect(read.intent).toBe("read");
    expect([first.id, second.id]).toContain(read.node);
    expect(redis.explain("BLPOP", "k", "1").intent).toBe("dedicated");
    expect(redis.explain("SCAN", "0").intent).toBe("pinned");
  });

  it('readFrom: "master" leaves the replicas alone, "replica" the master', async () => {
    const { master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "k", "v");
    await settled();
    const redis = await client();
    const onlyMaster = redis.with({ readFrom: "master" });
    for (let i = 0; i < 50; i++) expect(await onlyMaster.get("k")).toBe("v");
    expect([await first.calls("get"), await second.calls("get")]).toEqual([0, 0]);
    const onlyReplicas = redis.with({ readFrom: "replica" });
    for (let i = 0; i < 50; i++) expect(await onlyReplicas.get("k")).toBe("v");
    expect(await master.calls("get")).toBe(50);
    expect((await first.calls("get")) + (await second.calls("get"))).toBe(50);
  });

  it("a pipeline is one unit: of reads it goes to one replica, with a write in it to the master", async () => {
    const { master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "k", "v");
    await settled();
    const redis = await client();
    const reads = await redis.pipeline().get("k").exists("k").strlen("k").exec();
    expect(reads).toEqual([
      [null, "v"],
      [null, 1],
      [null, 1],
    ]);
    expect(await master.calls("get", "exists", "strlen")).toBe(0);
    expect(
      [await first.calls("get", "exists", "strlen"), await second.calls("get", "exists", "strlen")].sort(),
    ).toEqual([0, 3]);
    await redis.pipeline().get("k").set("k", "w").exec();
    expect(await master.calls("get")).toBe(1);
  });

  it("a transaction runs on the master as a whole", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    const replies = await redis.multi().set("k", "1").incr("k").get("k").exec();
    expect(replies).toEqual([
      [null, "OK"],
      [null, 2],
      [null, "2"],
    ]);
    expect(await master.calls("exec")).toBe(1);
  });
});
