import { afterEach, expect, it } from "vitest";
import { DevServer, type DevServerOptions } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import {
  describeReal,
  RedisProcess,
  type RedisProcessOptions,
  respCall,
  startRedis,
} from "../../support/real-redis.js";
import { randomWrites, run } from "./load.js";
import { ask, digest, expectEqual, expectNoComplaint, info, type Node } from "./nodes.js";

const started: Node[] = [];
const dev = async (options: DevServerOptions = {}): Promise<DevServer> => {
  const server = await DevServer.start(options);
  started.push(server);
  return server;
};
const real = async (options: RedisProcessOptions = {}): Promise<RedisProcess> => {
  const server = await startRedis(options);
  started.push(server);
  return server;
};
const of = (node: Node): { host: string; port: number } => ({ host: "127.0.0.1", port: node.port });

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

/** Follows by INFO alone, so that it works for both kinds. */
const linked = (node: Node): Promise<unknown> =>
  eventually(async () => expect((await info(node)).get("master_link_status")).toBe("up"));

describeReal("a dev master and real replicas", () => {
  it("gives its data and its stream, and each real replica ends up equal", async () => {
    const master = await dev();
    await run(master.port, randomWrites(1, 600));
    const replica = await real({ replicaOf: of(master) });
    await run(master.port, randomWrites(2, 2000));
    await expectEqual(master, replica);
    expect((await info(master)).get("slave0")).toMatch(
      new RegExp(`^ip=127.0.0.1,port=${replica.port},state=online,offset=\\d+,lag=[01]$`),
    );
    expectNoComplaint(replica);
  });

  it("goes on where a cut link stood, as often as it is cut", async () => {
    const master = await dev();
    const replica = await real({ replicaOf: of(master) });
    await linked(replica);
    for (let round = 0; round < 4; round++) {
      master.faults.dropConnections();
      await run(master.port, randomWrites(10 + round, 200));
      await eventually(async () =>
        expect((await info(master, "stats")).get("sync_partial_ok")).toBe(String(round + 1)),
      );
    }
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_full")).toBe("1");
    expectNoComplaint(replica);
  });

  it("sends everything again when the backlog has moved on", async () => {
    const master = await dev({ config: { "repl-backlog-size": "16kb" } });
    const replica = await real({ replicaOf: of(master) });
    await linked(replica);
    replica.pause();
    master.faults.dropConnections();
    await run(master.port, randomWrites(3, 1500));
    replica.resume();
    await eventually(async () => expect((await info(master, "stats")).get("sync_full")).toBe("2"));
    await expectEqual(master, replica);
    expectNoComplaint(replica);
  });

  it("asks for the password that it was given", async () => {
    const master = await dev({ password: "opensesame" });
    const replica = await real({ replicaOf: of(master), args: ["--masterauth", "opensesame"] });
    await linked(replica);
    expect(await digest(replica)).toBe(master.digest());
    const stranger = await real({ replicaOf: of(master), args: ["--masterauth", "wrong"] });
    await eventually(() => expect(stranger.log()).toMatch(/Unable to AUTH to MASTER: -WRONGPASS/));
  });

  it("counts the replicas that have a write, as WAIT asks", async () => {
    const master = await dev();
    const replica = await real({ replicaOf: of(master) });
    await linked(replica);
    const commands = [
      ["SET", "a", "1"],
      ["WAIT", "1", "5000"],
      ["WAIT", "2", "50"],
    ];
    expect(await respCall(of(master), commands, 10_000)).toEqual(["OK", 1, 1]);
    expect(await ask(replica, "GET", "a")).toBe("1");
  });
});

describeReal("a real master and dev replicas", () => {
  it.each([
    ["with a payload of known length", ["--repl-diskless-sync", "no"]],
    ["with a payload that ends with a mark", ["--repl-diskless-sync", "yes"]],
  ])("takes data and stream %s", async (_, args) => {
    const master = await real({ args });
    await run(master.port, randomWrites(4, 600));
    const replica = await dev({ replicaOf: of(master) });
    await run(master.port, randomWrites(5, 2000));
    await expectEqual(master, replica);
    expect((await info(master)).get("slave0")).toMatch(new RegExp(`^ip=127.0.0.1,port=${replica.port},state=online`));
    expectNoComplaint(master);
  });

  it("goes on where a cut link stood", async () => {
    const master = await real();
    const replica = await dev({ replicaOf: of(master) });
    await linked(replica);
    for (let round = 0; round < 4; round++) {
      replica.faults.dropConnections();
      await run(master.port, randomWrites(20 + round, 200));
      await eventually(async () =>
        expect((await info(master, "stats")).get("sync_partial_ok")).toBe(String(round + 1)),
      );
    }
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_full")).toBe("1");
  });

  it("refuses writes and tells whom it follows", async () => {
    const master = await real();
    const replica = await dev({ replicaOf: of(master) });
    await linked(replica);
    expect(String(await ask(replica, "SET", "a", "1"))).toMatch(
      /READONLY You can't write against a read only replica\./,
    );
    expect(await ask(replica, "ROLE")).toEqual(["slave", "127.0.0.1", master.port, "connected", replica.offset]);
    await master.stop();
    await eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("down"));
    expect(Number((await info(replica)).get("master_link_down_since_seconds"))).toBeGreaterThanOrEqual(0);
    expect(await ask(replica, "GET", "a")).toBeNull();
  });

  it("acknowledges what it has applied, so that WAIT on a real master counts it", async () => {
    const master = await real();
    const replica = await dev({ replicaOf: of(master) });
    await linked(replica);
    expect(
      await respCall(
        of(master),
        [
          ["SET", "a", "1"],
          ["WAIT", "1", "5000"],
        ],
        10_000,
      ),
    ).toEqual(["OK", 1]);
    const frozen = replica.faults.freeze();
    expect(
      await respCall(
        of(master),
        [
          ["SET", "a", "2"],
          ["WAIT", "1", "100"],
        ],
        10_000,
      ),
    ).toEqual(["OK", 0]);
    frozen.clear();
    await expectEqual(master, replica);
  });
});

describeReal("chains of both kinds", () => {
  it.each([
    ["real, dev, real", real, dev, real],
    ["dev, real, dev", dev, real, dev],
  ] as const)("hand on the bytes of the first: %s", async (_, first, second, third) => {
    const a = await first({});
    await run(a.port, randomWrites(6, 300));
    const b = await second({ replicaOf: of(a) });
    await linked(b);
    const c = await third({ replicaOf: of(b) });
    await linked(c);
    await run(a.port, randomWrites(7, 1500));
    await expectEqual(a, b, c);
    for (const server of [a, b, c]) if (server instanceof RedisProcess) expectNoComplaint(server);
  });
});

describeReal("changes of role between both kinds", () => {
  it("go through partial resyncs, there and back, and lose nothing", async () => {
    const one = await dev();
    await run(one.port, randomWrites(8, 300));
    const two = await real({ replicaOf: of(one) });
    await linked(two);
    await run(one.port, randomWrites(9, 500));
    await expectEqual(one, two);
    const { replid, offset } = one;

    expect(await ask(two, "REPLICAOF", "NO", "ONE")).toBe("OK");
    const promoted = await info(two);
    expect(promoted.get("master_replid2")).toBe(replid);
    expect(Number(promoted.get("second_repl_offset"))).toBe(offset + 1);
    expect(await ask(one, "REPLICAOF", "127.0.0.1", two.port)).toBe("OK");
    await linked(one);
    await run(two.port, randomWrites(10, 500));
    await expectEqual(two, one);
    expect((await info(two, "stats")).get("sync_full")).toBe("0");
    expect((await info(one)).get("master_replid2")).toBe(replid);

    const before = one.offset;
    expect(await ask(one, "REPLICAOF", "NO", "ONE")).toBe("OK");
    expect((await info(one)).get("second_repl_offset")).toBe(String(before + 1));
    expect(await ask(two, "REPLICAOF", "127.0.0.1", one.port)).toBe("OK");
    await linked(two);
    await run(one.port, randomWrites(11, 500));
    await expectEqual(one, two);
    expect((await info(one, "stats")).get("sync_full")).toBe("1");
    expectNoComplaint(two);
  });

  it("give a diverged old master the new one's data", async () => {
    const one = await dev();
    const two = await real({ replicaOf: of(one) });
    await linked(two);
    await ask(one, "SET", "shared", "1");
    await expectEqual(one, two);
    await ask(two, "REPLICAOF", "NO", "ONE");
    await ask(one, "SET", "lost", "1");
    await ask(two, "SET", "kept", "1");
    await ask(one, "REPLICAOF", "127.0.0.1", two.port);
    await linked(one);
    await expectEqual(two, one);
    expect(await ask(one, "GET", "lost")).toBeNull();
    expect((await info(one)).get("master_replid2")).toBe("0".repeat(40));
  });

  it.each([
    ["dev to real", dev, real],
    ["real to dev", real, dev],
    ["dev to dev", dev, dev],
  ] as const)("FAILOVER hands over without a lost write: %s", async (_, first, second) => {
    const one = await first({});
    const two = await second({ replicaOf: of(one) });
    await linked(two);
    await run(one.port, randomWrites(12, 200));
    await expectEqual(one, two);
    expect(await ask(one, "FAILOVER", "TO", "127.0.0.1", two.port, "TIMEOUT", 10_000)).toBe("OK");
    await eventually(async () => expect(((await ask(two, "ROLE")) as unknown[])[0]).toBe("master"));
    await linked(one);
    expect((await info(one)).get("master_failover_state")).toBe("no-failover");
    await run(two.port, randomWrites(13, 200));
    await expectEqual(two, one);
    expect((await info(two, "stats")).get("sync_full")).toBe("0");
    for (const server of [one, two]) if (server instanceof RedisProcess) expectNoComplaint(server);
  });
});
