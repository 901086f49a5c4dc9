import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import type { RedisProcess } from "../../support/real-redis.js";
import { describeReal, respCall, startRedis } from "../../support/real-redis.js";
import { ServerProcess } from "../support/server-process.js";

const WRITES: readonly (readonly string[])[] = [
  ["SET", "s", "v", "EX", "1000"],
  ["RPUSH", "l", "a", "b", "c"],
  ["SADD", "set", "1", "2", "x"],
  ["HSET", "h", "f", "v", "g", "w"],
  ["ZADD", "z", "1.5", "a", "inf", "b"],
  ["SELECT", "3"],
  ["MULTI"],
  ["INCRBYFLOAT", "f", "2.5"],
  ["SPOP", "nothing"],
  ["SET", "t", "1"],
  ["EXEC"],
  ["SELECT", "0"],
  ["LPOP", "l"],
];

describe("the append-only log of a server inside a process", () => {
  it("survives a crash, without a disk; the history doesn't", async () => {
    const server = await DevServer.start({ config: { appendonly: "yes" } });
    const call = (...commands: string[][]) => respCall({ host: server.host, port: server.port }, commands, 5000);
    await call(...(WRITES as string[][]));
    const [digest, replid] = [server.digest(), server.replid];
    await server.crash();
    await server.restart({ data: "keep" });
    expect(server.digest()).toBe(digest);
    expect(server.replid).not.toBe(replid);
    expect(server.offset).toBe(0);
    await server.restart({ data: "drop" });
    expect(await call(["DBSIZE"])).toEqual([0]);
    await server.stop();
  });

  it("isn't told of its own loading, nor of what a transaction has scheduled before its end", async () => {
    // DEBUG LOADAOF was appended to the log that it had loaded, and run again by each load from then on.
    const server = await DevServer.start({ config: { "enable-debug-command": "yes" } });
    const call = (...commands: string[][]) => respCall({ host: server.host, port: server.port }, commands, 5000);
    await call(["MULTI"], ["SET", "a", "1"], ["CONFIG", "SET", "appendonly", "yes"], ["SET", "b", "2"], ["EXEC"]);
    await eventually(async () => {
      expect(String(await call(["INFO", "persistence"]))).toMatch(/aof_enabled:1[^]*aof_rewrite_scheduled:0/);
      expect(String(await call(["INFO", "stats"]))).toContain("total_forks:1");
    });
    await call(["SET", "a", "3", "EX", "100"], ["DEBUG", "LOADAOF"], ["PERSIST", "a"], ["DEBUG", "LOADAOF"]);
    expect(await call(["MGET", "a", "b"], ["TTL", "a"])).toEqual([["3", "2"], -1]);
    await server.stop();
  });

  it("is written by a replica too, after its full resync", async () => {
    const master = await DevServer.start();
    const call = (commands: string[][]) => respCall({ host: master.host, port: master.port }, commands, 5000);
    await call(WRITES as string[][]);
    const replica = await DevServer.start({
      replicaOf: { host: master.host, port: master.port },
      config: { appendonly: "yes" },
    });
    await replica.inSyncWith(master);
    await call([["SET", "later", "1"]]);
    await replica.inSyncWith(master);
    const digest = master.digest();
    await master.stop();
    await replica.crash();
    await replica.restart({ data: "keep" });
    expect(replica.digest()).toBe(digest);
    await replica.stop();
  });
});

describeReal("the append-only log of ioreplica-server", () => {
  let folder: string;
  const running: { stop(): Promise<unknown> }[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ioreplica-aof-"));
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    rmSync(folder, { recursive: true });
  });

  const started = <T extends { stop(): Promise<unknown> }>(server: T): T => {
    running.push(server);
    return server;
  };
  const settings = (...more: string[]) => ["--appendonly", "yes", "--enable-debug-command", "local", ...more];
  const dev = async (...more: string[]) =>
    started(await ServerProcess.start(["--dir", folder, "--save", "", ...settings(...more)]));
  const real = async (): Promise<RedisProcess> => started(await startRedis({ args: settings("--dir", folder) }));

  it.each(["yes", "no"])(
    "is kept by kill -9 and read by redis-server, and redis-server's by it (aof-use-rdb-preamble %s)",
    async (preamble) => {
      const first = await dev("--aof-use-rdb-preamble", preamble);
      await first.call(WRITES);
      expect(await first.call([["BGREWRITEAOF"]])).toEqual(["Background append only file rewriting started"]);
      await first.call([["SET", "after", "the rewrite"]]);
      await eventually(async () => {
        expect(await first.text("INFO", "persistence")).toContain("aof_rewrite_in_progress:0");
      });
      const [digest] = await first.call([["DEBUG", "DIGEST"]]);
      await first.kill();
      const second = await real();
      expect(await second.command("DEBUG", "DIGEST")).toBe(digest);
      await second.commands([["SET", "by", "redis-server"], ["BGREWRITEAOF"]]);
      await eventually(async () => expect((await second.info("persistence")).get("aof_rewrite_in_progress")).toBe("0"));
      await second.command("SET", "by", "redis-server again");
      const later = await second.command("DEBUG", "DIGEST");
      await second.kill9();
      const third = await dev();
      expect(
        await third.call([
          ["DEBUG", "DIGEST"],
          ["GET", "by"],
        ]),
      ).toEqual([later, "redis-server again"]);
    },
  );
});
