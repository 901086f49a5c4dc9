import { rmSync } from "node:fs";
import { ReplicatedClient } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { type Certificates, makeCertificates } from "../../support/certificates.js";
import { eventually } from "../../support/eventually.js";
import {
  describeReal,
  freePort,
  inSync,
  type RedisProcess,
  respCall,
  startRedis,
  startSentinel,
} from "../../support/real-redis.js";
import { type ClientOptions, serving } from "../../support/trio.js";
import { WriteLoad } from "../../support/write-load.js";

const NAME = "mymaster";
const NODES = "password of the nodes";
const SENTINELS = "password-of-the-Sentinels";
const WITHIN = { timeoutMs: 30_000 };

/** A process, and its port for TLS; the plain one is the test's own. */
interface Secured {
  readonly process: RedisProcess;
  readonly tls: number;
}

describeReal("Sentinels and nodes with TLS, each with a password of its own", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function node(certificates: Certificates, of: Secured | null): Promise<Secured> {
    const tls = await freePort();
    const process = await startRedis({
      password: NODES,
      args: [...certificates.args(tls), "--tls-replication", "yes"],
      ...(of === null ? {} : { replicaOf: { host: of.process.host, port: of.tls } }),
    });
    ends.push(() => process.stop());
    return { process, tls };
  }

  async function sentinel(certificates: Certificates, master: Secured): Promise<Secured> {
    const tls = await freePort();
    const words = [...certificates.args(tls), "--tls-replication", "yes"];
    const lines = words.flatMap((word, index) => (index % 2 === 0 ? [`${word.slice(2)} ${words[index + 1]}`] : []));
    const process = await startSentinel({
      masters: [{ name: NAME, host: master.process.host, port: master.tls }],
      quorum: 2,
      downAfterMs: 700,
      config: [
        ...lines,
        `sentinel auth-pass ${NAME} "${NODES}"`,
        `requirepass ${SENTINELS}`,
        `sentinel sentinel-pass ${SENTINELS}`,
      ],
    });
    ends.push(() => process.stop());
    return { process, tls };
  }

  /** A master, two replicas and three Sentinels, which all know of each other. */
  async function stage() {
    const certificates = makeCertificates("IP:127.0.0.1");
    ends.push(() => rmSync(certificates.dir, { recursive: true, force: true }));
    const master = await node(certificates, null);
    const replicas = [await node(certificates, master), await node(certificates, master)];
    await inSync(
      master.process,
      replicas.map(({ process }) => process),
    );
    const sentinels = await Promise.all([1, 2, 3].map(() => sentinel(certificates, master)));
    await eventually(async () => {
      for (const { process } of sentinels) {
        const lists = await respCall(
          process,
          [
            ["AUTH", SENTINELS],
            ["SENTINEL", "replicas", NAME],
            ["SENTINEL", "sentinels", NAME],
          ],
          5000,
        );
        expect(lists.slice(1).map((list) => (list as unknown[]).length)).toEqual([2, 2]);
      }
    }, WITHIN);
    return { certificates, master, replicas, sentinels };
  }

  function client(certificates: Certificates, sentinels: readonly number[], over: Partial<ClientOptions> = {}) {
    const redis = new ReplicatedClient({
      sentinels: sentinels.map((port) => ({ host: "127.0.0.1", port })),
      name: NAME,
      sentinelPassword: SENTINELS,
      enableTLSForSentinelMode: true,
      sentinelTLS: { ca: certificates.ca },
      redisOptions: { password: NODES, tls: { ca: certificates.ca } },
      pollIntervalMs: 200,
      ...over,
    } as ClientOptions);
    const told: string[] = [];
    redis.on("error", (error: Error) => told.push(error.message));
    ends.push(() => redis.disconnect());
    return { redis, told };
  }

  it("are gone through a failover, though one of three is dead and only one that lives was named", async () => {
    const { certificates, master, replicas, sentinels } = await stage();
    const [first, second, third] = sentinels as [Secured, Secured, Secured];
    await second.process.kill9();
    // A dead one and a living one; the third is found through that.
    // Two Sentinels that stand against each other at once begin anew after twice their failover-timeout, ten seconds.
    const { redis, told } = client(certificates, [second.tls, first.tls], { failoverTimeoutMs: 30_000 });
    await serving(redis, 2);
    // Only the ports for TLS are known to anybody.
    const known = [master, ...replicas].map(({ tls }) => `127.0.0.1:${tls}`).sort();
    expect(redis.topology.nodes.map(({ id }) => id).sort()).toEqual(known);
    await eventually(async () => {
      const [, listening] = await respCall(
        third.process,
        [
          ["AUTH", SENTINELS],
          ["CLIENT", "LIST", "TYPE", "pubsub"],
        ],
        5000,
      );
      expect(String(listening).trim().split("\n")).toEqual([expect.stringContaining("sub=1")]);
    });
    const load = new WriteLoad(redis).begin(0.2);
    await eventually(() => load.acked >= 50);
    await inSync(
      master.process,
      replicas.map(({ process }) => process),
    );
    await master.process.kill9();
    const promoted = await eventually(async () => {
      const found = replicas.find(({ tls }) => redis.topology.master?.port === tls);
      if (found === undefined) throw new Error("no replica is the master yet");
      return found;
    }, WITHIN);
    const acked = load.acked;
    await eventually(() => load.acked >= acked + 50, WITHIN);
    await load.end();
    const verdict = await load.verdict(promoted.process);
    expect(verdict).toMatchObject({ errors: [], pending: 0, twice: [], denied: [] });
    expect(told).toEqual([]);
  }, 90_000);

  it("say what does not fit, and no password", async () => {
    const { certificates, sentinels } = await stage();
    const ports = sentinels.map(({ tls }) => tls);
    const cases: [Partial<ClientOptions>, RegExp][] = [
      [{ sentinelTLS: {} }, /SELF_SIGNED_CERT_IN_CHAIN|self-signed/],
      [{ sentinelPassword: "canary-4d1e" }, /WRONGPASS/],
      [{ redisOptions: { password: "canary-4d1e", tls: { ca: certificates.ca } } }, /WRONGPASS/],
      [{ redisOptions: { password: NODES, tls: {} } }, /SELF_SIGNED_CERT_IN_CHAIN|self-signed/],
    ];
    for (const [over, text] of cases) {
      const { redis, told } = client(certificates, ports, { failoverTimeoutMs: 3000, ...over });
      const error = await redis.get("k").then(
        () => null,
        (reason: Error) => reason,
      );
      expect(error?.message).toMatch(/^No master/);
      await eventually(() => expect(told.join("\n")).toMatch(text));
      expect(`${error?.message} ${told.join("\n")}`).not.toMatch(/canary-4d1e|password of|password-of/);
      redis.disconnect();
    }
  }, 90_000);
});
