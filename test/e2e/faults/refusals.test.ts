import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ReplicatedClient } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, startRedis } from "../../support/real-redis.js";
import { WriteLoad } from "../../support/write-load.js";
import { allReject, connectionsTo, failure, healthOf, rejections, useTrios } from "./trios.js";

describeReal("a server refuses", () => {
  const trios = useTrios();

  it("fault 7: NOREPLICAS: writes of every form wait and are applied once, reads go on, nobody is failed over", async () => {
    const trio = await trios.open();
    const { a } = trio;
    const { redis, events } = await trio.client();
    await redis.set("k", "v");
    await a.command("CONFIG", "SET", "min-replicas-to-write", 3);
    const writes = [
      redis.incr("plain"),
      redis.multi().incr("multi").exec(),
      redis.pipeline().incr("piped").exec(),
      redis.eval("return redis.call('INCR', KEYS[1])", 1, "scripted"),
      redis.flushdb(),
      redis.incr("after"),
    ];
    await eventually(async () => expect(await rejections(a, "incr")).toBeGreaterThan(2));
    // Its own reads stand behind its FLUSHDB; others go on.
    const others = redis.with({ consistency: "eventual" });
    for (let i = 0; i < 50; i++) expect(await others.get("k")).toBe("v");
    expect(await a.command("DBSIZE")).toBe(1);
    await a.command("CONFIG", "SET", "min-replicas-to-write", 0);
    expect(await Promise.all(writes)).toEqual([1, [[null, 1]], [[null, 1]], 1, "OK", 1]);
    expect(await a.command("KEYS", "*")).toEqual(["after"]);
    // What a script returns it may return after it has written: that is the caller's to decide, in the server's words.
    await a.command("CONFIG", "SET", "min-replicas-to-write", 3);
    const returned = "return redis.pcall('INCR', KEYS[1])";
    for (const script of [returned, `#!lua\n${returned}`])
      expect((await failure(redis.eval(script, 1, "n"))).message).toBe("NOREPLICAS Not enough good replicas to write.");
    expect(events.filter(({ type }) => /^(masterChanged|splitBrain|historyReset)$/.test(type))).toEqual([]);
  });

  it("fault 10: LOADING: a replica that loads is not read from, a master that loads is waited for, without an error", async () => {
    const trio = await trios.open();
    const { a, b } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 50 });
    await redis.set("k", "v");
    for (const server of [b, a]) {
      await server.command("DEBUG", "POPULATE", 20_000);
      await server.commands([
        ["CONFIG", "SET", "key-load-delay", 200],
        ["CONFIG", "SET", "loading-process-events-interval-bytes", 1024],
      ]);
      const reloading = server.command("DEBUG", "RELOAD").catch(() => {});
      await eventually(async () => expect((await server.info("persistence")).get("loading")).toBe("1"));
      const calls = Array.from({ length: 50 }, () => redis.get("k"));
      const write = redis.incr("n");
      if (server === b) expect(await Promise.all(calls)).toEqual(calls.map(() => "v"));
      await eventually(() => expect(healthOf(redis, server)).toBe("loading"));
      await server.command("CONFIG", "SET", "key-load-delay", 0);
      await reloading;
      expect(await Promise.all(calls)).toEqual(calls.map(() => "v"));
      expect(await write).toBe(server === b ? 1 : 2);
    }
    expect(events.filter(({ type }) => /^(masterChanged|splitBrain|historyReset)$/.test(type))).toEqual([]);
  });

  it("fault 12: MASTERDOWN: a replica that refuses stale reads is left for one that serves", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    await a.command("SET", "k", "v");
    await trio.inSync(a, b, c);
    // Polled once a minute: that the link is down is told by the refusal and by nothing else.
    const { redis } = await trio.client({ pollIntervalMs: 60_000 });
    await b.command("CONFIG", "SET", "replica-serve-stale-data", "no");
    await b.command("REPLICAOF", "127.0.0.1", await freePort());
    await eventually(async () => {
      expect(await Promise.all(Array.from({ length: 20 }, () => redis.get("k")))).toEqual(Array(20).fill("v"));
      expect(await rejections(b, "get")).toBeGreaterThan(0);
    });
    await eventually(() => expect(healthOf(redis, b)).not.toBe("up"));
    const before = await rejections(b, "get");
    for (let i = 0; i < 200; i++) expect(await redis.get("k")).toBe("v");
    expect(await rejections(b, "get")).toBe(before);
    await a.kill9();
    await trio.promote(c, b);
    expect(await redis.incr("n")).toBe(1);
  });

  it("fault 17: OOM and MISCONF are the answer: once, in the server's words, and reads go on", async () => {
    const trio = await trios.open();
    const { a } = trio;
    const { redis, events } = await trio.client();
    await redis.set("k", "v");
    await trio.inSync(a, trio.b, trio.c);
    await a.command("CONFIG", "SET", "maxmemory", 1);
    expect((await failure(redis.incr("n"))).message).toBe("OOM command not allowed when used memory > 'maxmemory'.");
    expect(await rejections(a, "incr")).toBe(1);
    for (let i = 0; i < 20; i++) expect(await redis.get("k")).toBe("v");
    await a.command("CONFIG", "SET", "maxmemory", 0);
    expect(await redis.incr("n")).toBe(1);
    // A directory that is gone can't be written to even by root.
    rmSync(a.dir, { recursive: true });
    await a.command("CONFIG", "SET", "save", "3600 1");
    await a.command("BGSAVE");
    await eventually(async () => expect((await a.info("persistence")).get("rdb_last_bgsave_status")).toBe("err"));
    expect(await failure(redis.incr("n"))).toMatchObject({ code: "MISCONF", node: a.id });
    expect(await rejections(a, "incr")).toBe(2);
    expect(await redis.get("k")).toBe("v");
    await a.command("CONFIG", "SET", "save", "");
    expect(await redis.incr("n")).toBe(2);
    expect(events.filter(({ type }) => type === "masterChanged")).toEqual([]);
  });

  it("fault 18: a wrong password, a missing one, a missing permission: told in words, once, and not tried in a loop", async () => {
    const server = await startRedis({ password: "right" });
    trios.end(() => server.stop());
    const address = { host: server.host, port: server.port };
    for (const [options, text] of [
      [{}, /NOAUTH/],
      [{ password: "wrong" }, /WRONGPASS/],
      [{ username: "blind", password: "p" }, /NOPERM.*INFO/i],
    ] as const) {
      await server.command("ACL", "SETUSER", "blind", "on", ">p", "~*", "+@all", "-info");
      const redis = new ReplicatedClient({ master: { ...address, ...options }, failoverTimeoutMs: 600 });
      trios.end(() => redis.disconnect());
      const told: Error[] = [];
      redis.on("error", (error: Error) => told.push(error));
      const before = await connectionsTo(server);
      const error = await failure(redis.set("k", "v"));
      expect(error.message).toMatch(text);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("wrong");
      expect(told.map(({ message }) => message)).toEqual([expect.stringMatching(text)]);
      expect(told[0]?.message).toMatch(/may run INFO/);
      // The call is over, the tries are not: two links, with growing gaps. In this time a loop makes hundreds.
      const opened = async () => (await connectionsTo(server)) - before;
      await eventually(async () => expect(await opened()).toBeGreaterThan(6));
      await sleep(600);
      expect(await opened()).toBeLessThan(60);
      expect(told).toHaveLength(1);
      redis.disconnect();
    }
  });

  it("fault 18: a user that is deleted loses its connections, and is let in again without being asked for", async () => {
    const trio = await trios.open();
    for (const server of trio.servers) await server.command("ACL", "SETUSER", "app", "on", ">p", "~*", "&*", "+@all");
    const { redis } = await trio.client({ redisOptions: { username: "app", password: "p" } });
    expect(await redis.incr("n")).toBe(1);
    for (const server of trio.servers) await server.command("ACL", "DELUSER", "app");
    const waiting = redis.incr("n");
    // None lets it in any more: where that had been so from the beginning, calls would reject.
    await eventually(() => {
      for (const { health, reason } of redis.topology.nodes)
        expect(`${health}: ${reason}`).toMatch(/^down: .*(WRONGPASS|NOAUTH)/);
    });
    for (const server of trio.servers) await server.command("ACL", "SETUSER", "app", "on", ">p", "~*", "&*", "+@all");
    expect(await waiting).toBe(2);
  });

  // Each call waited for failoverTimeoutMs, 15 s; with ioredis it rejects at once.
  it("fault 18: where no node takes the password calls reject at once, and go through as soon as it is taken", async () => {
    const server = await startRedis({ password: "right" });
    trios.end(() => server.stop());
    const master = { host: server.host, port: server.port, username: "late", password: "p" };
    const redis = new ReplicatedClient({ master, failoverTimeoutMs: 600_000 });
    trios.end(() => redis.disconnect());
    const told: string[] = [];
    redis.on("error", (error: Error) => told.push(error.message));
    await allReject(redis, /WRONGPASS/);
    expect(told).toHaveLength(1);
    await server.command("ACL", "SETUSER", "late", "on", ">p", "~*", "+@all");
    await eventually(async () => expect(await redis.set("k", "v")).toBe("OK"));
  });

  it("fault 18: a command without permission is the caller's error, in the server's words", async () => {
    const trio = await trios.open();
    const { redis, events } = await trio.client();
    await trio.a.command("ACL", "SETUSER", "default", "-incr");
    expect(await failure(redis.incr("n"))).toMatchObject({
      name: "ReplyError",
      code: "NOPERM",
      message: "NOPERM this user has no permissions to run the 'incr' command",
    });
    expect(await rejections(trio.a, "incr")).toBe(1);
    expect(await redis.set("k", "v")).toBe("OK");
    expect(events.filter(({ type }) => type === "failoverStarted")).toEqual([]);
  });

  it("fault 19: BUSY: the master lives, its writes wait in order and are applied once", async () => {
    const trio = await trios.open();
    const { a } = trio;
    const { redis, events } = await trio.client({ pollIntervalMs: 100, heartbeatTimeoutMs: 500 });
    await a.command("CONFIG", "SET", "busy-reply-threshold", 20);
    const running = a.command("EVAL", "while true do end", 0).catch(() => {});
    await eventually(async () => expect(await a.command("PING").catch(String)).toMatch(/BUSY/));
    const load = new WriteLoad(redis).begin(1);
    await eventually(() => load.issued > 1000);
    expect(load.acked).toBe(0);
    await eventually(() => expect(healthOf(redis, a)).toBe("up"));
    await a.command("SCRIPT", "KILL");
    await running;
    await load.end();
    expect(await load.verdict(a)).toMatchObject({ errors: [], unknown: 0, lost: [], twice: [], pending: 0 });
    expect(events.filter(({ type }) => /^(masterChanged|splitBrain|failoverStarted)$/.test(type))).toEqual([]);
  });
});
