import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, respCall, startRedis } from "../../support/real-redis.js";
import { ServerProcess } from "../support/server-process.js";

interface Peer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const KEYS = Array.from({ length: 20 }, (_, i) => ["SET", `key:${i}`, "v".repeat(1000)]);

/** What a full sync that goes by way of a file leaves on the disks of servers that are started so. */
function leftBehind(start: (args: readonly string[]) => Promise<Peer>): void {
  let folder: string;
  const peers: Peer[] = [];
  const dump = (): string => join(folder, "dump.rdb");
  const call = (peer: Peer, ...commands: string[][]): Promise<unknown[]> => respCall(peer, commands, 10_000);
  const field = async (peer: Peer, name: string): Promise<string> =>
    new RegExp(`^${name}:(.*?)\r$`, "m").exec(String((await call(peer, ["INFO"]))[0]))?.[1] ?? "";
  const tracked = async <T extends Peer>(peer: Promise<T>): Promise<T> => {
    peers.push(await peer);
    return peer;
  };
  const inFolder = (...args: string[]): Promise<Peer> => tracked(start(["--dir", folder, ...args]));
  const dev = (): Promise<DevServer> => tracked(DevServer.start({ config: { "repl-diskless-sync": "no" } }));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sync-files-"));
  });
  afterEach(async () => {
    for (const peer of peers.splice(0).reverse()) await peer.stop();
    rmSync(folder, { recursive: true });
  });

  it("the replica's dump file is the payload, and a restart has its data", async () => {
    const master = await dev();
    await call(master, ...KEYS);
    const replica = await inFolder("--save", "", "--replicaof", master.host, String(master.port));
    await eventually(async () => expect(await field(replica, "master_link_status")).toBe("up"));
    expect(readFileSync(dump(), "latin1")).toMatch(/^REDIS0[^]*key:19/);
    expect(readdirSync(folder)).toEqual(["dump.rdb"]);
    await call(replica, ["REPLICAOF", "NO", "ONE"], ["FLUSHALL"]);
    await replica.stop();
    const again = await inFolder("--save", "");
    expect(await call(again, ["DBSIZE"])).toEqual([20]);
  });

  it("nothing is left where rdb-del-sync-files asks for it and nothing is to be saved", async () => {
    const master = await dev();
    await call(master, ...KEYS);
    const args = ["--rdb-del-sync-files", "yes", "--replicaof", master.host, String(master.port)];
    const replica = await inFolder("--save", "", ...args);
    await eventually(async () => expect(await field(replica, "master_link_status")).toBe("up"));
    await eventually(() => expect(readdirSync(folder)).toEqual([]));
    await replica.stop();
    const saving = await inFolder("--save", "3600 1", ...args);
    await eventually(async () => expect(await field(saving, "master_link_status")).toBe("up"));
    expect(existsSync(dump())).toBe(true);
  });

  it("what the master has written for its replicas counts as its own save", async () => {
    const master = await inFolder("--save", "3600 1000", "--repl-diskless-sync", "no");
    await call(master, ...KEYS);
    expect([await field(master, "rdb_changes_since_last_save"), await field(master, "rdb_saves")]).toEqual(["20", "0"]);
    const replica = await dev();
    await call(replica, ["REPLICAOF", master.host, String(master.port)]);
    await eventually(async () => expect(await field(replica, "master_link_status")).toBe("up"));
    await eventually(async () => expect(await field(master, "rdb_changes_since_last_save")).toBe("0"));
    expect(await field(master, "rdb_saves")).toBe("1");
    expect(readFileSync(dump(), "latin1")).toContain("key:19");
  });

  it("a payload without replicas is written to its end where there are save points, else given up", async () => {
    const args = ["--repl-diskless-sync", "no", "--rdb-key-save-delay", "20000"];
    const master = await inFolder("--save", "3600 1000", ...args);
    await call(master, ...KEYS);
    const join = async (): Promise<void> => {
      const replica = await dev();
      await call(replica, ["REPLICAOF", master.host, String(master.port)]);
      await eventually(async () => expect(await field(master, "rdb_bgsave_in_progress")).toBe("1"));
      await call(replica, ["REPLICAOF", "NO", "ONE"]);
      await eventually(async () => expect(await field(master, "connected_slaves")).toBe("0"));
    };
    await join();
    await eventually(() => expect(existsSync(dump())).toBe(true));
    rmSync(dump());
    await call(master, ["CONFIG", "SET", "save", ""]);
    await join();
    await eventually(async () => expect(await field(master, "rdb_bgsave_in_progress")).toBe("0"));
    expect(existsSync(dump())).toBe(false);
  });

  it("FLUSHALL makes replicas ask for another payload than the one that is being made", async () => {
    const master = await inFolder("--save", "", "--rdb-key-save-delay", "1000000");
    await call(master, ...KEYS, ["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    const replica = await dev();
    await call(replica, ["REPLICAOF", master.host, String(master.port)]);
    await eventually(async () => expect(await field(master, "rdb_bgsave_in_progress")).toBe("1"));
    await call(master, ["FLUSHALL"], ["SET", "after", "1"]);
    await eventually(async () => expect(await call(replica, ["GET", "after"])).toEqual(["1"]));
    expect(await field(master, "sync_full")).toBe("2");
  });
}

describe("a full sync of ioreplica-server", () => leftBehind((args) => ServerProcess.start(args)));

describeReal("a full sync of redis-server", () => leftBehind((args) => startRedis({ args })));
