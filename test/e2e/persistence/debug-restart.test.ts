import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/core/manual-clock.js";
import { DevServer, DevTopology, memoryTransport } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, freePort, respCall } from "../../support/real-redis.js";

const PROGRAM = fileURLToPath(new URL("../../../src/cli/ioreplica-server.ts", import.meta.url));

/** redis-server starts itself again only where it was called by its path. */
const REDIS = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "redis-server"));

/** What DEBUG RESTART and CRASH-AND-RECOVER do to a server process that is started so. */
function restarts(program: string, ...before: string[]): void {
  let folder: string;
  let child: ChildProcess;
  let output: string;
  let port: number;
  const file = (): string => join(folder, "redis.conf");
  const call = (...commands: string[][]): Promise<unknown[]> => respCall({ host: "127.0.0.1", port }, commands, 10_000);
  const field = async (name: string): Promise<string> =>
    new RegExp(`^${name}:(.*?)\r$`, "m").exec(String((await call(["INFO"]))[0]))?.[1] ?? "";
  const started = (times: number) =>
    eventually(() => expect(output.split("Ready to accept connections")).toHaveLength(times + 1), {
      timeoutMs: 20_000,
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "debug-restart-"));
    port = await freePort();
    const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, "save 3600 1", "enable-debug-command yes"];
    writeFileSync(file(), `${lines.join("\n")}\n`);
    output = "";
    child = spawn(program, [...before, file(), "--hz", "20"], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
    await started(1);
  });
  afterEach(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true });
  });

  it("keeps data, settings and the process, and is another run; the client that asked is cut off", async () => {
    const [runId, pid] = [await field("run_id"), await field("process_id")];
    await call(["SET", "k", "v"], ["CONFIG", "SET", "maxclients", "77"]);
    await expect(call(["DEBUG", "RESTART", "50"])).rejects.toThrow("closed the connection");
    await started(2);
    expect(await call(["GET", "k"], ["CONFIG", "GET", "maxclients"], ["CONFIG", "GET", "hz"])).toEqual([
      "v",
      ["maxclients", "77"],
      ["hz", "20"],
    ]);
    expect(readFileSync(file(), "latin1")).toContain("maxclients 77");
    expect(await field("run_id")).not.toBe(runId);
    expect(await field("process_id")).toBe(pid);
  });

  it("loses by CRASH-AND-RECOVER what was not saved, and ends by SIGTERM all the same", async () => {
    await call(["SET", "k", "saved"], ["SAVE"], ["SET", "k", "lost"], ["CONFIG", "SET", "maxclients", "77"]);
    await expect(call(["DEBUG", "CRASH-AND-RECOVER"])).rejects.toThrow(/closed the connection|ECONNRESET/);
    await started(2);
    expect(await call(["GET", "k"], ["CONFIG", "GET", "maxclients"])).toEqual(["saved", ["maxclients", "10000"]]);
    expect(readFileSync(file(), "latin1")).not.toContain("maxclients 77");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("goes on where it can't save what it has to, or is asked for nonsense", async () => {
    mkdirSync(join(folder, "dump.rdb"));
    const replies = await call(["SET", "k", "v"], ["DEBUG", "RESTART"], ["DEBUG", "RESTART", "soon"], ["GET", "k"]);
    expect(replies.map(String)).toEqual([
      "OK",
      "ErrorReplyError: ERR failed to restart the server. Check server logs.",
      "ErrorReplyError: ERR value is not an integer or out of range",
      "v",
    ]);
    expect(output).toContain("Can't restart: error preparing for shutdown");
  });
}

describe("DEBUG RESTART of ioreplica-server", () => restarts(process.execPath, "--import", "tsx", PROGRAM));

describeReal("DEBUG RESTART of redis-server", () => restarts(REDIS.find(existsSync) ?? "redis-server"));

describe("DEBUG RESTART of a server inside a process", () => {
  const ask = (server: DevServer, ...commands: string[][]): Promise<unknown[]> =>
    respCall({ host: server.host, port: server.port }, commands, 10_000);
  const end = (server: DevServer, ...words: string[]): Promise<void> =>
    expect(ask(server, ["DEBUG", ...words])).rejects.toThrow();

  it("comes back on its port in its role, with what its save points saved", async () => {
    await using topology = await DevTopology.start({ replicas: 1, config: { save: "3600 1" } });
    const { master, replicas } = topology;
    const [replica] = replicas as [DevServer];
    await ask(master, ["SET", "k", "v"]);
    await replica.inSyncWith(master);
    const { port } = master;
    await end(master, "RESTART");
    await eventually(() => expect(master.running).toBe(true));
    expect(master.port).toBe(port);
    await end(replica, "CRASH-AND-RECOVER");
    await eventually(() => expect(replica.running).toBe(true));
    expect(replica.role).toBe("replica");
    await replica.inSyncWith(master);
    expect(await ask(replica, ["GET", "k"])).toEqual(["v"]);
    await ask(master, ["SET", "k", "lost"]);
    await end(master, "CRASH-AND-RECOVER");
    await eventually(async () => expect(await ask(master, ["GET", "k"])).toEqual(["v"]));
  });

  it("waits as long as it was told, and not for one that was started or stopped meanwhile", async () => {
    const clock = new ManualClock();
    const transport = memoryTransport();
    const server = await DevServer.start({ clock, transport, config: { "enable-debug-command": "yes" } });
    const asks = async (...words: string[]): Promise<void> => {
      const socket = transport.connect({ host: server.host, port: server.port });
      socket.on("error", () => undefined);
      socket.write(`DEBUG ${words.join(" ")}\r\n`);
      await server.advance(0);
      expect(server.running).toBe(false);
    };
    await asks("RESTART", "5000");
    await server.advance(4999);
    expect(server.running).toBe(false);
    await server.advance(1);
    expect(server.running).toBe(true);

    await asks("CRASH-AND-RECOVER", "5000");
    await server.restart({ data: "keep" });
    const { port } = server;
    await server.advance(10_000);
    expect([server.running, server.port]).toEqual([true, port]);

    await asks("RESTART", "5000");
    await server.stop();
    await server.advance(10_000);
    expect([server.running, clock.pending]).toEqual([false, 0]);
  });
});
