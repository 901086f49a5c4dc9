import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

const boundMs = 200;

onEachStage("how old a read may be", (start) => {
  const worlds = useWorlds(start);

  it("maxStalenessMs passes over replicas that may be older, by the client's own clock", async () => {
    const { stage, master, replicas, client, settled } = await worlds.open();
    await master.command("SET", "k", "old");
    await settled();
    const redis = await client({ consistency: "eventual" });
    const bounded = redis.with({ maxStalenessMs: boundMs });
    expect(await bounded.get("k")).toBe("old");
    for (const replica of replicas) await stage.freeze(replica);
    await master.command("SET", "k", "new");
    // From here on the old value is older than the bound; this time is what the promise is about.
    await sleep(boundMs + 1);
    for (let i = 0; i < 20; i++) expect(await bounded.get("k")).toBe("new");
    expect(await redis.get("k")).toBe("old");
  });

  it("while replicas keep up, they serve bounded reads too", async () => {
    const { master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "k", "v");
    await settled();
    const bounded = (await client()).with({ maxStalenessMs: 500 });
    // The first ones bring the sampling about that the later ones are judged by.
    for (let i = 0; i < 50; i++) {
      expect(await bounded.get("k")).toBe("v");
      await sleep(4);
    }
    expect((await first.calls("get")) + (await second.calls("get"))).toBeGreaterThan(25);
  });

  it('with readFrom: "replica" and only stale ones the read fails and says so', async () => {
    const { stage, master, replicas, client } = await worlds.open();
    const redis = await client();
    const bounded = redis.with({ maxStalenessMs: boundMs, readFrom: "replica" });
    for (const replica of replicas) await stage.freeze(replica);
    await master.command("SET", "k", "new");
    await sleep(boundMs + 50);
    await expect(bounded.get("k")).rejects.toMatchObject({ code: "IOREPLICA_NO_ELIGIBLE_REPLICA" });
    expect(await redis.with({ maxStalenessMs: boundMs }).get("k")).toBe("new");
  });
});
