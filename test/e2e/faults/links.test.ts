import { Redis } from "ioredis";
import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { expect, it } from "vitest";
import { LinkProxy } from "../../../src/cli/stage/link-proxy.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, inSync } from "../../support/real-redis.js";
import { Relay, relayed } from "../../support/relay.js";
import { serving } from "../../support/trio.js";
import { WriteLoad } from "../../support/write-load.js";
import { failure, healthOf, useTrios } from "./trios.js";

describeReal("the ways between client and servers", () => {
  const trios = useTrios();

  it("fault 13: in a chain whose first link stands still the last one stays up: staleness is told against the master", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const link = await LinkProxy.start({ host: a.host, port: a.port });
    trios.end(() => link.stop());
    await c.command("REPLICAOF", b.host, b.port);
    await b.command("REPLICAOF", "127.0.0.1", link.port);
    await inSync(a, [b], { relayPort: link.port });
    await eventually(async () => expect((await c.info("replication")).get("master_link_status")).toBe("up"));
    const redis = new ReplicatedClient({ ...trio.topology.options, discoverReplicas: false });
    trios.end(() => redis.disconnect());
    await serving(redis, 2);
    const bounded = redis.with({ maxStalenessMs: 200, consistency: "eventual" });
    const onlyReplicas = redis.with({ maxStalenessMs: 200, consistency: "eventual", readFrom: "replica" });
    await a.command("SET", "k", "old");
    await eventually(async () => expect(await c.command("GET", "k")).toBe("old"));
    link.hold();
    await a.command("SET", "k", "new");
    expect((await c.info("replication")).get("master_link_status")).toBe("up");
    await eventually(async () =>
      expect(await failure(onlyReplicas.get("k")).catch(() => null)).toMatchObject({
        code: "IOREPLICA_NO_ELIGIBLE_REPLICA",
      }),
    );
    for (let i = 0; i < 50; i++) expect(await bounded.get("k")).toBe("new");
    link.release();
    await eventually(async () => expect(await onlyReplicas.get("k").catch(() => null)).toBe("new"));
  });

  it("fault 14: a half-open master: its calls end as unknown, later ones wait for the next master, none is applied twice", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const between = await relayed(trio.servers);
    trios.end(() => between.stop());
    const { redis } = await trio.client({ ...between.options, pollIntervalMs: 100, heartbeatTimeoutMs: 300 });
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.acked > 100);
    between.relays[0]?.silence(true);
    await eventually(() => load.unknown > 0);
    await eventually(() => healthOf(redis, { id: `127.0.0.1:${between.relays[0]?.port}` }) === "down");
    await trio.promote(b, c);
    const acked = load.acked;
    await eventually(() => load.acked > acked + 100);
    between.relays[0]?.silence(false);
    await load.end();
    const verdict = await load.verdict(b);
    expect(verdict).toMatchObject({ errors: [], twice: [], denied: [], pending: 0 });
    // What the network swallowed was never acknowledged; what was is on both.
    expect(verdict.lost).toEqual([]);
    expect(await a.command("DBSIZE")).toBeLessThan(load.issued);
  });

  it("fault 16: maxclients: the server's words stand in the error, and it is let in as soon as there is room", async () => {
    const trio = await trios.open();
    const { a } = trio;
    // Nobody else has room once it is full.
    const inside = new Redis(a.port, a.host);
    trios.end(() => inside.disconnect());
    await inside.config("SET", "maxclients", "1");
    const redis = new ReplicatedClient({ master: a.url, discoverReplicas: false, failoverTimeoutMs: 400 });
    trios.end(() => redis.disconnect());
    redis.on("error", () => {});
    expect((await failure(redis.incr("n"))).message).toMatch(/max number of clients reached/);
    await inside.config("SET", "maxclients", "1000");
    await eventually(async () => expect(await redis.incr("n")).toBe(1));
  });

  it("fault 26: the client's own pause is nobody's death", async () => {
    const trio = await trios.open();
    const { a } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 50, heartbeatTimeoutMs: 100 });
    const load = new WriteLoad(redis).begin(1);
    for (let round = 0; round < 5; round++) {
      const acked = load.acked;
      await eventually(() => load.acked > acked + 20);
      const until = performance.now() + 400;
      while (performance.now() < until);
    }
    await load.end();
    expect(await load.verdict(a)).toMatchObject({ errors: [], unknown: 0, lost: [], twice: [], pending: 0 });
    expect(events.filter(({ type }) => /^(masterChanged|splitBrain|nodeHealth|failoverStarted)$/.test(type))).toEqual(
      [],
    );
  });

  it("fault 27: behind the master's address is another machine: it is found there, and judged by its history", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const address = await Relay.start(a.port);
    trios.end(() => address.stop());
    const redis = new ReplicatedClient({ master: address.url, discoverReplicas: false, pollIntervalMs: 100 });
    trios.end(() => redis.disconnect());
    const events: TopologyEvent[] = [];
    redis.on("topology", (event: TopologyEvent) => events.push(event));
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.acked > 100);
    await a.kill9();
    await trio.promote(b, c);
    address.retarget(b.port);
    const acked = load.acked;
    await eventually(() => load.acked > acked + 100);
    await load.end();
    const verdict = await load.verdict(b);
    expect(verdict).toMatchObject({ errors: [], twice: [], denied: [], pending: 0, lost: [] });
    const { runId } = redis.topology.master ?? {};
    expect(runId).toBe((await b.info("server")).get("run_id"));
    // Its history is the former one's heir, and that can be proven.
    expect(events.filter(({ type }) => type === "historyChanged")).toMatchObject([{ proven: true }]);
    expect(events.filter(({ type }) => /^(historyReset|splitBrain)$/.test(type))).toEqual([]);
  });
});
