import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, RedisProcess, startRedis } from "../../support/real-redis.js";
import { randomWrites, run } from "./load.js";
import { ask, expectEqual, expectNoComplaint, info, type Node } from "./nodes.js";

type Kind = "dev" | "real";

const started: Node[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function start(kind: Kind, master: Node | null): Promise<Node> {
  const replicaOf = master ? { replicaOf: { host: "127.0.0.1", port: master.port } } : {};
  const server = kind === "dev" ? await DevServer.start(replicaOf) : await startRedis(replicaOf);
  started.push(server);
  if (master) await eventually(async () => expect((await info(server)).get("master_link_status")).toBe("up"));
  return server;
}

/** Saves, dies, and comes back with what it saved, in the role it had. */
async function restart(node: Node): Promise<void> {
  // A PING in between would put its replicas ahead of the file.
  expect(await ask(node, "CONFIG", "SET", "repl-ping-replica-period", "3600")).toBe("OK");
  expect(await ask(node, "SAVE")).toBe("OK");
  if (node instanceof DevServer) {
    await node.crash();
    await node.restart({ data: "keep" });
  } else await node.restart();
}

const pairs = [
  ["dev", "real"],
  ["real", "dev"],
  ["dev", "dev"],
] as const;

describeReal("a restart from a saved file", () => {
  it.each(pairs)("of a replica goes on in its master's history: master %s, replica %s", async (first, second) => {
    const master = await start(first, null);
    await run(master.port, randomWrites(31, 300));
    const replica = await start(second, master);
    await run(master.port, randomWrites(32, 300));
    await expectEqual(master, replica);
    await restart(replica);
    await run(master.port, randomWrites(33, 300));
    await expectEqual(master, replica);
    const stats = await info(master, "stats");
    expect([stats.get("sync_full"), stats.get("sync_partial_ok")]).toEqual(["1", "1"]);
    for (const node of [master, replica]) if (node instanceof RedisProcess) expectNoComplaint(node);
  });

  it.each(pairs)("of a master lets its replicas go on: master %s, replica %s", async (first, second) => {
    const master = await start(first, null);
    const replica = await start(second, master);
    await run(master.port, randomWrites(34, 300));
    await ask(master, "SET", "short", "1", "PX", "1");
    // So would its DEL.
    await eventually(async () => expect(await ask(master, "EXISTS", "short")).toBe(0));
    await expectEqual(master, replica);
    const before = await info(master);
    await restart(master);
    await eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("up"));
    const after = await info(master);
    expect(after.get("master_replid2")).toBe(before.get("master_replid"));
    expect(Number(after.get("second_repl_offset"))).toBeGreaterThan(Number(before.get("master_repl_offset")));
    await run(master.port, randomWrites(35, 300));
    await expectEqual(master, replica);
    const stats = await info(master, "stats");
    expect([stats.get("sync_full"), stats.get("sync_partial_ok")]).toEqual(["0", "1"]);
    expect((await info(replica)).get("master_replid")).toBe(after.get("master_replid"));
    for (const node of [master, replica]) if (node instanceof RedisProcess) expectNoComplaint(node);
  });

  it.each(pairs)("tells replicas of the keys that expired meanwhile: master %s, replica %s", async (first, second) => {
    const master = await start(first, null);
    const replica = await start(second, master);
    await ask(master, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
    const soon = Date.now() + 600;
    for (let i = 0; i < 20; i++) await ask(master, "SET", `soon:${i}`, "1", "PXAT", soon);
    await ask(master, "SET", "stays", "1");
    await expectEqual(master, replica);
    expect(await ask(master, "SAVE")).toBe("OK");
    if (master instanceof DevServer) await master.crash();
    else await master.kill9();
    // This is the time that the keys have to live.
    await eventually(() => Date.now() > soon);
    if (master instanceof DevServer) await master.restart({ data: "keep" });
    else await master.restart();
    await expectEqual(master, replica);
    expect(await ask(replica, "DBSIZE")).toBe(1);
    expect((await info(master, "persistence")).get("rdb_last_load_keys_expired")).toBe("20");
    expect((await info(master, "stats")).get("sync_full")).toBe("0");
  });

  it.each(pairs)("of a master and a replica at once costs no full resync: %s, %s", async (first, second) => {
    const master = await start(first, null);
    const replica = await start(second, master);
    await run(master.port, randomWrites(36, 300));
    await expectEqual(master, replica);
    await restart(replica);
    await restart(master);
    await expectEqual(master, replica);
    expect((await info(master, "stats")).get("sync_full")).toBe("0");
  });
});
