import type { TopologyEvent } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal } from "../../support/real-redis.js";
import { silentLosses, WriteLoad } from "../../support/write-load.js";
import { healthOf, useTrios } from "./trios.js";

describeReal("two masters", () => {
  const trios = useTrios();

  it("fault 2: a replica is promoted while the master lives: nothing goes to the old one any more, what it took is told", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    // Nothing but the replica that moves can decide.
    const { redis, events } = await trio.client({ pollIntervalMs: 200, arbitrationMs: 3_600_000 });
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.acked > 100);
    await b.command("REPLICAOF", "NO", "ONE");
    await eventually(() => redis.topology.state === "splitBrain");
    const held = await a.command("DBSIZE");
    await eventually(() => load.pending > 50);
    expect(await a.command("DBSIZE")).toBe(held);
    await c.command("REPLICAOF", b.host, b.port);
    await eventually(() => redis.topology.master?.id === b.id);
    const onOld = await a.command("DBSIZE");
    const acked = load.acked;
    await eventually(() => load.acked > acked + 300);
    await load.end();
    const verdict = await load.verdict(b);
    expect(verdict).toMatchObject({ errors: [], twice: [], denied: [], pending: 0 });
    expect(silentLosses(verdict.lost, events)).toBe(0);
    expect(await a.command("DBSIZE")).toBe(onOld);
    const order = events.map(({ type }) => type);
    const told = order.indexOf("writesLost");
    if (verdict.lost.length > 0) expect(told).toBeGreaterThan(order.indexOf("splitBrain"));
    expect(order.filter((type) => type === "masterChanged")).toHaveLength(1);
  });

  it("fault 2: promoted and left alone: the writes go on at the old master, and nothing is lost", async () => {
    const trio = await trios.open();
    const { a, b } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 200, arbitrationMs: 500 });
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.acked > 100);
    await b.command("REPLICAOF", "NO", "ONE");
    await eventually(() => events.some(({ type }) => type === "splitBrain"));
    await eventually(() => redis.topology.state === "stable");
    const acked = load.acked;
    await eventually(() => load.acked > acked + 100);
    await load.end();
    expect(redis.topology.master?.id).toBe(a.id);
    const verdict = await load.verdict(a);
    expect(verdict).toMatchObject({ errors: [], unknown: 0, lost: [], twice: [], denied: [], pending: 0 });
    expect(Number(await b.command("DBSIZE"))).toBeLessThan(load.issued);
  });

  it("fault 3: the diverged old master follows again: what only it had is never read, then it serves", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 50 });
    await redis.set("k", "common");
    await trio.inSync(a, b, c);
    await trio.promote(b, c);
    await eventually(() => redis.topology.master?.id === b.id);
    await redis.set("k", "new");
    // Other clients, which have not noticed yet: many more writes than the new history has.
    for (let i = 0; i < 200; i++) await a.command("SET", "k", `ghost ${i}`);
    const wrong: unknown[] = [];
    const view = redis.with({ readFrom: "nearest" });
    const stale = redis.with({ consistency: "eventual" });
    const look = async (): Promise<void> => {
      for (const value of [await view.get("k"), await stale.get("k")]) if (value !== "new") wrong.push(value);
    };
    await trio.inSync(b, c);
    for (let i = 0; i < 50; i++) await look();
    const rejoining = a.command("REPLICAOF", b.host, b.port);
    while (healthOf(redis, a) !== "up" || redis.topology.nodes.some(({ id, role }) => id === a.id && role === "master"))
      await look();
    await rejoining;
    await trio.inSync(b, a, c);
    const before = await a.calls("get");
    await eventually(async () => {
      await look();
      expect(await a.calls("get")).toBeGreaterThan(before);
    });
    expect(wrong).toEqual([]);
    expect(events.filter(({ type }: TopologyEvent) => type === "masterChanged")).toHaveLength(1);
  });
});
