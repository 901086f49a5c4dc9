import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { respCall } from "../../../src/cli/processes/resp-call.js";
import { ReplicatedClient } from "../../../src/index.js";
import { DevSentinel, type DevSentinelOptions, DevTopology } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";

const WITHIN = { timeoutMs: 15_000 };

describe("DevSentinel", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function stage(sentinels = 1, options: DevSentinelOptions = {}) {
    const topology = await DevTopology.start({ replicas: 2 });
    closing.push(() => topology.stop());
    const started: DevSentinel[] = [];
    for (let i = 0; i < sentinels; i++) {
      const sentinel = await DevSentinel.start({ topology, downAfterMs: 200, ...options });
      started.push(sentinel);
      closing.push(() => sentinel.stop());
    }
    await eventually(() => {
      for (const one of started) expect([one.replicas.length, one.others]).toEqual([2, sentinels - 1]);
    }, WITHIN);
    return { topology, sentinels: started, first: started[0] as DevSentinel };
  }

  const ask = async (sentinel: DevSentinel, ...command: string[]) =>
    (await respCall({ host: sentinel.host, port: sentinel.port }, [command], 5000))[0];

  it("names the master and its replicas, in the words of Sentinel", async () => {
    const { topology, first } = await stage();
    const { host, port } = topology.master;
    expect(await ask(first, "SENTINEL", "get-master-addr-by-name", "mymaster")).toEqual([host, String(port)]);
    expect(await ask(first, "SENTINEL", "get-master-addr-by-name", "nobody")).toBeNull();
    expect(await ask(first, "ROLE")).toEqual(["sentinel", ["mymaster"]]);
    expect(await ask(first, "SENTINEL", "ckquorum", "mymaster")).toBe(
      "OK 1 usable Sentinels. Quorum and failover authorization can be reached",
    );
    const replicas = (await ask(first, "SENTINEL", "replicas", "mymaster")) as string[][];
    const ports = replicas.map((fields) => fields[fields.indexOf("port") + 1]).sort();
    expect(ports).toEqual(topology.replicas.map((replica) => String(replica.port)).sort());
    expect(String(await ask(first, "INFO", "sentinel"))).toContain(
      `master0:name=mymaster,status=ok,address=${host}:${port},slaves=2,sentinels=1`,
    );
    expect(await ask(first, "SENTINEL", "set", "mymaster", "down-after-milliseconds", "777")).toBe("OK");
    const master = (await ask(first, "SENTINEL", "master", "mymaster")) as string[];
    expect(master[master.indexOf("down-after-milliseconds") + 1]).toBe("777");
  });

  it("promotes a replica when the master dies, tells who listens, and takes the old master in as a replica", async () => {
    const { topology, first } = await stage();
    const old = topology.master;
    const events: string[] = [];
    const listener = new Redis({ host: first.host, port: first.port });
    closing.push(() => listener.disconnect());
    listener.on("pmessage", (_pattern, channel, text) => events.push(`${channel} ${text}`));
    await listener.psubscribe("*");
    await old.crash();
    await eventually(() => expect(first.master?.port).not.toBe(old.port), WITHIN);
    const { master } = topology;
    expect(first.master).toEqual({ host: master.host, port: master.port });
    await eventually(() =>
      expect(events).toContain(`+switch-master mymaster ${old.host} ${old.port} ${master.host} ${master.port}`),
    );
    for (const type of ["+sdown master", "+odown master", "+try-failover", "+selected-slave", "+promoted-slave"])
      expect(
        events.some((event) => event.startsWith(type)),
        type,
      ).toBe(true);
    const other = topology.servers.find((server) => server !== old && server !== master);
    await other?.inSyncWith(master);
    await old.restart({ data: "keep" });
    await eventually(() => expect(old.role).toBe("replica"), WITHIN);
    await old.inSyncWith(master);
    expect(events.some((event) => event.startsWith("+convert-to-slave"))).toBe(true);
  });

  it("three of them agree, and one leads", async () => {
    const { topology, sentinels } = await stage(3, { quorum: 2 });
    const old = topology.master;
    await old.crash();
    await eventually(() => {
      const ports = new Set(sentinels.map((sentinel) => sentinel.master?.port));
      expect(ports.size).toBe(1);
      expect(ports.has(old.port)).toBe(false);
    }, WITHIN);
    expect(topology.servers.filter((server) => server.running && server.role === "master")).toHaveLength(1);
  });

  it("alone of a quorum of two it does nothing", async () => {
    const { topology, first } = await stage(1, { quorum: 2 });
    const old = topology.master;
    const events: string[] = [];
    const listener = new Redis({ host: first.host, port: first.port });
    closing.push(() => listener.disconnect());
    listener.on("message", (channel) => events.push(channel));
    await listener.subscribe("+sdown", "+try-failover");
    await old.crash();
    await eventually(() => expect(events).toContain("+sdown"), WITHIN);
    await old.restart({ data: "keep" });
    await eventually(async () => {
      const fields = (await ask(first, "SENTINEL", "master", "mymaster")) as string[];
      expect(fields[fields.indexOf("flags") + 1]).toBe("master");
    }, WITHIN);
    expect(events).not.toContain("+try-failover");
    expect(old.role).toBe("master");
  });

  it("fails over when asked, and clients of both kinds follow", async () => {
    const { topology, first } = await stage();
    const sentinels = [{ host: first.host, port: first.port }];
    const plain = new Redis({ sentinels, name: "mymaster", sentinelRetryStrategy: () => 20, retryStrategy: () => 20 });
    closing.push(() => plain.disconnect());
    // Between two masters it finds none for a moment.
    plain.on("error", () => {});
    const replicated = new ReplicatedClient({ sentinels, name: "mymaster", pollIntervalMs: 50 });
    closing.push(() => replicated.disconnect());
    await plain.set("plain", "1");
    await replicated.set("replicated", "1");
    const old = topology.master;
    // As soon as it has heard how the replicas are.
    await eventually(async () => expect(await ask(first, "SENTINEL", "failover", "mymaster")).toBe("OK"), WITHIN);
    await eventually(() => expect(first.master?.port).not.toBe(old.port), WITHIN);
    await eventually(() => expect(old.role).toBe("replica"), WITHIN);
    await eventually(async () => expect(await plain.set("plain", "2")).toBe("OK"), WITHIN);
    expect(await replicated.set("replicated", "2")).toBe("OK");
    expect(replicated.topology.master?.port).toBe(first.master?.port);
  });

  it("belongs to a topology that wants some, and follows its planned failovers", async () => {
    const topology = await DevTopology.start({ replicas: 2, sentinels: 3 });
    closing.push(() => topology.stop());
    expect(topology.sentinels).toHaveLength(3);
    const client = new ReplicatedClient(topology.sentinelOptions);
    closing.push(() => client.disconnect());
    await client.set("k", "1");
    await eventually(() => {
      for (const one of topology.sentinels) expect([one.replicas.length, one.others]).toEqual([2, 2]);
    }, WITHIN);
    await topology.failover();
    await eventually(() => {
      for (const one of topology.sentinels) expect(one.master?.port).toBe(topology.master.port);
    }, WITHIN);
    expect(await client.set("k", "2")).toBe("OK");
  });

  it("wants its password, and gives the servers theirs", async () => {
    const topology = await DevTopology.start({ replicas: 1, password: "servers" });
    closing.push(() => topology.stop());
    const sentinel = await DevSentinel.start({ topology, password: "sentinels", downAfterMs: 200 });
    closing.push(() => sentinel.stop());
    expect(String(await ask(sentinel, "SENTINEL", "masters").catch(String))).toContain("NOAUTH");
    await eventually(() => expect(sentinel.replicas).toHaveLength(1), WITHIN);
    await topology.master.crash();
    await eventually(() => expect(sentinel.master?.port).toBe(topology.master.port), WITHIN);
    await eventually(() => expect(topology.master.role).toBe("master"), WITHIN);
  });
});
