import type { CallTrace } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("a traced call", (start) => {
  const worlds = useWorlds(start);

  it("tells of a read who served it, what it saw at least and at most, and how old that was", async () => {
    const { stage, replicas, master, client, settled } = await worlds.open();
    await master.command("SET", "k", "old");
    await settled();
    const redis = await client();
    const offset = Number((await master.info("replication")).get("master_repl_offset"));
    const fresh = await redis.traced((r) => r.get("k"));
    expect(fresh.value).toBe("old");
    expect(fresh.calls).toHaveLength(1);
    const [read] = fresh.calls as [CallTrace];
    expect(replicas.map(({ id }) => id)).toContain(read.node);
    expect(read).toMatchObject({ command: "get", intent: "read", value: "old", error: null, verified: true });
    expect(read).toMatchObject({ role: "replica", replid: redis.topology.master?.replid });
    expect(read.offset).toBeGreaterThan(0);
    expect(read.offsetAtMost).toBeGreaterThanOrEqual(Number(read.offset));
    expect(read.offset).toBeLessThanOrEqual(offset);
    expect(read.stalenessMs).toBeGreaterThanOrEqual(0);

    for (const replica of replicas) await stage.freeze(replica);
    const own = await redis.traced(async (r) => {
      await r.set("k", "new");
      return r.get("k");
    });
    expect(own.value).toBe("new");
    expect(own.calls.map(({ command, intent, value }) => ({ command, intent, value }))).toEqual([
      { command: "set", intent: "write", value: "OK" },
      { command: "get", intent: "read", value: "new" },
    ]);
    expect(own.calls[1]).toMatchObject({ node: master.id, role: "master", stalenessMs: 0, verified: true });
  });

  it("shows a replica that has stood still as old, and never younger than a bound would have it", async () => {
    const { stage, master, replicas, client, settled } = await worlds.open();
    await master.command("SET", "k", "old");
    await settled();
    const redis = await client();
    const view = redis.with({ maxStalenessMs: 60_000, readFrom: "replica" });
    await view.get("k");
    for (const replica of replicas) await stage.freeze(replica);
    await master.command("SET", "k", "new");
    let last = -1;
    for (let i = 0; i < 200 && last < 100; i++) {
      const { value, calls } = await view.traced((r) => r.get("k"));
      expect(value).toBe("old");
      const age = calls[0]?.stalenessMs ?? Number.NaN;
      expect(age).toBeLessThanOrEqual(60_000);
      last = Math.max(last, age);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(last).toBeGreaterThanOrEqual(100);
  });

  it("works for pipelines, MULTI, sessions, the view of one node, and calls that fail", async () => {
    const { master, first, client, settled } = await worlds.open();
    await master.command("SET", "k", "v");
    await settled();
    const redis = await client();
    const reads = await redis.traced((r) => r.pipeline().get("k").strlen("k").exec());
    expect(reads.value).toEqual([
      [null, "v"],
      [null, 1],
    ]);
    expect(reads.calls.map(({ command, value, role }) => ({ command, value, role }))).toEqual([
      { command: "get", value: "v", role: "replica" },
      { command: "strlen", value: 1, role: "replica" },
    ]);
    expect(new Set(reads.calls.map(({ node }) => node)).size).toBe(1);

    const multi = await redis.session().traced((r) => r.multi().set("a", "1").get("a").exec());
    expect(multi.calls.map(({ command }) => command)).toEqual(["multi", "set", "get", "exec"]);
    expect(multi.calls.at(-1)).toMatchObject({ value: ["OK", "1"], node: master.id, role: "master" });

    const there = await redis.node(first.id).traced((r) => r.get("k"));
    expect(there.calls).toMatchObject([{ node: first.id, value: "v" }]);

    const failed = await redis.traced(async (r) => r.incr("k").catch((error: Error) => error.message));
    expect(failed.value).toContain("not an integer");
    expect(failed.calls).toMatchObject([{ command: "incr", value: undefined, node: master.id }]);
    expect(failed.calls[0]?.error).toBeInstanceOf(Error);
    await expect(redis.traced(() => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  });

  it("shows that reads beside writes in a pipeline, and a MULTI of reads on the master, wait for the fence behind them", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    for (const consistency of ["session", "strong"] as const) {
      const view = redis.with({ consistency });
      const mixed = await view.traced((r) => r.pipeline().set("k", "1").get("k").exec());
      expect(mixed.calls.find(({ command }) => command === "get")).toMatchObject({ value: "1", verified: true });
      const multi = await view.with({ readFrom: "master" }).traced((r) => r.multi().get("k").exec());
      expect(multi.calls.at(-1)).toMatchObject({ command: "exec", value: ["1"], node: master.id, verified: true });
    }
  });

  it("can be told to a listener of a view, whatever that throws; other calls are not told", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const told: CallTrace[] = [];
    const listening = redis.with({
      trace: (call) => {
        told.push(call);
        throw new Error("a listener that throws");
      },
    });
    await redis.set("k", "untold");
    await listening.set("k", "told");
    expect(await listening.session().get("k")).toBe("told");
    // The caller has its reply first.
    await eventually(() => expect(told).toHaveLength(2));
    expect(told.map(({ command, value }) => [command, value])).toEqual([
      ["set", "OK"],
      ["get", "told"],
    ]);
    expect(() => redis.with({ trace: true as never })).toThrow(/trace/);
  });
});
