import { expect, it } from "vitest";
import type { ReplicatedClient } from "../../../src/index.js";
import { maintenance } from "../../figures/maintenance.js";
import { planned } from "../../figures/planned.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, type RedisProcess } from "../../support/real-redis.js";
import { relayed } from "../../support/relay.js";
import type { Trio } from "../../support/trio.js";
import { useTrios } from "./trios.js";

const INCR = "return redis.call('INCR', KEYS[1])";

describeReal("the master's role moves to another node", () => {
  const trios = useTrios();
  const missed = (figures: readonly { held: boolean; kind: string }[]) =>
    figures.filter(({ held, kind }) => kind === "count" && !held);

  it("fault 4: READONLY in every form is no answer for the caller: the command goes to the new master, once", async () => {
    const trio = await trios.open();
    const between = await relayed(trio.servers);
    trios.end(() => between.stop());
    const silence = (silent: boolean): void => {
      for (const relay of between.relays) relay.silence(silent);
    };
    let [from, to]: [RedisProcess, RedisProcess] = [trio.a, trio.b];
    const forms: [name: string, call: (redis: ReplicatedClient) => Promise<unknown>][] = [
      ["incr", (redis) => redis.incr("plain")],
      ["eval", (redis) => redis.eval(INCR, 1, "eval")],
      ["incr", (redis) => redis.pipeline().incr("pipeline").incr("pipeline").exec()],
      ["exec", (redis) => redis.multi().incr("multi").incr("multi").exec()],
    ];
    for (const [name, call] of forms) {
      // It looks seldom, and where it looks all the same it hears nothing before the call is on its way: nobody but the
      // refusal itself can tell it of the switch in time.
      const { redis } = await trio.client({ ...between.options, pollIntervalMs: 60_000, heartbeatTimeoutMs: 60_000 });
      const master = (): RedisProcess | undefined => {
        const port = redis.topology.master?.port;
        return trio.servers[between.relays.findIndex((relay) => relay.port === port)];
      };
      silence(true);
      await trio.failover(from, to);
      const before = await refusals(from);
      expect(master()).toBe(from);
      const answer = call(redis);
      silence(false);
      await answer;
      expect((await refusals(from)) - before, `${name} was refused by the old master`).toBeGreaterThan(0);
      expect(master()).toBe(to);
      await trio.inSync(to, from);
      [from, to] = [to, from];
    }
    expect(await from.command("MGET", "plain", "eval", "pipeline", "multi")).toEqual(["1", "1", "2", "2"]);
  });

  it("fault 4: a transaction whose node is demoted before EXEC begins again on the new master", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client();
    let tries = 0;
    const replies = await redis.transaction(["n"], async (tx) => {
      if (++tries === 1) await trio.failover(trio.a, trio.b);
      const n = Number((await tx.get("n")) ?? 0);
      return tx.multi().set("n", n + 1);
    });
    expect(replies).toEqual(["OK"]);
    expect(tries).toBeGreaterThan(1);
    expect(await trio.b.command("GET", "n")).toBe("1");
  });

  it("fault 5: planned FAILOVERs at one write per millisecond: no error, nothing lost, nothing twice", async () => {
    expect(missed(await planned.run(2))).toEqual([]);
  });

  it("fault 5: a rolling restart of all nodes under reads and writes: no failed call", async () => {
    expect(missed(await maintenance.run(1))).toEqual([]);
  }, 40_000);

  it("fault 20: a script that the new master does not know is sent whole, on the same node", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client({
      redisOptions: { scripts: { bump: { lua: INCR, numberOfKeys: 1 } } },
    });
    const scripted = redis as typeof redis & { bump(key: string): Promise<number> };
    for (let i = 1; i <= 5; i++) expect(await scripted.bump("n")).toBe(i);
    await trio.failover(trio.a, trio.b);
    for (let i = 6; i <= 10; i++) expect(await scripted.bump("n")).toBe(i);
    for (const server of [trio.a, trio.b]) expect(await server.calls("eval")).toBe(1);
    expect(await trio.b.calls("evalsha")).toBeGreaterThan(0);
    // Known to the connection, forgotten by the server: what it answers NOSCRIPT goes again whole, of a pipeline too.
    await trio.b.command("SCRIPT", "FLUSH");
    expect(await scripted.bump("n")).toBe(11);
    expect(await trio.b.calls("eval")).toBe(2);
    await trio.b.command("SCRIPT", "FLUSH");
    expect(await (redis.pipeline() as unknown as { bump(key: string): { exec(): unknown } }).bump("n").exec()).toEqual([
      [null, 12],
    ]);
    expect(await trio.b.calls("eval")).toBe(3);
    expect(await trio.a.calls("eval")).toBe(1);
  });

  it("fault 21: what is blocked at a demotion blocks on at the new master", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client();
    await redis.set("k", "v");
    const popped = redis.blpop("list", 30);
    const moved = redis.blmove("from", "to", "LEFT", "RIGHT", 30);
    const entries = redis.xread("BLOCK", 30_000, "STREAMS", "stream", "$");
    await blocked(trio.a, 3);
    await trio.failover(trio.a, trio.b);
    await blocked(trio.b, 3);
    await trio.b.commands([
      ["RPUSH", "list", "1"],
      ["RPUSH", "from", "2"],
      ["XADD", "stream", "1-1", "f", "3"],
    ]);
    expect(await popped).toEqual(["list", "1"]);
    expect(await moved).toBe("2");
    expect(await entries).toEqual([["stream", [["1-1", ["f", "3"]]]]]);
    expect(await trio.b.command("LLEN", "list")).toBe(0);
  });

  // Nothing at the old master ends what is blocked there: it lives, and nobody tells it that it is none any more.
  it("fault 21: what is blocked at a master in whose place another one is promoted is fetched from it", async () => {
    const trio = await trios.open();
    // To give the connections up instead would take as long as a look may.
    const { redis } = await trio.client({ pollIntervalMs: 100, heartbeatTimeoutMs: 60_000 });
    const popped = redis.blpop("list", 60);
    const entries = redis.xread("BLOCK", 60_000, "STREAMS", "stream", "0");
    await blocked(trio.a, 2);
    await trio.promote(trio.b, trio.c);
    await blocked(trio.b, 2);
    await blocked(trio.a, 0);
    for (const server of [trio.a, trio.b]) await server.command("RPUSH", "list", server.id);
    await trio.b.command("XADD", "stream", "1-1", "f", "v");
    expect(await popped).toEqual(["list", trio.b.id]);
    expect(await entries).toEqual([["stream", [["1-1", ["f", "v"]]]]]);
    expect(await trio.a.command("LLEN", "list")).toBe(1);
  });

  it("fault 21: killed while blocked: a pop is of unknown outcome, a read blocks on at the new master", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client();
    const popped = redis.blpop("list", 30).catch((error: unknown) => error);
    const entries = redis.xread("BLOCK", 30_000, "STREAMS", "stream", "0");
    await blocked(trio.a, 2);
    await trio.a.kill9();
    expect(await popped).toMatchObject({ code: "IOREPLICA_UNKNOWN_OUTCOME", sent: "unknown" });
    await trio.promote(trio.b, trio.c);
    await blocked(trio.b, 1);
    await trio.b.command("XADD", "stream", "1-1", "f", "v");
    expect(await entries).toEqual([["stream", [["1-1", ["f", "v"]]]]]);
  });

  it("fault 22: a subscription moves to the new master, each message comes once, the gap is told", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client();
    const heard: string[] = [];
    const gaps: unknown[] = [];
    redis.on("message", (_channel: string, message: string) => heard.push(message));
    redis.on("resubscribed", (gap: unknown) => gaps.push(gap));
    await redis.subscribe("news");
    await trio.a.command("PUBLISH", "news", "before");
    await eventually(() => expect(heard).toEqual(["before"]));
    await trio.failover(trio.a, trio.b);
    await eventually(() => expect(gaps).toMatchObject([{ from: trio.a.id, to: trio.b.id }]));
    for (let i = 0; i < 20; i++) await trio.b.command("PUBLISH", "news", `after ${i}`);
    await eventually(() => expect(heard).toHaveLength(21));
    expect(heard.slice(1)).toEqual(Array.from({ length: 20 }, (_, i) => `after ${i}`));
    await unsubscribedFrom(trio);
  });

  it("fault 22: a subscriber's dead link is found out without a message on it", async () => {
    const trio = await trios.open();
    const { redis } = await trio.client({ pollIntervalMs: 100, heartbeatTimeoutMs: 300 });
    const heard: string[] = [];
    const gaps: unknown[] = [];
    redis.on("message", (_channel: string, message: string) => heard.push(message));
    redis.on("resubscribed", (gap: unknown) => gaps.push(gap));
    await redis.subscribe("news");
    trio.a.pause();
    trios.end(() => trio.a.alive && trio.a.resume());
    await trio.promote(trio.b, trio.c);
    await eventually(() => expect(gaps).toMatchObject([{ from: trio.a.id, to: trio.b.id }]));
    await trio.b.command("PUBLISH", "news", "after");
    await eventually(() => expect(heard).toEqual(["after"]));
  });
});

/** Commands that it answered with READONLY, or with what follows from that. */
async function refusals(server: RedisProcess): Promise<number> {
  const errors = await server.info("errorstats");
  return Number(/count=(\d+)/.exec(errors.get("errorstat_READONLY") ?? "")?.[1] ?? 0);
}

async function blocked(server: RedisProcess, count: number): Promise<void> {
  await eventually(async () => expect((await server.info("clients")).get("blocked_clients")).toBe(String(count)));
}

/** Nothing of ours listens at the old master any more. */
async function unsubscribedFrom({ a }: Trio): Promise<void> {
  await eventually(async () => expect(await a.command("PUBSUB", "NUMSUB", "news")).toEqual(["news", 0]));
}
