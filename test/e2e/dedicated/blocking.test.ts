import { beforeEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import type { RedisProcess } from "../../support/real-redis.js";
import { describeReal, startRedis, startRedisTopology } from "../../support/real-redis.js";
import type { ClientSide } from "./client-side.js";
import { useClientSides } from "./client-sides.js";

const blocked = async (server: RedisProcess): Promise<number> =>
  Number((await server.info("clients")).get("blocked_clients"));

describeReal("blocking commands on connections of their own", () => {
  const { client, own } = useClientSides();
  let server: RedisProcess;

  beforeEach(async () => {
    server = own(await startRedis());
  });

  it("pops what is pushed while it waits, and uses the connection again", async () => {
    const { block } = bound(client(server));
    const popped = block("blpop", ["list", 0]);
    await eventually(async () => expect(await blocked(server)).toBe(1));
    await server.command("LPUSH", "list", "one");
    expect(await popped).toEqual(["list", "one"]);
    const opened = (await server.info("stats")).get("total_connections_received");
    await server.command("LPUSH", "list", "two");
    expect(await block("brpop", ["list", 0])).toEqual(["list", "two"]);
    // The two raw calls of this test itself opened one connection each.
    expect(Number((await server.info("stats")).get("total_connections_received")) - Number(opened)).toBe(2);
  });

  it("answers null when the time is up, as the server does", async () => {
    const { block } = bound(client(server));
    expect(await block("blpop", ["none", "0.05"])).toBeNull();
    expect(await block("xread", ["BLOCK", 20, "STREAMS", "s", "0"])).toBeNull();
  });

  it("blocks several at once, each alone, and in the database asked for", async () => {
    const { block } = bound(client(server));
    const popped = [0, 1, 2].map((db) => block("blpop", ["list", 0], { db }));
    await eventually(async () => expect(await blocked(server)).toBe(3));
    for (const db of [2, 0, 1])
      await server.command("EVAL", `redis.call('select', ${db}); return redis.call('lpush', 'list', ${db})`, 0);
    expect(await Promise.all(popped)).toEqual([
      ["list", "0"],
      ["list", "1"],
      ["list", "2"],
    ]);
  });

  it("rejects with POOL_EXHAUSTED when all connections stay busy, and serves again when one is free", async () => {
    const { block } = bound(client(server, { pool: { max: 1, acquireTimeoutMs: 50 } }));
    const first = block("blpop", ["list", 0]);
    await eventually(async () => expect(await blocked(server)).toBe(1));
    await expect(block("blpop", ["other", 0])).rejects.toMatchObject({
      code: "IOREPLICA_POOL_EXHAUSTED",
      sent: "no",
      max: 1,
    });
    await server.command("LPUSH", "list", "x");
    expect(await first).toEqual(["list", "x"]);
    expect(await block("blpop", ["other", "0.01"])).toBeNull();
  });

  it("closes idle connections", async () => {
    const { block } = bound(client(server, { pool: { idleTimeoutMs: 30 } }));
    await block("blpop", ["list", "0.01"]);
    await eventually(async () => expect((await server.info("clients")).get("connected_clients")).toBe("1"));
    expect(await block("blpop", ["list", "0.01"])).toBeNull();
  });

  it("gives the server's own error, with the node and without values", async () => {
    const { block } = bound(client(server));
    await server.command("SET", "text", "secret-value");
    const error = await block("blpop", ["text", 0]).catch((each) => each);
    expect(error).toMatchObject({
      name: "ReplyError",
      code: "WRONGTYPE",
      node: server.id,
      command: { name: "blpop", args: [] },
    });
  });

  it("gives up at its deadline and at its signal, and leaves no blocked client behind", async () => {
    const { block } = bound(client(server));
    // With a connection that is open already nothing but promises stands between the call and the socket.
    await block("blpop", ["list", "0.01"]);
    await expect(block("blpop", ["list", 0], { timeoutMs: 30 })).rejects.toMatchObject({
      code: "IOREPLICA_TIMEOUT",
      sent: "unknown",
    });
    const abort = new AbortController();
    const popped = block("blpop", ["list", 0], { signal: abort.signal });
    const rejected = expect(popped).rejects.toMatchObject({ code: "IOREPLICA_ABORTED", cause: "enough" });
    await eventually(async () => expect(await blocked(server)).toBe(1));
    abort.abort("enough");
    await rejected;
    await eventually(async () => expect(await blocked(server)).toBe(0));
  });

  it("rejects what is blocked when the client closes", async () => {
    const side = client(server);
    const popped = side.block("blpop", ["list", 0]);
    const rejected = expect(popped).rejects.toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      message: "Connection is closed.",
      sent: "unknown",
    });
    await eventually(async () => expect(await blocked(server)).toBe(1));
    side.dedicated.close();
    await rejected;
    await side.dedicated.drained();
    await expect(side.block("blpop", ["list", 0])).rejects.toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      sent: "no",
    });
  });

  it("waits for a master, and names the time when there is none", async () => {
    const side = client(server, { failoverTimeoutMs: 60 });
    side.loseMaster();
    await expect(side.block("blpop", ["list", 0])).rejects.toMatchObject({ code: "IOREPLICA_NO_MASTER", sent: "no" });
    const popped = side.block("blpop", ["list", "0.01"]);
    side.follow(server);
    expect(await popped).toBeNull();
  });

  it("names the node and the reason when the master can't be connected to", async () => {
    const side = client(server, { failoverTimeoutMs: 200, pool: { acquireTimeoutMs: 50 } });
    await server.stop();
    const error = (await side.block("blpop", ["list", 0]).catch((each: unknown) => each)) as Error;
    expect(error).toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    expect(error.message).toMatch(new RegExp(`${server.id}.*ECONNREFUSED`));
    expect(side.checked).toContain(server.id);
  });

  it("does not know what became of a pop whose server was killed, but asks a read again", async () => {
    const side = client(server);
    const popped = side.block("blpop", ["list", 0]);
    const read = side.block("xread", ["BLOCK", 0, "STREAMS", "s", "0"], { readOnly: true });
    const rejected = expect(popped).rejects.toMatchObject({
      code: "IOREPLICA_UNKNOWN_OUTCOME",
      sent: "unknown",
      node: server.id,
    });
    await eventually(async () => expect(await blocked(server)).toBe(2));
    await server.kill9();
    await rejected;
    const next = own(await startRedis());
    side.follow(next);
    await next.command("XADD", "s", "1-1", "f", "v");
    expect(await read).toEqual([["s", [["1-1", ["f", "v"]]]]]);
  });

  it("asks again on the new master when the old one is demoted, for what is left of its time", async () => {
    const topology = own(await startRedisTopology({ replicas: 1 }));
    const [next] = topology.replicas as [RedisProcess];
    const side = client(topology.master);
    const popped = side.block("blpop", ["list", 30]);
    await eventually(async () => expect(await blocked(topology.master)).toBe(1));
    side.loseMaster();
    await next.command("REPLICAOF", "NO", "ONE");
    await topology.master.command("REPLICAOF", next.host, next.port);
    await eventually(() => expect(side.checked).toContain(topology.master.id));
    side.follow(next);
    await eventually(async () => expect(await blocked(next)).toBe(1));
    await next.command("LPUSH", "list", "after");
    expect(await popped).toEqual(["list", "after"]);
  });

  it("fetches what is blocked back from a master that was deposed without knowing it", async () => {
    const next = own(await startRedis());
    const side = client(server);
    const popped = side.block("blpop", ["list", 0]);
    await eventually(async () => expect(await blocked(server)).toBe(1));
    side.follow(next);
    await eventually(async () => expect(await blocked(next)).toBe(1));
    expect(await blocked(server)).toBe(0);
    await next.command("LPUSH", "list", "here");
    expect(await popped).toEqual(["list", "here"]);
  });

  it("does not wait for a deposed master that hangs: the outcome is unknown", async () => {
    const next = own(await startRedis());
    const side = client(server);
    const popped = side.block("blpop", ["list", 0]);
    const rejected = expect(popped).rejects.toMatchObject({ code: "IOREPLICA_UNKNOWN_OUTCOME" });
    await eventually(async () => expect(await blocked(server)).toBe(1));
    server.pause();
    side.follow(next);
    await rejected;
    server.resume();
  });

  it("does not wait for a hung server to be connected to once another is the master", async () => {
    const next = own(await startRedis());
    const side = client(server);
    server.pause();
    const popped = side.block("blpop", ["list", 0]);
    // The kernel accepts for the stopped process, so the connection hangs in its greeting.
    await eventually(() => expect(side.connecting).toBe(1));
    side.follow(next);
    await eventually(async () => expect(await blocked(next)).toBe(1));
    await next.command("LPUSH", "list", "x");
    expect(await popped).toEqual(["list", "x"]);
    server.resume();
  });

  it("counts the replicas in WAIT by a write of its own, since WAIT on an idle connection answers at once", async () => {
    const topology = own(await startRedisTopology({ replicas: 1 }));
    const [replica] = topology.replicas as [RedisProcess];
    const side = client(topology.master);
    expect(await side.block("wait", [1, 5000])).toBe(1);
    replica.pause();
    await topology.master.command("SET", "k", "v");
    expect(await side.block("wait", [1, 100])).toBe(0);
    replica.resume();
    expect(await side.block("wait", [1, 5000])).toBe(1);
  });
});

function bound(side: ClientSide): { block: ClientSide["block"] } {
  return { block: side.block.bind(side) };
}
