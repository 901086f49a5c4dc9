import { describe, expect, it } from "vitest";
import { startCore } from "../dispatch/harness.js";

const invalid = (...keys: string[]): string =>
  `>2|$10|invalidate|*${keys.length}|${keys.map((key) => `$${key.length}|${key}|`).join("")}`;
const ALL = ">2|$10|invalidate|_|";

/** A reader in RESP3 that tracks, and somebody who writes. */
async function tracked(options = "", settings: Record<string, string | number> = {}) {
  const server = startCore(settings);
  const [reader, writer] = [server.connect(), server.connect()];
  await reader.send("hello 3", `client tracking on ${options}`);
  return { ...server, reader, writer };
}

describe("client-side caching", () => {
  it("tells who has read a key that it changed, once", async () => {
    const { reader, writer } = await tracked();
    await reader.send("mget a b");
    await writer.send("set a 1", "set a 2", "set other 1");
    expect(await reader.got()).toBe(invalid("a"));
    await reader.send("get a");
    await writer.send("del a", "set b 1");
    expect(await reader.got()).toBe(invalid("a") + invalid("b"));
  });

  it("tells after the reply what the client's own command has changed, after EXEC in a transaction", async () => {
    const { reader } = await tracked();
    expect(await reader.send("get a", "set a 1")).toBe(`_|+OK|${invalid("a")}`);
    await reader.send("get a");
    expect(await reader.send("multi", "incr a", "get a", "exec")).toBe(
      `+OK|+QUEUED|+QUEUED|*2|:2|$1|2|${invalid("a")}`,
    );
  });

  it("does not tell a NOLOOP client of its own changes", async () => {
    const { reader, writer } = await tracked("noloop");
    expect(await reader.send("mget a b", "set a 1")).toBe("*2|_|_|+OK|");
    await writer.send("set b 1");
    expect(await reader.got()).toBe(invalid("b"));
  });

  it("tells of keys that time has removed", async () => {
    const { reader, writer, clock } = await tracked();
    await writer.send("set a 1 px 50", "debug set-active-expire 0");
    await reader.send("get a");
    clock.stepEpoch(51);
    await writer.send("get a");
    expect(await reader.got()).toBe(invalid("a"));
  });

  it("says once that everything is invalid when databases are emptied", async () => {
    const { core, reader, writer } = await tracked();
    await reader.send("get a");
    await writer.send("flushall");
    expect(await reader.got()).toBe(ALL);
    expect(core.tracking.keyCount).toBe(0);
    expect(await reader.send("multi", "flushdb", "exec")).toBe(`+OK|+QUEUED|*1|+OK|${ALL}`);
  });

  it("remembers only what OPTIN and OPTOUT say", async () => {
    const { core, reader } = await tracked("optin");
    await reader.send("get a");
    expect(core.tracking.keyCount).toBe(0);
    await reader.send("client caching yes", "get a", "get b");
    expect(core.tracking.keyCount).toBe(1);
    await reader.send("client caching yes", "multi", "get c", "get d", "exec", "get e");
    expect(core.tracking.keyCount).toBe(3);
    await reader.send("client tracking off", "client tracking on optout", "client caching no", "get f", "get g");
    expect(core.tracking.keyCount).toBe(1);
  });

  it("tells of every change under a prefix, gathered, in BCAST mode", async () => {
    const { reader, writer } = await tracked("bcast prefix a: prefix b: noloop");
    await writer.send("mset a:2 1 a:1 1 b:1 1 c 1");
    expect(await reader.got()).toBe(invalid("a:1", "a:2") + invalid("b:1"));
    expect(await reader.send("set a:3 1")).toBe("+OK|");
  });

  it("sends to another client, as a message where that speaks RESP2", async () => {
    const { connect, writer } = await tracked();
    const [reader, listener] = [connect(), connect()];
    const id = (await listener.send("client id")).slice(1, -1);
    await listener.send("subscribe __redis__:invalidate");
    await reader.send(`client tracking on redirect ${id}`, "get a");
    await writer.send("set a 1");
    expect(await listener.got()).toBe("*3|$7|message|$20|__redis__:invalidate|*1|$1|a|");
    await reader.send("hello 3", "get a");
    await listener.send("quit");
    await writer.send("set a 1");
    expect(await reader.got()).toBe(`>2|$21|tracking-redir-broken|:${id}|`);
    expect(await reader.send("client trackinginfo")).toContain("broken_redirect");
  });

  it("forgets keys beyond tracking-table-max-keys, and says so", async () => {
    const { core, clock, reader } = await tracked("", { "tracking-table-max-keys": 2 });
    await reader.send("mget a b c");
    expect(core.tracking.keyCount).toBe(3);
    clock.advance(100);
    expect(await reader.got()).toBe(invalid("a"));
    await reader.send("mget d e");
    expect(await reader.send("ping")).toBe(`${invalid("b")}${invalid("c")}+PONG|`);
  });

  it("takes the keys that a script names for read if it reads anything", async () => {
    const { core, reader, writer } = await tracked();
    await reader.send("eval \"return redis.call('set', KEYS[1], 1)\" 1 a", "eval_ro \"return redis.call('ping')\" 1 a");
    expect(core.tracking.keyCount).toBe(0);
    await reader.send("eval \"return redis.call('get', 'other')\" 2 a b");
    await writer.send("set b 1", "set other 1");
    expect(await reader.got()).toBe(invalid("b"));
  });

  it("costs nothing more when the last client that tracks is gone", async () => {
    const { core, reader } = await tracked();
    await reader.send("get a");
    expect([core.tracking.active, core.keyspace.tracker === null]).toEqual([true, false]);
    await reader.send("quit");
    expect([core.tracking.active, core.keyspace.tracker, core.tracking.keyCount]).toEqual([false, null, 0]);
  });
});
