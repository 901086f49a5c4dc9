import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReplicatedClient } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { type Certificates, makeCertificates } from "../../support/certificates.js";
import { describeReal, freePort, type RedisProcess, startRedis } from "../../support/real-redis.js";

describeReal("ways to reach a server", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const server = async (args: string[]): Promise<RedisProcess> => {
    const started = await startRedis({ args });
    ends.push(() => started.stop());
    return started;
  };
  const connected = (options: ConstructorParameters<typeof ReplicatedClient>[0]): ReplicatedClient => {
    const client = new ReplicatedClient(options);
    client.on("error", () => {});
    ends.push(() => client.disconnect());
    return client;
  };
  const certificates = (name: string): Certificates => {
    const made = makeCertificates(name);
    ends.push(() => rmSync(made.dir, { recursive: true, force: true }));
    return made;
  };

  it("a unix socket, as a path and as a URL", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ioreplica-unix-"));
    ends.push(() => rmSync(dir, { recursive: true, force: true }));
    const path = join(dir, "redis.sock");
    await server(["--unixsocket", path]);
    for (const node of [{ path }, `unix://${path}`]) {
      const redis = connected({ nodes: [node] });
      expect(await redis.set("k", "v")).toBe("OK");
      expect(await redis.get("k")).toBe("v");
      expect(redis.topology.master?.id).toBe(path);
    }
  });

  it("TLS, verified against the authority given", async () => {
    const { ca, args } = certificates("IP:127.0.0.1");
    const port = await freePort();
    await server(args(port));
    const redis = connected({
      master: `rediss://127.0.0.1:${port}`,
      redisOptions: { tls: { ca } },
      discoverReplicas: false,
    });
    expect(await redis.set("k", "v")).toBe("OK");
    expect(await redis.get("k")).toBe("v");
  });

  it.each([
    ["an authority that is not trusted", "IP:127.0.0.1", false, /SELF_SIGNED_CERT_IN_CHAIN|self-signed/i],
    ["a certificate for another name", "DNS:elsewhere.example", true, /ALTNAME|altnames/i],
  ])("TLS with %s is refused, never spoken without it", async (_, name, trusted, reason) => {
    const { ca, args } = certificates(name);
    const port = await freePort();
    await server(args(port));
    const redis = connected({
      master: `rediss://127.0.0.1:${port}`,
      ...(trusted ? { redisOptions: { tls: { ca } } } : {}),
      discoverReplicas: false,
      failoverTimeoutMs: 500,
    });
    const error = (await redis.get("k").catch((cause: unknown) => cause)) as Error & { code: string };
    expect(error.code).toMatch(/^IOREPLICA_/);
    expect(error.message).toMatch(reason);
  });

  it("a password and a database in the URL", async () => {
    const started = await startRedis({ password: "open sesame" });
    ends.push(() => started.stop());
    const redis = connected({ master: `${started.url}/3`, discoverReplicas: false });
    await redis.set("k", "v");
    const [, selected] = await started.commands([
      ["SELECT", 3],
      ["GET", "k"],
    ]);
    expect(selected).toBe("v");
  });
});
