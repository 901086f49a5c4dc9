import { inspect } from "node:util";
import { beforeEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeReal, type RedisProcess, startRedis, startRedisTopology } from "../../support/real-redis.js";
import type { ClientSide } from "./client-side.js";
import { useClientSides } from "./client-sides.js";

describeReal("subscriptions and MONITOR on connections of their own", () => {
  const { client, own } = useClientSides();
  let server: RedisProcess;

  const heard = (side: ClientSide): unknown[][] => {
    const messages: unknown[][] = [];
    for (const event of ["message", "pmessage", "smessage"])
      side.events.on(event, (...args) => messages.push([event, ...args]));
    return messages;
  };

  beforeEach(async () => {
    server = own(await startRedis());
  });

  it("hears channels, patterns and shard channels, and counts as ioredis does", async () => {
    const side = client(server);
    const messages = heard(side);
    expect(await side.subscriber("subscribe", "a", "b")).toBe(2);
    expect(await side.subscriber("psubscribe", "p*")).toBe(3);
    expect(await side.subscriber("SSUBSCRIBE", "s")).toBe(1);
    const buffers: unknown[][] = [];
    side.events.on("messageBuffer", (...args) => buffers.push(args));
    await server.command("PUBLISH", "a", "1");
    await server.command("PUBLISH", "px", "2");
    await server.command("SPUBLISH", "s", "3");
    await eventually(() => expect(messages).toHaveLength(3));
    expect(messages).toEqual([
      ["message", "a", "1"],
      ["pmessage", "p*", "px", "2"],
      ["smessage", "s", "3"],
    ]);
    expect(buffers).toEqual([[Buffer.from("a"), Buffer.from("1")]]);
    expect(await side.subscriber("unsubscribe", "a")).toBe(2);
    await server.command("PUBLISH", "a", "unheard");
    await server.command("PUBLISH", "b", "4");
    await eventually(() => expect(messages.at(-1)).toEqual(["message", "b", "4"]));
    expect(messages).toHaveLength(4);
  });

  it("closes its connection when nothing is subscribed to, and UNSUBSCRIBE of nothing opens none", async () => {
    const side = client(server);
    expect(await side.subscriber("unsubscribe")).toBe(0);
    expect((await server.info("clients")).get("connected_clients")).toBe("1");
    await side.subscriber("subscribe", "a", "b");
    expect(await side.subscriber("unsubscribe")).toBe(0);
    await eventually(async () => expect((await server.info("clients")).get("connected_clients")).toBe("1"));
  });

  it("keeps binary channels apart from text only as far as ioredis does, and subscribes to their bytes", async () => {
    const side = client(server);
    const buffers: unknown[][] = [];
    side.events.on("messageBuffer", (...args) => buffers.push(args));
    const channel = Buffer.from([0xff, 0x00, 0x61]);
    await side.subscriber("subscribe", channel);
    await server.command("PUBLISH", channel, "x");
    await eventually(() => expect(buffers).toEqual([[channel, Buffer.from("x")]]));
  });

  it("subscribes again after a lost connection and tells of the gap", async () => {
    const side = client(server);
    const messages = heard(side);
    const gaps: unknown[] = [];
    side.events.on("resubscribed", (gap) => gaps.push(gap));
    await side.subscriber("subscribe", "a");
    await side.subscriber("psubscribe", "p*");
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually(() => expect(gaps).toEqual([{ from: server.id, to: server.id, gapMs: expect.any(Number) }]));
    await server.command("PUBLISH", "a", "1");
    await server.command("PUBLISH", "pq", "2");
    await eventually(() =>
      expect(messages).toEqual([
        ["message", "a", "1"],
        ["pmessage", "p*", "pq", "2"],
      ]),
    );
    expect(side.checked).toContain(server.id);
  });

  it("leaves a demoted master, which would keep it connected", async () => {
    const topology = own(await startRedisTopology({ replicas: 1 }));
    const [next] = topology.replicas as [RedisProcess];
    const side = client(topology.master);
    const messages = heard(side);
    const gaps: { from: string; to: string }[] = [];
    side.events.on("resubscribed", (gap) => gaps.push(gap));
    await side.subscriber("subscribe", "a");
    await next.command("REPLICAOF", "NO", "ONE");
    side.follow(next);
    await eventually(() => expect(gaps).toMatchObject([{ from: topology.master.id, to: next.id }]));
    await next.command("PUBLISH", "a", "from the new one");
    await eventually(() => expect(messages).toEqual([["message", "a", "from the new one"]]));
  });

  it("notices a hung server by PING and moves once there is another master", async () => {
    const next = own(await startRedis());
    const side = client(server);
    const messages = heard(side);
    await side.subscriber("subscribe", "a");
    server.pause();
    await eventually(() => expect(side.checked).toContain(server.id));
    side.follow(next);
    await eventually(async () => expect(await next.command("PUBLISH", "a", "x")).toBe(1));
    await eventually(() => expect(messages).toEqual([["message", "a", "x"]]));
    server.resume();
  });

  it("rejects with NO_MASTER when there is none, and keeps trying for what was subscribed to before", async () => {
    const side = client(server, { failoverTimeoutMs: 60 });
    await side.subscriber("subscribe", "a");
    side.loseMaster();
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await expect(side.subscriber("subscribe", "b")).rejects.toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    side.follow(server);
    await eventually(async () => expect(await server.command("PUBLISH", "a", "x")).toBe(1));
    expect(await server.command("PUBLISH", "b", "x")).toBe(0);
  });

  it("gives the server's refusal, and ends for good when closed", async () => {
    await server.command("ACL", "SETUSER", "default", "resetchannels");
    const side = client(server);
    await expect(side.subscriber("subscribe", "a")).rejects.toMatchObject({
      name: "ReplyError",
      code: "NOPERM",
      node: server.id,
    });
    side.dedicated.close();
    await expect(side.subscriber("subscribe", "a")).rejects.toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
    await eventually(async () => expect((await server.info("clients")).get("connected_clients")).toBe("1"));
  });

  it("monitors the master on an instance of its own that shows no password", async () => {
    await server.command("CONFIG", "SET", "requirepass", "canary-7301");
    const side = client(server, { password: "canary-7301" });
    const monitor = await side.dedicated.monitor();
    const seen: string[][] = [];
    monitor.on("monitor", (_time: string, args: string[]) => seen.push(args));
    await side.block("blpop", ["list", "0.01"]);
    await eventually(() => expect(seen).toContainEqual(["blpop", "list", "0.01"]));
    const shown = `${inspect(monitor, { depth: 9, showHidden: true })}${JSON.stringify(monitor.options)}${inspect(monitor.options)}`;
    expect(shown).not.toContain("canary-7301");
    side.dedicated.close();
    await eventually(() => expect(monitor.status).toBe("end"));
    await expect(side.dedicated.monitor()).rejects.toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
  });

  it("says why MONITOR is refused", async () => {
    await server.command("ACL", "SETUSER", "default", "-monitor");
    await expect(client(server).dedicated.monitor()).rejects.toThrow(/NOPERM/);
  });
});
