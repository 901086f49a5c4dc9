import type { ReplicatedClient } from "ioreplica";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runCli } from "../../support/cli.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, startRedisTopology, startSentinel } from "../../support/real-redis.js";
import { onEachStage } from "../support/stages.js";
import { eventsOf, useWorlds } from "../support/world.js";

// Each command is a process of its own that is compiled as it starts: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

interface Printed {
  outcome: string;
  reason: string | null;
  from: string;
  to: string;
  refusals: string[];
  warnings: string[];
  repointed: string[];
  checks: { check: string; ok: boolean; seen: string }[];
}

async function switchover(...args: string[]): Promise<Printed & { code: number | null }> {
  const { code, out, err } = await runCli(["switchover", ...args, "--json"]);
  if (out === "") throw new Error(`no report, exit code ${code}: ${err}`);
  return { ...(JSON.parse(out) as Printed), code };
}

/** One INCR after another until told to stop; every one is awaited, so what was acknowledged is known exactly. */
function underLoad(client: ReplicatedClient): { stop(): Promise<{ acked: number; errors: string[] }> } {
  let going = true;
  const errors: string[] = [];
  const lane = async (key: string): Promise<number> => {
    let acked = 0;
    while (going) {
      await client.incr(key).then(
        () => acked++,
        (error: Error) => {
          // A lane ends with its first error: over a client that was closed it would spin for ever.
          errors.push(error.message);
          going = false;
        },
      );
    }
    return acked;
  };
  const lanes = Array.from({ length: 8 }, (_, index) => lane(`switchover:${index}`));
  return {
    async stop() {
      going = false;
      return { acked: (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0), errors };
    },
  };
}

async function counted(command: (...words: string[]) => Promise<unknown>): Promise<number> {
  const values = await Promise.all(Array.from({ length: 8 }, (_, index) => command("GET", `switchover:${index}`)));
  return values.reduce<number>((sum, value) => sum + Number(value), 0);
}

onEachStage("ioreplica switchover", (start) => {
  const worlds = useWorlds(start);

  it("hands over under a load of writes: no call fails, nothing is lost or applied twice, everybody follows", async () => {
    const { master, first, second, client } = await worlds.open();
    const redis = await client();
    const events = eventsOf(redis);
    const load = underLoad(redis);
    await eventually(async () => expect(Number(await master.command("GET", "switchover:0"))).toBeGreaterThan(20));
    const report = await switchover(`redis://${second.id}`, "--to", first.id);
    expect(report).toMatchObject({ code: 0, outcome: "done", from: master.id, to: first.id, repointed: [second.id] });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.checks.length).toBe(6);
    await eventually(() => expect(redis.topology.master?.id).toBe(first.id));
    const { acked, errors } = await load.stop();
    expect(errors).toEqual([]);
    expect(await counted(first.command.bind(first))).toBe(acked);
    expect(events.filter(({ type }) => type === "writesLost" || type === "splitBrain")).toEqual([]);
    for (const node of [master, second])
      expect((await node.info("replication")).get("master_port")).toBe(String(first.port));
  });

  it("only looks with --dry-run, and says whom it would take", async () => {
    const { master, first, second, settled } = await worlds.open();
    await settled();
    const report = await switchover(`redis://${master.id}`, "--to", second.id, "--dry-run");
    expect(report).toMatchObject({
      code: 0,
      outcome: "wouldGo",
      from: master.id,
      to: second.id,
      repointed: [first.id],
    });
    expect((await master.info("replication")).get("role")).toBe("master");
  });

  it("gives up cleanly when the replica can't catch up: the old master goes on taking writes", async () => {
    const { stage, master, first, second } = await worlds.open();
    const undo = await stage.freeze(first);
    await master.command("SET", "k", "v");
    const port = (await first.info("replication")).get("master_port");
    const report = await switchover(`redis://${master.id}`, "--to", first.id, "--timeout", "300");
    expect(report).toMatchObject({ code: 1, outcome: "givenUp" });
    expect((await master.info("replication")).get("master_failover_state")).toBe("no-failover");
    expect(await master.command("SET", "k", "w")).toBe("OK");
    await undo();
    await stage.inSync(master, [second]);
    await eventually(async () => expect(await first.command("GET", "k")).toBe("w"));
    expect((await first.info("replication")).get("master_port")).toBe(port);
  });

  it("refuses what is no direct replica, and a replica too far behind", async () => {
    const { stage, master, first } = await worlds.open();
    expect(await switchover(`redis://${master.id}`, "--to", "127.0.0.1:1")).toMatchObject({
      code: 1,
      refusals: ["127.0.0.1:1 is no node of this deployment that answers"],
    });
    expect((await switchover(`redis://${master.id}`, "--to", master.id)).refusals).toEqual([
      `${master.id} is the master already`,
    ]);
    await stage.freeze(first);
    await master.command("SET", "k", "x".repeat(5000));
    const { refusals, code } = await switchover(`redis://${master.id}`, "--to", first.id, "--max-lag", "1000");
    expect(code).toBe(1);
    expect(refusals.join()).toMatch(/ bytes behind, 1000 are allowed/);
    expect((await master.info("replication")).get("role")).toBe("master");
  });
});

describe("ioreplica switchover, wrongly called", () => {
  it("says what is missing, with exit code 64, and 2 when nobody answers", async () => {
    const none = await runCli(["switchover"]);
    expect(none).toMatchObject({ code: 64, out: "" });
    expect(none.err).toMatch(/No address/);
    expect((await runCli(["switchover", "127.0.0.1:6379", "--sentinel", "127.0.0.1:1", "--name", "m"])).code).toBe(64);
    expect((await runCli(["switchover", "127.0.0.1:6379", "--timeout", "0"])).code).toBe(64);
    const { code, out } = await runCli(["switchover", "127.0.0.1:1", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ outcome: "unreachable", reason: expect.stringMatching(/ECONNREFUSED/) });
  });
});

describeReal("ioreplica switchover with passwords and Sentinels", () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it("takes the password from the environment, writes the files, and shows it nowhere", async () => {
    const password = "c4n4ry-of-switchover";
    const topology = await startRedisTopology({ replicas: 2, password });
    ends.push(() => topology.stop());
    const { master, replicas } = topology;
    const [first] = replicas;
    const run = await runCli(["switchover", master.id, "--to", first?.id ?? "", "--json"], { REDISCLI_AUTH: password });
    expect(JSON.parse(run.out)).toMatchObject({ outcome: "done", to: first?.id });
    const text = await runCli(["switchover", first?.id ?? "", "--to", master.id, "--rewrite"], {
      REDISCLI_AUTH: password,
    });
    // They were started without a file, so there is none to be written; the switchover itself stands.
    expect(text.code).toBe(3);
    expect(text.out).toMatch(/refused CONFIG REWRITE: .*without a config file/);
    const refused = await runCli(["switchover", master.id], { REDISCLI_AUTH: `${password}-wrong` });
    expect(refused.code).toBe(2);
    expect(refused.out).toMatch(/WRONGPASS/);
    for (const { out, err } of [run, text, refused]) expect(out + err).not.toContain(password);
  });

  it("refuses to go behind the back of Sentinels, and goes through them without a loss", async () => {
    const topology = await startRedisTopology({ replicas: 2 });
    ends.push(() => topology.stop());
    const { master } = topology;
    const masters = [{ name: "mymaster", host: master.host, port: master.port }];
    const sentinel = await startSentinel({ masters, downAfterMs: 5000 });
    ends.push(() => sentinel.stop());
    await eventually(
      async () => {
        const replicas = (await sentinel.command("SENTINEL", "replicas", "mymaster")) as string[][];
        expect(replicas.length).toBe(2);
        // Sentinel takes only a replica whose INFO it has seen.
        for (const fields of replicas) expect(fields[fields.indexOf("master-link-status") + 1]).toBe("ok");
      },
      { timeoutMs: 15_000 },
    );
    const direct = await switchover(master.id);
    expect(direct).toMatchObject({ code: 1, outcome: "refused" });
    expect(direct.refusals.join()).toMatch(/Sentinels watch this master/);

    const { ReplicatedClient } = await import("ioreplica");
    const redis = new ReplicatedClient(topology.options);
    ends.push(async () => redis.disconnect());
    const load = underLoad(redis);
    await eventually(async () => expect(Number(await master.command("GET", "switchover:0"))).toBeGreaterThan(20));
    const report = await switchover("--sentinel", sentinel.id, "--name", "mymaster");
    expect(report).toMatchObject({ code: 0, outcome: "done", from: master.id });
    expect(report.to).not.toBe(master.id);
    await eventually(() => expect(redis.topology.master?.id).toBe(report.to));
    const { acked, errors } = await load.stop();
    expect(errors).toEqual([]);
    const next = topology.servers.find(({ id }) => id === report.to);
    if (next === undefined) throw new Error(`${report.to} is none of the servers`);
    expect(await counted(next.command.bind(next))).toBe(acked);
  });
});
