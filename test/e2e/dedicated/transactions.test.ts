import { beforeEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal, type RedisProcess, startRedis, startRedisTopology } from "../../support/real-redis.js";
import { type ClientSide, carry } from "./client-side.js";
import { useClientSides } from "./client-sides.js";

describeReal("WATCH and interactive MULTI on a connection of their own", () => {
  const sides = useClientSides();
  let server: RedisProcess;

  const client = (master: RedisProcess): ClientSide => sides.client(master, { failoverTimeoutMs: 500 });
  const connections = async (): Promise<number> => Number((await server.info("clients")).get("connected_clients"));

  beforeEach(async () => {
    server = sides.own(await startRedis());
  });

  it("guards a transaction: EXEC answers null when a watched key changed", async () => {
    const view = client(server).dedicated.transactions();
    expect(view.wants("get")).toBe(false);
    expect(view.wants("multi")).toBe(false);
    expect(view.wants("WATCH")).toBe(true);
    expect(await carry(view, "watch", "k")).toBe("OK");
    expect(view.wants("get")).toBe(false);
    expect(view.wants("multi")).toBe(true);
    await server.command("SET", "k", "theirs");
    const replies = [carry(view, "multi"), carry(view, "set", "k", "mine"), carry(view, "exec")];
    expect(view.wants("multi")).toBe(false);
    expect(await Promise.all(replies)).toEqual(["OK", "QUEUED", null]);
    expect(await server.command("GET", "k")).toBe("theirs");
  });

  it("applies it when nobody interfered, and lends the same connection again", async () => {
    const side = client(server);
    const view = side.dedicated.transactions();
    const before = await connections();
    for (const value of ["1", "2"]) {
      await carry(view, "watch", "k");
      const replies = await Promise.all([carry(view, "multi"), carry(view, "set", "k", value), carry(view, "exec")]);
      expect(replies).toEqual(["OK", "QUEUED", ["OK"]]);
    }
    expect((await connections()) - before).toBe(1);
    expect(await server.command("GET", "k")).toBe("2");
  });

  it("lets two views watch at once without touching each other", async () => {
    const { dedicated } = client(server);
    const [a, b] = [dedicated.transactions(), dedicated.transactions()];
    await Promise.all([carry(a, "watch", "k"), carry(b, "watch", "k")]);
    await Promise.all([carry(a, "multi"), carry(a, "set", "k", "a"), carry(a, "exec")]);
    const late = await Promise.all([carry(b, "multi"), carry(b, "set", "k", "b"), carry(b, "exec")]);
    expect(late).toEqual(["OK", "QUEUED", null]);
  });

  it("UNWATCH and DISCARD end the episode", async () => {
    const view = client(server).dedicated.transactions();
    await carry(view, "watch", "k");
    expect(await carry(view, "unwatch")).toBe("OK");
    expect(view.wants("exec")).toBe(false);
    await carry(view, "watch", "k");
    await carry(view, "multi");
    expect(view.wants("get")).toBe(true);
    expect(await carry(view, "discard")).toBe("OK");
    expect(view.wants("get")).toBe(false);
  });

  it("carries an interactive MULTI whole, errors at queueing included", async () => {
    const view = client(server).dedicated.transactions();
    expect(await carry(view, "multi")).toBe("OK");
    expect(await carry(view, "incr", "n")).toBe("QUEUED");
    expect(await carry(view, "get", "n")).toBe("QUEUED");
    expect(await carry(view, "exec")).toEqual([1, "1"]);
    await carry(view, "multi");
    await expect(carry(view, "incr")).rejects.toMatchObject({ code: "ERR", command: { name: "incr", args: [] } });
    await expect(carry(view, "exec")).rejects.toMatchObject({ code: "EXECABORT", node: server.id });
  });

  it("refuses everything up to EXEC when the connection was lost while watching, and applies nothing", async () => {
    const side = client(server);
    const view = side.dedicated.transactions();
    await carry(view, "watch", "k");
    await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await eventually(async () => expect(await connections()).toBe(1));
    const refused = ["multi", "set", "exec"].map((name) => {
      const outcome = name === "set" ? carry(view, "set", "k", "unguarded") : carry(view, name);
      return expect(outcome).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND", sent: "no", retriable: true });
    });
    await Promise.all(refused);
    expect(await server.command("EXISTS", "k")).toBe(0);
    expect(view.wants("get")).toBe(false);
    await carry(view, "watch", "k");
    expect(await Promise.all([carry(view, "multi"), carry(view, "set", "k", "1"), carry(view, "exec")])).toEqual([
      "OK",
      "QUEUED",
      ["OK"],
    ]);
  });

  it("still refuses EXEC after the caller was told at MULTI, and lets everything else pass", async () => {
    const view = client(server).dedicated.transactions();
    await carry(view, "watch", "k");
    await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await eventually(async () => expect(await connections()).toBe(1));
    await expect(carry(view, "multi")).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND" });
    expect(view.wants("get")).toBe(false);
    expect(view.wants("exec")).toBe(true);
    await expect(carry(view, "exec")).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND" });
    expect(view.wants("exec")).toBe(false);
  });

  it("begins anew with WATCH after a loss; UNWATCH after a loss is content", async () => {
    const view = client(server).dedicated.transactions();
    for (const next of ["watch", "unwatch"] as const) {
      await carry(view, "watch", "k");
      await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await eventually(async () => expect(await connections()).toBe(1));
      expect(await (next === "watch" ? carry(view, "watch", "k") : carry(view, "unwatch"))).toBe("OK");
      if (next === "watch") await carry(view, "unwatch");
      expect(view.wants("multi")).toBe(false);
    }
  });

  it("does not know what became of an EXEC without a reply", async () => {
    const view = client(server).dedicated.transactions();
    await carry(view, "watch", "k");
    await carry(view, "multi");
    await carry(view, "set", "k", "v");
    server.pause();
    const exec = carry(view, "exec");
    const rejected = expect(exec).rejects.toMatchObject({
      code: "IOREPLICA_UNKNOWN_OUTCOME",
      command: { name: "exec", args: [] },
    });
    // Only once it is in the socket may the server be killed.
    await new Promise((resolve) => setImmediate(resolve));
    await server.kill9();
    await rejected;
    expect(view.wants("get")).toBe(false);
  });

  it("never moves to another master: what was watched on the old one is refused", async () => {
    const topology = sides.own(await startRedisTopology({ replicas: 1 }));
    const [next] = topology.replicas as [RedisProcess];
    const side = client(topology.master);
    const view = side.dedicated.transactions();
    await carry(view, "watch", "k");
    await next.command("REPLICAOF", "NO", "ONE");
    side.follow(next);
    const refused = [carry(view, "multi"), carry(view, "set", "k", "v"), carry(view, "exec")];
    for (const each of await Promise.allSettled(refused)) {
      expect(each).toMatchObject({ status: "rejected", reason: { code: "IOREPLICA_CONNECTION_BOUND" } });
    }
    expect(await next.command("EXISTS", "k")).toBe(0);
    expect(await topology.master.command("EXISTS", "k")).toBe(0);
    expect(await carry(view, "watch", "k")).toBe("OK");
    expect(view.node).toBe(next.id);
  });

  it("a MULTI that finds no master leaves the view free", async () => {
    const side = client(server);
    const view = side.dedicated.transactions();
    side.loseMaster();
    await expect(carry(view, "multi")).rejects.toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    expect(view.wants("get")).toBe(false);
  });
});
