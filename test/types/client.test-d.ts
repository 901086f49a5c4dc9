import type { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { IoreplicaError, ReplicatedClient, type Topology, type TopologyEvent, type ViewOptions } from "ioreplica";
import { assertType, describe, expectTypeOf, test } from "vitest";

declare const redis: ReplicatedClient;

describe("ReplicatedClient stands where an ioredis client is expected", () => {
  test("as a Redis and as Node's emitter", () => {
    expectTypeOf<ReplicatedClient>().toExtend<Redis>();
    expectTypeOf<ReplicatedClient>().toExtend<EventEmitter>();
    expectTypeOf(redis.isCluster).toEqualTypeOf<Redis["isCluster"]>();
  });

  test("with the replies, Buffer variants, callbacks and chains of ioredis", () => {
    expectTypeOf(redis.get("k")).toEqualTypeOf<Promise<string | null>>();
    expectTypeOf(redis.getBuffer("k")).toEqualTypeOf<Promise<Buffer | null>>();
    expectTypeOf(redis.hgetall("k")).toEqualTypeOf<ReturnType<Redis["hgetall"]>>();
    expectTypeOf(redis.pipeline().get("k").exec()).toEqualTypeOf<ReturnType<ReturnType<Redis["pipeline"]>["exec"]>>();
    void redis.get("k", (error, value) => {
      expectTypeOf(error).toExtend<Error | null | undefined>();
      expectTypeOf(value).toExtend<string | null | undefined>();
    });
  });

  test("a view and a duplicate are full clients", () => {
    expectTypeOf(redis.with({ consistency: "strong" })).toExtend<Redis>();
    expectTypeOf(redis.with({}).get("k")).toEqualTypeOf<Promise<string | null>>();
    expectTypeOf(redis.duplicate()).toExtend<Redis>();
  });
});

describe("options", () => {
  test("each way to name the servers", () => {
    new ReplicatedClient("redis://10.0.0.1:6379");
    new ReplicatedClient({ nodes: ["redis://10.0.0.1:6379", { host: "10.0.0.2", port: 6379 }] });
    new ReplicatedClient({ master: "redis://10.0.0.1:6379", replicas: [{ host: "10.0.0.3", port: 6379 }] });
    new ReplicatedClient({ sentinels: [{ host: "10.0.0.4", port: 26379 }], name: "mymaster" });
    new ReplicatedClient({ dev: true });
    new ReplicatedClient({ dev: { replicas: 2, lagMs: 20, port: 0 } });
  });

  test("a misspelt option or value does not compile", () => {
    // @ts-expect-error unknown option
    new ReplicatedClient({ master: "redis://10.0.0.1:6379", maxStaleness: 5 });
    // @ts-expect-error unknown level
    new ReplicatedClient({ master: "redis://10.0.0.1:6379", consistency: "linearizable" });
    // @ts-expect-error unknown key of a view
    redis.with({ staleness: 5 });
    // @ts-expect-error unknown place to read from
    redis.with({ readFrom: "slave" });
  });

  test("readFrom as a function sees descriptions and what is read", () => {
    assertType<ViewOptions>({
      readFrom: (nodes, context) => {
        expectTypeOf(context.command).toBeString();
        expectTypeOf(context.keys).toEqualTypeOf<readonly (string | Buffer)[]>();
        return nodes.filter((node) => node.role === "replica" && (node.lagBytes ?? 0) < 1024);
      },
    });
  });
});

describe("what can be asked and what is told", () => {
  test("topology, explain and health are synchronous", () => {
    expectTypeOf(redis.topology).toEqualTypeOf<Topology>();
    expectTypeOf(redis.explain("GET", "k").intent).toEqualTypeOf<"read" | "write" | "dedicated" | "pinned">();
    expectTypeOf(redis.health().ok).toBeBoolean();
    expectTypeOf(redis.topology.master).toExtend<{ readonly id: string } | null>();
  });

  test("the topology event is a closed union", () => {
    redis.on("topology", (event) => {
      expectTypeOf(event).toEqualTypeOf<TopologyEvent>();
      if (event.type === "writesLost") expectTypeOf(event.count).toExtend<{ min: number; max: number }>();
      // @ts-expect-error no such event
      if (event.type === "masterMoved") return;
    });
    expectTypeOf<TopologyEvent["type"]>().toEqualTypeOf<
      | "nodeAdded"
      | "nodeRemoved"
      | "nodeHealth"
      | "roleChanged"
      | "masterChanged"
      | "splitBrain"
      | "historyChanged"
      | "historyReset"
      | "writesLost"
      | "failoverStarted"
      | "failoverEnded"
    >();
  });

  test("errors carry a stable code, and whether the command was sent", () => {
    const error: unknown = null;
    if (error instanceof IoreplicaError) {
      expectTypeOf(error.code).toExtend<`IOREPLICA_${string}`>();
      expectTypeOf(error.sent).toEqualTypeOf<"no" | "yes" | "unknown">();
      expectTypeOf(error.retriable).toBeBoolean();
    }
  });
});
