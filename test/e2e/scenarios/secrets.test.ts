import { inspect } from "node:util";
import { ReplicatedClient } from "ioreplica";
import { afterEach, describe, expect, it } from "vitest";
import { DevTopology } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, startRedisTopology } from "../../support/real-redis.js";
import { ready } from "../support/world.js";

const canary = "c4n4ry-5f2e-do-not-print";

/** All that an application might print of a value. */
function printed(value: unknown): string {
  const parts = [inspect(value, { depth: 12, showHidden: true, getters: true }), String(value)];
  try {
    parts.push(JSON.stringify(value) ?? "");
  } catch {
    // A circular value can't leak by JSON.
  }
  if (value instanceof Error) {
    parts.push(value.stack ?? "", printed((value as Error & { cause?: unknown }).cause));
    for (const name of Object.getOwnPropertyNames(value)) parts.push(inspect(Reflect.get(value, name), { depth: 8 }));
  }
  return parts.join("\n");
}

interface Secured {
  options: { master: string; replicas: string[]; redisOptions?: { password: string } };
  killMaster(): Promise<void>;
  stop(): Promise<void>;
}

function suite(start: () => Promise<Secured>): void {
  let servers: Secured | undefined;
  afterEach(() => servers?.stop());

  it("the password is in no error, event, inspection or JSON of anything", async () => {
    servers = await start();
    const seen: unknown[] = [];
    const redis = new ReplicatedClient({ ...servers.options, failoverTimeoutMs: 400 });
    for (const event of ["topology", "error", "ready", "connect", "close", "end", "reconnecting"]) {
      redis.on(event as "ready", (...args: unknown[]) => seen.push(event, ...args));
    }
    await ready(redis, 2);
    const fails = async (work: Promise<unknown>): Promise<void> => {
      seen.push(
        await work.then(
          () => "answered",
          (reason: unknown) => reason,
        ),
      );
    };
    await redis.set("k", "v");
    await fails(redis.lpush("k", canary));
    await fails(redis.call("AUTH", canary, canary, canary));
    await fails(redis.set("k", undefined as never));
    await fails(redis.multi().lpush("k", canary).exec());
    await fails(redis.pipeline().lpush("k", canary).exec());
    seen.push(redis, redis.options, redis.topology, redis.explain("GET", "k"), redis.health(), redis.duplicate());
    seen.push(redis.with({ consistency: "eventual" }));

    const wrong = new ReplicatedClient({
      ...servers.options,
      redisOptions: { password: `${canary}-wrong` },
      master: servers.options.master.replace(`:${canary}@`, ""),
      replicas: [],
      discoverReplicas: false,
      failoverTimeoutMs: 300,
    });
    wrong.on("error", (error) => seen.push(error));
    await fails(wrong.get("k"));
    seen.push(wrong, wrong.topology, wrong.health());
    wrong.disconnect();

    await servers.killMaster();
    await fails(redis.set("k", canary));
    await eventually(() => expect(redis.topology.state).not.toBe("stable"));
    redis.disconnect();
    await fails(redis.get(canary));
    seen.push(redis);

    expect(seen.length).toBeGreaterThan(15);
    for (const value of seen) expect(printed(value)).not.toContain(canary);
  });
}

describe("secrets (dev servers)", () => {
  suite(async () => {
    const topology = await DevTopology.start({ replicas: 2, password: canary });
    return {
      options: topology.options,
      killMaster: () => topology.master.crash(),
      stop: () => topology.stop(),
    };
  });
});

describeReal("secrets (redis-server)", () => {
  suite(async () => {
    const topology = await startRedisTopology({ replicas: 2, password: canary });
    return { options: topology.options, killMaster: () => topology.master.kill9(), stop: () => topology.stop() };
  });
});
