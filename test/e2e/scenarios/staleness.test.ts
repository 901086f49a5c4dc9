import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
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

onEachStage("how many bytes behind a read may be", (start) => {
  const worlds = useWorlds(start);

  it("maxLagBytes passes over a replica that is further behind, and reads from it again when it has caught up", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "k", "old");
    await settled();
    const redis = await client({ consistency: "eventual", pollIntervalMs: 50 });
    const bounded = redis.with({ maxLagBytes: 1000, readFrom: "replica" });
    const counts = async () => [await first.calls("get"), await second.calls("get")] as const;
    /** Waits until both have been read from once more. */
    const fromBoth = async () => {
      const [a, b] = await counts();
      await eventually(async () => {
        await Promise.all(Array.from({ length: 10 }, () => bounded.get("k")));
        const [later, last] = await counts();
        expect(later).toBeGreaterThan(a);
        expect(last).toBeGreaterThan(b);
      });
    };
    await fromBoth();
    const thaw = await stage.freeze(first);
    // Less than the bound: it may go on serving what is that old.
    await master.command("SET", "little", "x".repeat(100));
    await fromBoth();
    await master.command("SET", "much", "x".repeat(1000));
    await master.command("SET", "k", "new");
    await eventually(() => {
      const late = redis.topology.nodes.find(({ id }) => id === first.id);
      expect(late?.lagBytes).toBeGreaterThan(1000);
    });
    const [a, b] = await counts();
    for (let i = 0; i < 100; i++) expect(await bounded.get("k")).toBe("new");
    // What was sent to it before the client knew has been counted by now.
    expect(await counts()).toEqual([a, b + 100]);
    expect(bounded.explain("GET", "k").others.find(({ node }) => node === first.id)?.reason).toMatch(/behind|bytes/);
    const other = await stage.freeze(second);
    await master.command("SET", "more", "x".repeat(1000));
    await eventually(async () =>
      expect(await bounded.get("k").catch(({ code }: { code: string }) => code)).toBe("IOREPLICA_NO_ELIGIBLE_REPLICA"),
    );
    expect(await redis.with({ maxLagBytes: 1000 }).get("k")).toBe("new");
    await thaw();
    await other();
    await settled();
    await eventually(async () => expect(await bounded.get("k").catch(() => null)).toBe("new"));
    await fromBoth();
  });
});
