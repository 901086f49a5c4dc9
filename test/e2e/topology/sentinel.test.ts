import { afterEach, expect, it } from "vitest";
import { openRedis } from "../../../src/client/connection/open-redis.js";
import { SentinelWatcher } from "../../../src/client/connection/sentinel.js";
import type { SentinelInput } from "../../../src/client/topology/input.js";
import { systemClock } from "../../../src/core/clock.js";
import { seededRandom } from "../../../src/core/random.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, startRedisTopology, startSentinel } from "../../support/real-redis.js";

describeReal("SentinelWatcher, against real Sentinels", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function stage(replicas = 1) {
    const topology = await startRedisTopology({ replicas });
    closing.push(() => topology.stop());
    const sentinel = async (config: readonly string[] = []) => {
      const { host, port } = topology.master;
      const started = await startSentinel({ masters: [{ name: "mymaster", host, port }], downAfterMs: 500, config });
      closing.push(() => started.stop());
      return started;
    };
    return { topology, sentinel };
  }

  function watch(
    sentinels: readonly { host: string; port: number }[],
    over: { name?: string; password?: string; updateSentinels?: boolean; pollIntervalMs?: number } = {},
  ) {
    const inputs: SentinelInput[] = [];
    const unreachable: (readonly { sentinel: string; reason: string }[])[] = [];
    const watcher = new SentinelWatcher({
      clock: systemClock,
      random: seededRandom(1),
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      name: over.name ?? "mymaster",
      updateSentinels: over.updateSentinels ?? false,
      pollIntervalMs: over.pollIntervalMs ?? 100,
      timeoutMs: 1000,
      open: (address) =>
        openRedis({ endpoint: address, redis: over.password === undefined ? {} : { password: over.password } }).redis,
      onInput: (input) => void inputs.push(input),
      onUnreachable: (reasons) => void unreachable.push(reasons),
    });
    closing.push(() => watcher.stop());
    watcher.start();
    return { watcher, inputs, unreachable };
  }

  it("names the master and, once the Sentinel has found them, its replicas", async () => {
    const { topology, sentinel } = await stage();
    const started = await sentinel();
    const { inputs } = watch([started]);
    const { host, port } = topology.master;
    await eventually(() => inputs.some((input) => input.replicas.length === 1), { timeoutMs: 15_000 });
    expect(inputs.at(-1)).toMatchObject({
      type: "sentinel",
      sentinel: `${started.host}:${started.port}`,
      master: { host, port },
      replicas: [{ host: topology.replicas[0]?.host, port: topology.replicas[0]?.port }],
    });
  });

  it("hears of a switch without waiting for its next question", async () => {
    const { topology, sentinel } = await stage();
    const started = await sentinel();
    const { inputs } = watch([started], { pollIntervalMs: 60_000 });
    await eventually(
      async () => ((await started.command("SENTINEL", "replicas", "mymaster")) as unknown[]).length === 1,
      { timeoutMs: 15_000 },
    );
    const [replica] = topology.replicas;
    await eventually(async () => {
      await started.command("SENTINEL", "failover", "mymaster");
      return true;
    });
    await eventually(() => inputs.at(-1)?.master?.port === replica?.port, { timeoutMs: 15_000 });
    expect(inputs[0]?.master).toEqual({ host: topology.master.host, port: topology.master.port });
  });

  it("a dead Sentinel delays nothing, and is asked again when it is back", async () => {
    const { sentinel } = await stage();
    const started = await sentinel();
    const dead = await freePort();
    const { inputs, unreachable } = watch([{ host: "127.0.0.1", port: dead }, started]);
    await eventually(() => inputs.length > 2);
    expect(unreachable).toEqual([]);
    await started.kill9();
    await eventually(() => unreachable.length > 0);
    expect(unreachable[0]?.map((each) => each.sentinel).sort()).toEqual(
      [`127.0.0.1:${dead}`, `${started.host}:${started.port}`].sort(),
    );
    for (const each of unreachable[0] ?? []) expect(each.reason).toMatch(/ECONNREFUSED|closed/i);
    const before = inputs.length;
    await started.restart();
    await eventually(() => inputs.length > before);
  });

  it("a hung Sentinel is dropped when the time is up and found again when it wakes", async () => {
    const { sentinel } = await stage();
    const started = await sentinel();
    const { inputs, unreachable } = watch([started]);
    await eventually(() => inputs.length > 0);
    started.pause();
    await eventually(() => unreachable.some((all) => /no answer within 1000 ms/.test(all[0]?.reason ?? "")));
    started.resume();
    const before = inputs.length;
    await eventually(() => inputs.length > before);
  });

  it("says that the name is unknown, and that the password is wrong, without the password", async () => {
    const { sentinel } = await stage(0);
    const started = await sentinel(["requirepass sentinel-secret"]);
    const wrongName = watch([started], { name: "nobody", password: "sentinel-secret" });
    await eventually(() => wrongName.unreachable.length > 0);
    expect(wrongName.unreachable[0]?.[0]?.reason).toBe('it watches no master named "nobody"');
    const wrongPassword = watch([started], { password: "canary-7f3a" });
    await eventually(() => wrongPassword.unreachable.length > 0);
    expect(JSON.stringify(wrongPassword.unreachable)).toMatch(/WRONGPASS|NOAUTH/);
    expect(JSON.stringify(wrongPassword.unreachable)).not.toContain("canary-7f3a");
    const right = watch([started], { password: "sentinel-secret" });
    await eventually(() => right.inputs.length > 0);
  });

  it("finds the other Sentinels through one, if asked to", async () => {
    const { sentinel } = await stage(0);
    const first = await sentinel();
    const second = await sentinel();
    const { inputs } = watch([first], { updateSentinels: true });
    await eventually(() => inputs.some((input) => input.sentinel.endsWith(`:${second.port}`)), { timeoutMs: 15_000 });
  });
});
