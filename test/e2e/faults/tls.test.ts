import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { ReplicatedClient } from "ioreplica";
import { expect, it } from "vitest";
import { type Certificates, makeCertificates } from "../../support/certificates.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, startRedis } from "../../support/real-redis.js";
import { allReject, connectionsTo, failure, useTrios } from "./trios.js";

/** So that a call which waits is seen to. */
const PATIENT = { discoverReplicas: false, failoverTimeoutMs: 600_000 };

describeReal("TLS that does not fit", () => {
  const trios = useTrios();

  function certificates(name = "IP:127.0.0.1"): Certificates {
    const made = makeCertificates(name);
    trios.end(() => rmSync(made.dir, { recursive: true, force: true }));
    return made;
  }

  /** What the first call rejects with, what was told, and how many commands any server has seen. */
  async function refused(options: object): Promise<{ message: string; told: string[] }> {
    const redis = new ReplicatedClient({
      discoverReplicas: false,
      failoverTimeoutMs: 700,
      heartbeatTimeoutMs: 300,
      ...options,
    } as never);
    trios.end(() => redis.disconnect());
    const told: string[] = [];
    redis.on("error", (error: Error) => told.push(error.message));
    const error = await failure(redis.set("k", "canary"));
    expect(error.code).toMatch(/^IOREPLICA_/);
    return { message: error.message, told };
  }

  async function secure(made: Certificates, ...more: string[]) {
    const port = await freePort();
    const server = await startRedis({ args: [...made.args(port), ...more] });
    trios.end(() => server.stop());
    return { server, url: `rediss://127.0.0.1:${port}`, port };
  }

  it("fault 24: a foreign authority, another name, an expired certificate: told once, with what to do, never in plain text", async () => {
    const good = certificates();
    const { server, url } = await secure(good);
    const elsewhere = certificates("DNS:elsewhere.example");
    const other = await secure(elsewhere);
    const old = certificates();
    expire(old);
    const expired = await secure(old);
    const cases = [
      { tls: {}, server, at: url, text: /SELF_SIGNED_CERT_IN_CHAIN/ },
      { tls: { ca: elsewhere.ca }, server: other.server, at: other.url, text: /ERR_TLS_CERT_ALTNAME_INVALID|altnames/ },
      { tls: { ca: old.ca }, server: expired.server, at: expired.url, text: /CERT_HAS_EXPIRED/ },
    ];
    for (const { tls, server, at, text } of cases) {
      const before = await connectionsTo(server);
      const { message, told } = await refused({ master: at, redisOptions: { tls } });
      expect(message).toMatch(text);
      // It is tried on, and told of once all the same.
      await eventually(async () => expect(await connectionsTo(server)).toBeGreaterThan(before + 6));
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(text);
      expect(told[0]).toMatch(/redisOptions\.tls/);
    }
    for (const each of [server, other.server, expired.server]) expect(await each.calls("set")).toBe(0);
    const redis = new ReplicatedClient({
      master: url,
      discoverReplicas: false,
      redisOptions: { tls: { ca: good.ca } },
    });
    trios.end(() => redis.disconnect());
    expect(await redis.set("k", "v")).toBe("OK");
  });

  // Each call waited for failoverTimeoutMs, 15 s, though the client had said at once what was wrong.
  it("fault 24: where no node's certificate is good calls reject at once, later ones too, and connect()", async () => {
    const made = certificates();
    const { server, url } = await secure(made);
    const redis = new ReplicatedClient({ master: url, replicas: [url.replace("127.0.0.1", "localhost")], ...PATIENT });
    trios.end(() => redis.disconnect());
    redis.on("error", () => {});
    await allReject(redis, /SELF_SIGNED_CERT_IN_CHAIN.*SELF_SIGNED_CERT_IN_CHAIN/);
    expect(await server.calls("set")).toBe(0);
  });

  it("fault 24: a server that asks for the client's certificate: refused without one, served with one", async () => {
    const made = certificates();
    const { url } = await secure(made, "--tls-auth-clients", "yes");
    const { message } = await refused({ master: url, redisOptions: { tls: { ca: made.ca } } });
    expect(message).toMatch(/certificate|ECONNRESET|closed/i);
    const { ca, cert, key } = made;
    const redis = new ReplicatedClient({
      master: url,
      discoverReplicas: false,
      redisOptions: { tls: { ca, cert, key } },
    });
    trios.end(() => redis.disconnect());
    expect(await redis.set("k", "v")).toBe("OK");
  });

  it("fault 24: plain to a TLS port and TLS to a plain port end in time, with the node and a reason", async () => {
    const made = certificates();
    const { server, port } = await secure(made);
    const plain = await refused({ master: `redis://127.0.0.1:${port}` });
    expect(plain.message).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}: \\w.+ \\(SET\\)$`));
    const hanging = await refused({ master: `rediss://${server.id}`, redisOptions: { tls: { ca: made.ca } } });
    expect(hanging.message).toMatch(new RegExp(`${server.id.replaceAll(".", "\\.")}: \\w.+ \\(SET\\)$`));
    expect(await server.calls("set")).toBe(0);
  });
});

/** The same key and name under a certificate that ended years ago. */
function expire(made: Certificates): void {
  const at = (name: string): string => join(made.dir, name);
  const days = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"];
  const signing = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("names")];
  const sign = (validity: readonly string[]): void => {
    const request = ["x509", "-req", "-in", at("redis.csr"), ...signing, ...validity, "-out", at("redis.crt")];
    execFileSync("openssl", request, { stdio: "ignore" });
  };
  try {
    sign(days);
  } catch {
    // Before OpenSSL 3.4 the dates can't be given: a negative number of days ends yesterday.
    sign(["-days", "-1"]);
  }
}
