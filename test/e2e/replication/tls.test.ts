import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { ReplicatedClient } from "ioreplica";
import { DevServer, DevTopology, memoryTransport } from "ioreplica/dev";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type Certificates, makeCertificates } from "../../support/certificates.js";
import { eventually } from "../../support/eventually.js";
import { RawClient } from "../../support/raw-client.js";
import { describeReal, freePort, startRedis } from "../../support/real-redis.js";

const made: Certificates[] = [];
const certificates = (): Certificates => {
  const one = makeCertificates("IP:127.0.0.1");
  made.push(one);
  return one;
};
const own = certificates();
const tls = { cert: own.cert, key: own.key, ca: own.ca };
const files = {
  "tls-cert-file": join(own.dir, "redis.crt"),
  "tls-key-file": join(own.dir, "redis.key"),
  "tls-ca-cert-file": join(own.dir, "ca.crt"),
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => {
  for (const { dir } of made) rmSync(dir, { recursive: true, force: true });
});
const start = async (options: Parameters<typeof DevServer.start>[0]): Promise<DevServer> => {
  const server = await DevServer.start(options);
  ends.push(() => server.stop());
  return server;
};

/** What a TLS client gets for an inline command, or why it gets nothing. */
async function ask(port: number, command: string, options: ConnectionOptions = {}): Promise<string> {
  const socket: TLSSocket = connect({ port, host: "127.0.0.1", ca: own.ca, ...options });
  socket.on("error", () => undefined);
  socket.write(`${command}\r\n`);
  const [got] = (await Promise.race([once(socket, "data"), once(socket, "close")]).catch(() => ["closed"])) as [
    unknown,
  ];
  socket.destroy();
  return Buffer.isBuffer(got) ? got.toString("latin1") : "closed";
}

describe("a dev server with TLS", () => {
  it("is forked as a whole topology, and seeded from, over TLS", async () => {
    const topology = await DevTopology.start({ replicas: 1, tls });
    ends.push(() => topology.stop());
    const client = new ReplicatedClient(topology.options);
    ends.push(() => client.disconnect());
    await client.set("k", "1");
    const fork = await topology.fork();
    ends.push(() => fork.stop());
    await fork.replicas[0]?.inSyncWith(fork.master);
    expect(fork.master.url).toMatch(/^rediss:/);
    expect(await ask(fork.replicas[0]?.port as number, "GET k")).toBe("$1\r\n1\r\n");
    const seeded = await start({ tls, seedFrom: topology.master.url });
    expect([seeded.role, seeded.digest()]).toEqual(["master", topology.master.digest()]);
    await expect(DevServer.start({ seedFrom: topology.master.url })).rejects.toThrow("TLS");
  });

  it("serves a client over TLS, through failovers too", async () => {
    const topology = await DevTopology.start({ replicas: 2, tls });
    ends.push(() => topology.stop());
    expect(topology.master.url).toMatch(/^rediss:/);
    const client = new ReplicatedClient(topology.options);
    ends.push(() => client.disconnect());
    await client.set("k", "1");
    expect(await client.get("k")).toBe("1");
    await topology.failover();
    await client.set("k", "2");
    expect(await client.get("k")).toBe("2");
    await topology.failover({ mode: "crash" });
    await client.set("k", "3");
    expect(await client.get("k")).toBe("3");
  });

  it("lets nobody in who speaks plainly, and has no other port", async () => {
    const server = await start({ tls });
    const socket = connectPlain({ port: server.port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    const got: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => got.push(chunk));
    socket.write("PING\r\n");
    await once(socket, "close");
    expect(Buffer.concat(got).toString("latin1")).not.toContain("PONG");
    expect(await ask(server.port, "config get port")).toContain("$1\r\n0\r\n");
  });

  it.each([
    ["no", ["+PONG\r\n", "+PONG\r\n", "+PONG\r\n"]],
    ["optional", ["+PONG\r\n", "+PONG\r\n", "closed"]],
    ["yes", ["closed", "+PONG\r\n", "closed"]],
  ] as const)("asks clients for certificates: %s", async (authClients, expected) => {
    const stranger = certificates();
    const { port } = await start({ tls: { ...tls, authClients } });
    expect([
      await ask(port, "ping"),
      await ask(port, "ping", { cert: own.cert, key: own.key }),
      await ask(port, "ping", { cert: stranger.cert, key: stranger.key }),
    ]).toEqual(expected);
  });

  it("takes up new certificates and protocols by CONFIG SET, or stays as it was", async () => {
    const server = await start({ tls });
    const other = certificates();
    const file = (name: string): string => join(other.dir, name);
    expect(await ask(server.port, "config set tls-key-file /nowhere tls-cert-file /nowhere")).toContain(
      "Unable to update TLS configuration. Check server logs.",
    );
    expect(await ask(server.port, "ping")).toBe("+PONG\r\n");
    expect(await ask(server.port, "config set tls-protocols TLSv1.2")).toBe("+OK\r\n");
    expect(await ask(server.port, "ping", { minVersion: "TLSv1.3" })).toBe("closed");
    const set = `config set tls-cert-file ${file("redis.crt")} tls-key-file ${file("redis.key")}`;
    expect(await ask(server.port, set)).toBe("+OK\r\n");
    expect(await ask(server.port, "ping")).toBe("closed");
    expect(await ask(server.port, "ping", { ca: other.ca })).toBe("+PONG\r\n");
  });

  it("opens and closes its ports by CONFIG SET", async () => {
    const server = await start({ config: { ...files, "tls-auth-clients": "no" } });
    const port = await freePort();
    const client = new ReplicatedClient({ nodes: [server.url] });
    ends.push(() => client.disconnect());
    await client.config("SET", "tls-port", String(port));
    expect(await ask(port, "ping")).toBe("+PONG\r\n");
    await client.config("SET", "tls-port", "0");
    expect(await ask(port, "ping")).toBe("closed");
  });

  it("does without ports of the machine", async () => {
    const topology = await DevTopology.start({ replicas: 1, tls, transport: memoryTransport() });
    ends.push(() => topology.stop());
    expect(topology.replicas).toHaveLength(1);
    expect(topology.replicas[0]?.digest()).toBe(topology.master.digest());
  });
});

describeReal("replication over TLS with real servers", () => {
  const directives = Object.entries(files).flatMap(([name, value]) => [`--${name}`, value]);

  it("goes both ways, each side with a certificate", async () => {
    const port = await freePort();
    const real = await startRedis({ args: [...directives, "--tls-port", String(port), "--tls-replication", "yes"] });
    ends.push(() => real.stop());
    const admin = await RawClient.connect(real.port);
    ends.push(() => admin.close());
    const call = async (...words: string[]): Promise<string> => {
      const reply = await admin.call(...words);
      return "text" in reply ? String(reply.text) : "";
    };
    const dev = await start({ tls: { ...tls, authClients: "yes" }, replicaOf: { host: "127.0.0.1", port } });
    await call("SET", "k", "from real");
    await eventually(() => dev.digest() !== "0".repeat(40));
    expect(dev.digest()).toBe(await call("DEBUG", "DIGEST"));
    await dev.replicaOf(null);
    await call("REPLICAOF", "127.0.0.1", String(dev.port));
    await eventually(async () => (await call("INFO", "replication")).includes("master_link_status:up"));
    const set = { cert: own.cert, key: own.key };
    expect(await ask(dev.port, "set l 1", set)).toBe("+OK\r\n");
    await eventually(async () => dev.digest() === (await call("DEBUG", "DIGEST")));
  });
});
