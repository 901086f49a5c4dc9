import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("hedged reads", (start) => {
  const worlds = useWorlds(start);

  it("are answered by the other replica while one hangs, long before anybody finds out that it does", async () => {
    const { master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "k", "v");
    await settled();
    // Nothing but the second question can help these reads: no look at a node comes to its end in this test.
    const redis = await client({ pollIntervalMs: 600_000, heartbeatTimeoutMs: 600_000, hedgePercent: 100 });
    const hedged = redis.with({ readFrom: "replica", hedgeAfterMs: 20 });
    const undo = await second.hang();
    const reads = await Promise.all(Array.from({ length: 10 }, () => hedged.get("k")));
    expect(reads).toEqual(Array(10).fill("v"));
    // Each was answered by the one that lives, and those that asked the other one first are not asked a third time.
    expect(await first.calls("get")).toBe(10);
    await undo();
    expect(await hedged.get("k")).toBe("v");
  });

  it("are never writes, and see what their client wrote", async () => {
    const { master, client } = await worlds.open();
    const redis = await client({ hedgeAfterMs: 1, hedgePercent: 100 });
    for (let i = 1; i <= 100; i++) {
      expect(await redis.incr("n")).toBe(i);
      expect(await redis.get("n")).toBe(String(i));
    }
    expect(await master.calls("incr")).toBe(100);
  });
});
