import type { TopologyEvent, WritesLostError } from "ioreplica";
import { ReplicatedClient } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal, startSentinel } from "../../support/real-redis.js";
import { relayed } from "../../support/relay.js";
import { serving } from "../../support/trio.js";
import { silentLosses, WriteLoad } from "../../support/write-load.js";
import { failure, useTrios } from "./trios.js";

type WritesLost = Extract<TopologyEvent, { type: "writesLost" }>;

describeReal("the master dies", () => {
  const trios = useTrios();

  it("fault 1: kill -9 and a promotion: lost writes are told to client and session with offsets, count and keys", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const { redis, events } = await trio.client();
    const innocent = redis.session();
    await innocent.set("kept", "1");
    await innocent.token();
    await trio.inSync(a, b, c);
    const old = await a.info("replication");
    for (const replica of [b, c]) replica.pause();
    await a.command("CLIENT", "KILL", "TYPE", "replica");
    const session = redis.session();
    await session.set("doomed", "1");
    await session.token();
    const load = new WriteLoad(redis, "doomed").begin(1);
    await eventually(() => load.acked > 100);
    await a.kill9();
    for (const replica of [b, c]) replica.resume();
    await trio.promote(b, c);
    await eventually(() => redis.topology.master?.id === b.id);
    const acked = load.acked;
    await eventually(() => load.acked > acked + 100);
    await load.end();

    const verdict = await load.verdict(b);
    expect(verdict).toMatchObject({ errors: [], twice: [], denied: [], pending: 0 });
    expect(verdict.lost.length).toBeGreaterThan(100);
    expect(silentLosses(verdict.lost, events)).toBe(0);
    const reports = events.filter((event): event is WritesLost => event.type === "writesLost");
    const fork = Number((await b.info("replication")).get("second_repl_offset"));
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ replid: old.get("master_replid"), keysComplete: true });
    expect(reports[0]?.fromOffset).toBeGreaterThanOrEqual(fork - 1);
    expect(reports[0]?.toOffset).toBeGreaterThan(reports[0]?.fromOffset ?? 0);
    expect(reports[0]?.count.min).toBeLessThanOrEqual(verdict.lost.length + 1);
    expect(reports[0]?.keys).toContain("doomed");
    expect(await innocent.get("kept")).toBe("1");
    const told = (await failure(session.get("doomed"))) as WritesLostError;
    expect(told).toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
    expect(told.lost).toMatchObject([{ replid: old.get("master_replid"), proven: true }]);
    expect(session.lost).toEqual(told.lost);
    expect(await session.get("doomed")).toBeNull();
  });

  it("fault 6: a Sentinel promotes after kill -9: nothing lost in silence, nothing twice, no other error", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const masters = [{ name: "mymaster", host: a.host, port: a.port }];
    const sentinel = await startSentinel({ masters, downAfterMs: 500 });
    trios.end(() => sentinel.stop());
    await eventually(async () => expect(await sentinel.command("SENTINEL", "replicas", "mymaster")).toHaveLength(2), {
      timeoutMs: 15_000,
    });
    const redis = new ReplicatedClient({ sentinels: [{ host: sentinel.host, port: sentinel.port }], name: "mymaster" });
    trios.end(() => redis.disconnect());
    const events: TopologyEvent[] = [];
    redis.on("topology", (event: TopologyEvent) => events.push(event));
    await redis.set("k", "v");
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.acked > 100);
    // The replicas hear nothing of the last ones.
    for (const replica of [b, c]) replica.pause();
    await a.command("CLIENT", "KILL", "TYPE", "replica");
    const heard = load.acked;
    await eventually(() => load.acked > heard + 100);
    await a.kill9();
    for (const replica of [b, c]) replica.resume();
    await eventually(() => redis.topology.master !== null && redis.topology.master.id !== a.id, { timeoutMs: 15_000 });
    const acked = load.acked;
    await eventually(() => load.acked > acked + 100);
    await load.end();
    const master = [b, c].find(({ id }) => id === redis.topology.master?.id);
    if (master === undefined) throw new Error("one of the replicas is the master");
    const verdict = await load.verdict(master);
    expect(verdict).toMatchObject({ errors: [], twice: [], denied: [], pending: 0 });
    expect(verdict.lost.length).toBeGreaterThan(0);
    expect(silentLosses(verdict.lost, events)).toBe(0);
    expect(events.filter(({ type }) => type === "splitBrain")).toEqual([]);
  }, 40_000);

  it("fault 23: applied, and the reply never came: unknown, a transaction as a whole; only retryUnknown sends it again", async () => {
    const trio = await trios.open();
    let swallow = false;
    const between = await relayed(trio.servers, () => ({
      reply: (chunk) => (swallow && !/role:|loading:/.test(chunk.toString("latin1")) ? null : chunk),
    }));
    trios.end(() => between.stop());
    const { redis } = await trio.client({ ...between.options, pollIntervalMs: 100 });
    const calls = (): Promise<unknown>[] => [
      redis.incr("plain"),
      redis.pipeline().incr("piped:1").incr("piped:2").exec(),
      redis.multi().incr("multi:1").incr("multi:2").exec(),
      redis.with({ retryUnknown: true }).sadd("set", "member"),
      redis.with({ retryUnknown: true }).incr("counter"),
    ];
    swallow = true;
    const outcomes = Promise.allSettled(calls());
    await eventually(async () => expect(await trio.a.command("EXISTS", "counter", "multi:2", "set")).toBe(3));
    between.relays[0]?.reset();
    swallow = false;
    const unknown = { code: "IOREPLICA_UNKNOWN_OUTCOME", sent: "unknown", retriable: false };
    const [plain, piped, multi, set, counter] = await outcomes;
    expect(plain).toMatchObject({ status: "rejected", reason: unknown });
    expect(piped).toMatchObject({ status: "fulfilled", value: [[unknown], [unknown]] });
    expect(multi).toMatchObject({ status: "rejected", reason: unknown });
    expect(set).toMatchObject({ status: "fulfilled", value: 0 });
    // It was asked for: an INCR that is sent again is applied again.
    expect(counter).toMatchObject({ status: "fulfilled", value: 2 });
    expect(await trio.a.command("MGET", "plain", "piped:1", "piped:2", "multi:1", "multi:2")).toEqual(
      Array.from({ length: 5 }, () => "1"),
    );
  });

  it("fault 25: after two promotions a token of the first history can't be placed: never taken for safe", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const { redis } = await trio.client();
    const session = redis.session();
    await session.set("k", "v");
    const token = await session.token();
    await trio.inSync(a, b, c);
    await a.kill9();
    await trio.promote(b, c);
    await trio.inSync(b, c);
    // Who is to prove each step must have seen it.
    await eventually(() => redis.topology.master?.id === b.id);
    await b.kill9();
    await c.command("REPLICAOF", "NO", "ONE");
    await b.restart({ replicaOf: { host: c.host, port: c.port } });
    await trio.inSync(c, b);
    // It has seen neither of the first two histories.
    const late = new ReplicatedClient({ master: c.url, replicas: [b.url], discoverReplicas: false });
    trios.end(() => late.disconnect());
    await serving(late, 1);
    const carried = late.session(token);
    expect(carried.explain("get", "k").node).toBe(c.id);
    expect(await carried.get("k")).toBe("v");
    expect(await b.calls("get")).toBe(0);
    expect(late.session().explain("get", "k").node).toBe(b.id);
    // The client that was there all the time can prove it, link by link.
    await eventually(() => redis.topology.master?.id === c.id);
    expect(await session.get("k")).toBe("v");
    expect(session.lost).toEqual([]);
  });
});
