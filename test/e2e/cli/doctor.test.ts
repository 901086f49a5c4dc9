import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { makeCertificates } from "../../support/certificates.js";
import { runCli } from "../../support/cli.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, startRedis, startRedisTopology, startSentinel } from "../../support/real-redis.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

// Each command is a process of its own that is compiled as it starts: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

interface Printed {
  nodes: { id: string; role: string | null }[];
  findings: { rule: string; severity: string; node: string | null; seen: string }[];
}

async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const { code, out, err } = await runCli(["doctor", ...args, "--seconds", "1", "--json"], env);
  if (out === "") throw new Error(`no report, exit code ${code}: ${err}`);
  const printed = JSON.parse(out) as Printed;
  return { code, out, err, ...printed, rules: printed.findings.map(({ rule, node }) => `${rule} ${node ?? "-"}`) };
}

onEachStage("ioreplica doctor", (start) => {
  const worlds = useWorlds(start);

  it("finds all nodes by one of them; what is right is not spoken of, what is made wrong is", async () => {
    const { master, first, second, settled } = await worlds.open();
    await settled();
    for (const node of [master, first, second]) {
      await node.command("CONFIG", "SET", "min-replicas-to-write", "1");
      await node.command("CONFIG", "SET", "save", "3600 1");
    }
    const before = await doctor([`redis://${second.id}`]);
    expect(before.findings).toEqual([]);
    expect(before.code).toBe(0);
    expect(before.nodes.map(({ id }) => id).sort()).toEqual([master.id, first.id, second.id].sort());

    await second.command("CONFIG", "SET", "replica-read-only", "no");
    await first.command("CONFIG", "SET", "repl-timeout", "5");
    await first.command("REPLICAOF", "NO", "ONE");
    const after = await doctor([`redis://${master.id}`, `redis://${first.id}`]);
    expect(after.code).toBe(1);
    expect(after.rules).toEqual(
      expect.arrayContaining(["split-brain -", `writable-replica ${second.id}`, `repl-timeout ${first.id}`]),
    );
  });

  it("sees a full resync that happens while it looks, and a node that is gone", async () => {
    const { master, first, second, settled } = await worlds.open();
    await settled();
    await first.crash();
    const asked = doctor([`redis://${master.id}`, `redis://${first.id}`]);
    let asking = true;
    void asked.finally(() => (asking = false)).catch(() => {});
    while (asking) {
      // A replica that has forgotten its history can't go on where it was.
      await second.command("REPLICAOF", "NO", "ONE");
      await second.command("DEBUG", "CHANGE-REPL-ID");
      await second.command("REPLICAOF", master.host, master.port);
      await eventually(async () => expect((await second.info("replication")).get("master_link_status")).toBe("up"));
    }
    const { rules, code } = await asked;
    expect(code).toBe(1);
    expect(rules).toEqual(expect.arrayContaining([`full-resyncs ${master.id}`, `unreachable ${first.id}`]));
  });
});

describeReal("ioreplica doctor with users and Sentinels", () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it("says which rights a user lacks, and shows its password nowhere", async () => {
    const password = "c4n4ry-of-doctor";
    const server = await startRedis();
    ends.push(() => server.stop());
    await server.command(
      "ACL",
      "SETUSER",
      "app",
      "on",
      `>${password}`,
      "~*",
      "+@all",
      "-@admin",
      "-@dangerous",
      "+info",
    );
    const run = await doctor([server.id, "--user", "app"], { REDISCLI_AUTH: password });
    expect(run.code).toBe(1);
    expect(run.rules).toEqual(
      expect.arrayContaining([
        `missing-rights ${server.id}`,
        `settings-hidden ${server.id}`,
        `no-replica ${server.id}`,
      ]),
    );
    expect(run.findings.map(({ seen }) => seen)).toContain("this user may not run CLIENT KILL");
    const wrong = await doctor([server.id, "--user", "app"], { REDISCLI_AUTH: `${password}-wrong` });
    expect(wrong.code).toBe(2);
    expect(wrong.out).toMatch(/WRONGPASS/);
    for (const { out, err } of [run, wrong]) expect(out + err).not.toContain(password);
  });

  it("goes in by TLS, tells of a certificate that is about to end, and of one that is not trusted", async () => {
    const certificates = makeCertificates("IP:127.0.0.1");
    ends.push(async () => rmSync(certificates.dir, { recursive: true }));
    const port = await freePort();
    const server = await startRedis({ args: certificates.args(port) });
    ends.push(() => server.stop());
    const address = `rediss://127.0.0.1:${port}`;
    const trusted = await doctor([address, "--cacert", join(certificates.dir, "ca.crt")]);
    expect(trusted.rules).toContain(`certificate 127.0.0.1:${port}`);
    const stranger = await doctor([address]);
    expect(stranger.code).toBe(2);
    expect(stranger.findings.map(({ rule, seen }) => `${rule} ${seen}`).join()).toMatch(/^unreachable .*certificate/i);
  });

  it("finds a master without masterauth, and Sentinels too few and too slow", async () => {
    const password = "open-sesame";
    const topology = await startRedisTopology({ replicas: 1, password });
    ends.push(() => topology.stop());
    const { master } = topology;
    await master.command("CONFIG", "SET", "masterauth", "");
    const masters = [{ name: "mymaster", host: master.host, port: master.port, password }];
    const sentinel = await startSentinel({ masters, downAfterMs: 30_000 });
    ends.push(() => sentinel.stop());
    await eventually(async () =>
      expect(((await sentinel.command("SENTINEL", "replicas", "mymaster")) as unknown[]).length).toBe(1),
    );
    const { rules, code } = await doctor(["--sentinel", sentinel.id, "--name", "mymaster"], {
      REDISCLI_AUTH: password,
    });
    expect(code).toBe(1);
    expect(rules).toEqual(
      expect.arrayContaining([
        `masterauth-missing ${master.id}`,
        "few-sentinels -",
        `sentinel-slower-than-clients ${sentinel.id}`,
      ]),
    );
  });
});
