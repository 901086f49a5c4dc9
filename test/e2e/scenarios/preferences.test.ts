import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds, type World } from "../support/world.js";

/** The first replica in the east on an SSD, the second in the west on a disk. */
function labelled({ first, second }: World) {
  return {
    replicas: [
      { host: first.host, port: first.port, zone: "east", tags: { disk: "ssd" } },
      { host: second.host, port: second.port, zone: "west", tags: { disk: "hdd" } },
    ],
  };
}

onEachStage("reads by zone and tags", (start) => {
  const worlds = useWorlds(start);

  it("go to the replica of the zone, and to another while that is away", async () => {
    const world = await worlds.open();
    const { master, first, second, client, settled } = world;
    await master.command("SET", "k", "v");
    await settled();
    const redis = await client(labelled(world));
    const west = redis.with({ preferZone: "west", readFrom: "replica" });
    expect(await Promise.all(Array.from({ length: 50 }, () => west.get("k")))).toEqual(Array(50).fill("v"));
    expect([await first.calls("get"), await second.calls("get")]).toEqual([0, 50]);
    expect(west.explain("GET", "k")).toMatchObject({
      node: second.id,
      others: expect.arrayContaining([
        { node: first.id, reason: "is not in the zone west, and another node is" },
      ]) as unknown,
    });
    await second.crash();
    for (let i = 0; i < 20; i++) expect(await west.get("k")).toBe("v");
    expect(await first.calls("get")).toBe(20);
  });

  it("go where the tags are, and to the master if nobody has them", async () => {
    const world = await worlds.open();
    const { master, first, second, client, settled } = world;
    await master.command("SET", "k", "v");
    await settled();
    const redis = await client(labelled(world));
    const onSsd = redis.with({ readTags: [{ disk: "ssd" }] });
    for (let i = 0; i < 20; i++) expect(await onSsd.get("k")).toBe("v");
    expect([await first.calls("get"), await second.calls("get")]).toEqual([20, 0]);
    const onTape = redis.with({ readTags: [{ disk: "tape" }] });
    for (let i = 0; i < 20; i++) expect(await onTape.get("k")).toBe("v");
    expect(await master.calls("get")).toBe(20);
    const rather = redis.with({ readTags: [{ disk: "tape" }, { disk: "hdd" }] });
    for (let i = 0; i < 20; i++) expect(await rather.get("k")).toBe("v");
    expect([await first.calls("get"), await second.calls("get")]).toEqual([20, 20]);
    await expect(redis.with({ readTags: [{ disk: "tape" }], readFrom: "replica" }).get("k")).rejects.toMatchObject({
      code: "IOREPLICA_NO_ELIGIBLE_REPLICA",
    });
  });
});
