import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal } from "../../support/real-redis.js";
import { serving } from "../../support/trio.js";
import { healthOf, useTrios } from "./trios.js";

describeReal("a node comes back", () => {
  const trios = useTrios();

  it("fault 8: the master restarts empty: a reset is told, with the last offset, and the cache goes on", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 100 });
    const session = redis.session();
    await session.set("k", "v");
    const token = await session.token();
    await trio.inSync(a, b, c);
    await a.kill9();
    // Without the file of the replicas' first sync there is nothing to load.
    await a.restart({ args: ["--dbfilename", "none.rdb"] });
    await eventually(() => expect(events.map(({ type }) => type)).toContain("historyReset"));
    const reset = events.find((event) => event.type === "historyReset");
    expect(reset).toMatchObject({ node: a.id, kind: "unrelated" });
    expect(reset?.type === "historyReset" && reset.lastOffset).toBeGreaterThan(0);
    const lost = events.filter((event) => event.type === "writesLost");
    expect(lost).toMatchObject([{ count: { max: 1 } }]);
    await expect(session.get("k")).rejects.toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
    const carried = redis.session(token);
    await expect(carried.get("k")).rejects.toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
    expect(carried.lost).toMatchObject([{ proven: false }]);
    expect(await redis.get("k")).toBeNull();
    expect(await redis.incr("n")).toBe(1);
    await trio.inSync(a, b, c);
    await serving(redis, 2);
    expect(await redis.get("n")).toBe("1");
  });

  it("fault 9: SHUTDOWN SAVE and a restart keep all: tokens stay good, nobody is alarmed", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 100 });
    const session = redis.session();
    await session.set("k", "v");
    const token = await session.token();
    await trio.inSync(a, b, c);
    const before = await a.info("replication");
    const exited = a.exited();
    await a.command("SHUTDOWN", "SAVE").catch(() => {});
    await exited;
    const waiting = redis.incr("n");
    await a.restart();
    expect((await a.info("replication")).get("master_replid2")).toBe(before.get("master_replid"));
    expect(await waiting).toBe(1);
    expect(await session.get("k")).toBe("v");
    expect(await redis.session(token).get("k")).toBe("v");
    expect(session.lost).toEqual([]);
    expect(events.filter(({ type }) => /^(historyReset|writesLost|splitBrain)$/.test(type))).toEqual([]);
    expect(redis.tokens).toEqual({ invalid: 0, expired: 0 });
  });

  it("fault 11: replicas that take a full resync while they serve are left until it is done: no read goes back in time", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    // A payload that takes a while.
    await a.command("DEBUG", "POPULATE", 50_000, "filler", 200);
    await trio.inSync(a, b, c);
    const { redis } = await trio.client({ pollIntervalMs: 20 });
    const wrong: string[] = [];
    let seen = 0;
    for (let round = 1; round <= 3; round++) {
      await redis.set("n", round);
      for (const replica of [b, c]) await replica.command("CONFIG", "SET", "key-load-delay", 20);
      await a.commands([
        ["DEBUG", "CHANGE-REPL-ID"],
        ["CLIENT", "KILL", "TYPE", "replica"],
      ]);
      const full = await eventually(async () => {
        const count = Number((await a.info("stats")).get("sync_full"));
        return count >= 2 + 2 * round && count;
      });
      expect(full).toBe(2 + 2 * round);
      for (let i = 0; i < 300; i++) {
        const own = Number(await redis.get("n"));
        if (own !== round) wrong.push(`own write ${round} read as ${own}`);
        const any = Number(await redis.session().get("n"));
        if (any < seen) wrong.push(`back from ${seen} to ${any}`);
        seen = Math.max(seen, own);
      }
      for (const replica of [b, c]) await replica.command("CONFIG", "SET", "key-load-delay", 0);
      await trio.inSync(a, b, c);
      await eventually(() => expect([healthOf(redis, b), healthOf(redis, c)]).toEqual(["up", "up"]));
      await serving(redis, 2);
    }
    expect(wrong).toEqual([]);
  });
});
