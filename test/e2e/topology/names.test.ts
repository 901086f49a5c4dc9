import { rmSync } from "node:fs";
import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeCertificates } from "../../support/certificates.js";
import { DnsServer } from "../../support/dns-server.js";
import { eventually } from "../../support/eventually.js";
import { ReadLoad } from "../../support/read-load.js";
import { describeReal, freePort, inSync, RedisProcess, type RedisProcessOptions } from "../../support/real-redis.js";
import { type ClientOptions, serving } from "../../support/trio.js";

describeReal("a name with several addresses", () => {
  const ends: (() => unknown)[] = [];
  let dns: DnsServer;
  let port: number;

  beforeEach(async () => {
    dns = await DnsServer.start();
    ends.push(() => dns.stop());
    port = await freePort();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function server(host: string, { of, ...options }: RedisProcessOptions & { of?: RedisProcess } = {}) {
    const process = await RedisProcess.start({ host, port, ...options });
    ends.push(() => process.stop());
    if (of !== undefined) {
      await process.command("REPLICAOF", of.host, of.port);
      await inSync(of, [process]);
    }
    return process;
  }

  /** A master by itself, and replicas at one port of 127.0.0.2 and so on, as behind a reader endpoint. */
  async function stage(replicas: number) {
    const master = await server("127.0.0.1", { port: await freePort() });
    const hosts = Array.from({ length: replicas }, (_, index) => `127.0.0.${index + 2}`);
    return { master, replicas: await Promise.all(hosts.map((host) => server(host, { of: master }))) };
  }

  function client(options: Partial<ClientOptions>): ReplicatedClient {
    // What the master lists is left aside, as with a managed service whose nodes tell addresses of their own network.
    const redis = new ReplicatedClient({
      discoverReplicas: false,
      lookup: dns.lookup(),
      lookupIntervalMs: 50,
      pollIntervalMs: 100,
      ...options,
    } as ClientOptions);
    ends.push(() => redis.disconnect());
    redis.on("error", () => {});
    return redis;
  }

  const reader = () => `reader.test:${port}`;
  const ids = (redis: ReplicatedClient) => redis.topology.nodes.map(({ id }) => id).sort();

  /** How many GETs each of them has answered in the meantime. */
  async function shares(servers: readonly RedisProcess[], work: () => Promise<void>): Promise<number[]> {
    const counts = () => Promise.all(servers.map((one) => one.calls("get")));
    const before = await counts();
    await work();
    const after = await counts();
    return after.map((count, index) => count - (before[index] ?? 0));
  }

  /**
   * Six hundred reads, ten at a time, of which each server has a fair share. Who was slow is given less until it has been
   * measured again, which a busy machine may need a few rounds for.
   */
  async function evenlyRead(redis: ReplicatedClient, servers: readonly RedisProcess[]): Promise<void> {
    const view = redis.with({ readFrom: "replica" });
    await eventually(async () => {
      const counts = await shares(servers, async () => {
        for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 10 }, () => view.get("k")));
      });
      const fair = 600 / servers.length;
      for (const count of counts) if (count < fair / 2 || count > fair * 1.6) throw new Error(`uneven: ${counts}`);
    });
  }

  it("is read from evenly", async () => {
    const { master, replicas } = await stage(3);
    dns.set("reader.test", "127.0.0.2", "127.0.0.3", "127.0.0.4");
    const redis = client({ master: master.url, replicas: [reader()] });
    await serving(redis, 3);
    expect(ids(redis)).toEqual([master.id, ...replicas.map(({ id }) => id)].sort());
    await evenlyRead(redis, replicas);
  });

  it("drops addresses that vanish and takes new ones in, and no read fails of it", async () => {
    const { master, replicas } = await stage(3);
    dns.set("reader.test", "127.0.0.2", "127.0.0.3");
    const redis = client({ master: master.url, replicas: [reader()] });
    await serving(redis, 2);
    const load = new ReadLoad(redis.with({ readFrom: "replica", consistency: "eventual" })).begin();
    await load.more();
    dns.set("reader.test", "127.0.0.3", "127.0.0.4");
    await eventually(() => expect(ids(redis)).toEqual([master.id, replicas[1]?.id, replicas[2]?.id].sort()));
    await serving(redis, 2);
    // One of the others may be given nothing for a while, if it was slow.
    await eventually(async () => {
      const [gone, ...others] = await shares(replicas, () => load.more());
      expect(gone).toBe(0);
      for (const count of others) expect(count).toBeGreaterThan(0);
    });
    // A name server that fails says nothing of the servers.
    dns.set("reader.test");
    const { asked } = dns;
    await eventually(() => dns.asked >= asked + 3);
    expect(ids(redis)).toEqual([master.id, replicas[1]?.id, replicas[2]?.id].sort());
    await load.more();
    await load.end();
    expect(load.failed).toEqual([]);
    expect(load.pending).toBe(0);
  });

  it("grows from one address to three while it is read from", async () => {
    const { master, replicas } = await stage(3);
    dns.set("reader.test", "127.0.0.2");
    const redis = client({ master: master.url, replicas: [reader()] });
    await serving(redis, 1);
    expect(ids(redis)).toEqual([master.id, reader()].sort());
    const load = new ReadLoad(redis.with({ readFrom: "replica", consistency: "eventual" })).begin();
    await load.more();
    dns.set("reader.test", "127.0.0.2", "127.0.0.3", "127.0.0.4");
    await serving(redis, 3);
    // The connection that there was goes on as that of its server.
    await eventually(() => expect(redis.topology.nodes.find(({ id }) => id === reader())?.aliases).toHaveLength(1));
    expect(redis.topology.nodes).toHaveLength(4);
    await load.end();
    expect(load.failed).toEqual([]);
    await evenlyRead(redis, replicas);
  });

  it("counts a server once that has two of them", async () => {
    const { master, replicas } = await stage(1);
    const both = await server("127.0.0.3", { args: ["--bind", "127.0.0.3", "127.0.0.4"], of: master });
    dns.set("reader.test", "127.0.0.2", "127.0.0.3", "127.0.0.4");
    const redis = client({ master: master.url, replicas: [reader()] });
    await eventually(() => expect(redis.topology.nodes).toHaveLength(3));
    await serving(redis, 2);
    await evenlyRead(redis, [...replicas, both]);
  });

  it("is all that has to be known of a master with its replicas, and is looked up anew when something fails", async () => {
    const a = await server("127.0.0.1");
    const b = await server("127.0.0.2", { of: a });
    const c = await server("127.0.0.3", { of: a });
    dns.set("redis.test", "127.0.0.1", "127.0.0.2", "127.0.0.3");
    // So seldom that what comes below comes of the failure.
    const redis = client({ nodes: [`redis.test:${port}`], lookupIntervalMs: 3_600_000 });
    await serving(redis, 2);
    expect(redis.topology.master?.id).toBe(a.id);
    await redis.set("before", "1");
    await inSync(a, [b, c]);
    const { asked } = dns;
    dns.set("redis.test", "127.0.0.2", "127.0.0.3", "127.0.0.4");
    await a.kill9();
    await b.command("REPLICAOF", "NO", "ONE");
    await c.command("REPLICAOF", b.host, b.port);
    const d = await server("127.0.0.4", { of: b });
    await redis.with({ retryUnknown: true }).set("after", "1");
    await eventually(() => expect(ids(redis)).toEqual([b.id, c.id, d.id]));
    expect(dns.asked).toBeGreaterThan(asked);
    expect(await redis.with({ consistency: "strong" }).mget("before", "after")).toEqual(["1", "1"]);
    await serving(redis, 2);
  });

  it("is read from evenly when each answer shows another one of them, learned at once and looked up seldom", async () => {
    const { master, replicas } = await stage(3);
    dns.rotate("reader.test", "127.0.0.2", "127.0.0.3", "127.0.0.4");
    const redis = client({ master: master.url, replicas: [reader()], lookupIntervalMs: 3_600_000 });
    await eventually(() => expect(ids(redis)).toEqual([master.id, ...replicas.map(({ id }) => id)].sort()));
    await serving(redis, 3);
    await evenlyRead(redis, replicas);
  });

  it("loses one for good of those that its answers show in turn, and no event goes back and forth", async () => {
    const { master, replicas } = await stage(2);
    const [first, second] = replicas as [RedisProcess, RedisProcess];
    dns.rotate("reader.test", first.host, second.host);
    const redis = client({ master: master.url, replicas: [reader()], failoverTimeoutMs: 1000 });
    const came: string[] = [];
    redis.on("topology", (event: TopologyEvent) => {
      if (event.type === "nodeAdded" || event.type === "nodeRemoved") came.push(`${event.type} ${event.node}`);
    });
    await eventually(() => expect(ids(redis)).toEqual([master.id, first.id, second.id].sort()));
    await serving(redis, 2);
    await evenlyRead(redis, replicas);
    const { asked } = dns;
    await eventually(() => dns.asked >= asked + 10);
    const turned = [`nodeAdded ${first.id}`, `nodeAdded ${second.id}`, `nodeRemoved ${reader()}`];
    expect([...came].sort()).toEqual(turned);
    const load = new ReadLoad(redis.with({ readFrom: "replica", consistency: "eventual" })).begin();
    await load.more();
    dns.rotate("reader.test", second.host);
    await load.more();
    expect(ids(redis)).toEqual([master.id, first.id, second.id].sort());
    await first.kill9();
    await eventually(() => expect(ids(redis)).toEqual([master.id, second.id].sort()));
    const [, count] = await shares([master, second], () => load.more());
    expect(count).toBeGreaterThan(0);
    await load.end();
    expect(load.failed).toEqual([]);
    expect([...came].sort()).toEqual([...turned, `nodeRemoved ${first.id}`].sort());
  });

  it("leads from one master to the next when it is a primary endpoint, while the former one still answers", async () => {
    const a = await server("127.0.0.1");
    const b = await server("127.0.0.2", { of: a });
    dns.set("primary.test", a.host);
    const redis = client({ master: `primary.test:${port}` });
    await redis.set("before", "1");
    await inSync(a, [b]);
    // Nobody tells the former one, and its connections stay open.
    await b.command("REPLICAOF", "NO", "ONE");
    dns.set("primary.test", b.host);
    await eventually(() => expect(redis.topology.master?.id).toBe(b.id));
    await redis.set("after", "1");
    expect(await b.command("GET", "after")).toBe("1");
    expect(await a.command("GET", "after")).toBeNull();
  });

  it("is the name that certificates are checked against", async () => {
    const certificates = makeCertificates("DNS:reader.test");
    ends.push(() => rmSync(certificates.dir, { recursive: true, force: true }));
    const tls = await freePort();
    const password = "its own";
    const master = await server("127.0.0.1", { password });
    for (const host of ["127.0.0.2", "127.0.0.3"])
      await server(host, { password, args: certificates.args(tls), of: master });
    dns.set("reader.test", "127.0.0.2", "127.0.0.3");
    const redis = client({
      nodes: [master.url, { host: "reader.test", port: tls, password, tls: { ca: certificates.ca } }],
    });
    await serving(redis, 2);
    expect(ids(redis)).toEqual([master.id, `127.0.0.2:${tls}`, `127.0.0.3:${tls}`].sort());
  });
});
