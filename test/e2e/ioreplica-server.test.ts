import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../src/cli/processes/free-port.js";
import { eventually } from "../support/eventually.js";

const PROGRAM = fileURLToPath(new URL("../../src/cli/ioreplica-server.ts", import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  output(): string;
  ended(): Promise<number | null>;
}

/** Asks with inline commands, then QUIT; all that came. */
async function ask(target: { port: number } | { path: string }, ...lines: string[]): Promise<string> {
  const socket = createConnection({ host: "127.0.0.1", ...target });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.end([...lines, "QUIT"].map((line) => `${line}\r\n`).join(""));
  await once(socket, "close");
  return text;
}

describe("ioreplica-server", () => {
  let folder: string;
  const running: Running[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ioreplica-server-"));
  });
  afterEach(async () => {
    for (const server of running.splice(0)) {
      if (server.child.exitCode === null) server.child.kill("SIGKILL");
      await server.ended();
    }
    rmSync(folder, { recursive: true });
  });

  function start(port: number, ...args: string[]): Running {
    const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
    const ended = once(child, "close").then(([code]) => code as number | null);
    const server: Running = { child, port, output: () => output, ended: () => ended };
    running.push(server);
    return server;
  }

  async function ready(server: Running): Promise<Running> {
    await eventually(() => expect(server.output()).toContain("Ready to accept connections"), { timeoutMs: 15_000 });
    return server;
  }

  it("starts by a config file and directives, logs as redis-server, rewrites its config, ends by SIGTERM", async () => {
    const port = await freePort();
    const path = join(folder, "s.sock");
    const file = join(folder, "redis.conf");
    writeFileSync(file, `# a test's\nport ${port}\nunixsocket ${path}\nsave ""\ndir ${folder}\n`);
    const server = await ready(start(port, file, "--hz", "20"));
    expect(server.output()).toMatch(/PID: \d+\n\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} # Server initialized\n/);
    expect(await ask({ port }, "SET k v", "CONFIG GET hz", "CONFIG SET maxclients 77", "CONFIG REWRITE")).toBe(
      "+OK\r\n*2\r\n$2\r\nhz\r\n$2\r\n20\r\n+OK\r\n+OK\r\n+OK\r\n",
    );
    expect(await ask({ path }, "GET k")).toBe("$1\r\nv\r\n+OK\r\n");
    expect(readFileSync(file, "latin1")).toContain("maxclients 77");
    server.child.kill("SIGTERM");
    expect(await server.ended()).toBe(0);
    expect(server.output()).toContain("bye bye");
  });

  it("lets time pass where a transaction sleeps: a key that has expired by its end wakes nobody", async () => {
    const port = await freePort();
    await ready(start(port, "--port", String(port), "--dir", folder, "--save", "", "--enable-debug-command", "yes"));
    const waiting = createConnection({ host: "127.0.0.1", port });
    waiting.write("BLPOP k 0\r\n");
    await eventually(async () => expect(await ask({ port }, "INFO clients")).toContain("blocked_clients:1"));
    const sleeping = ["MULTI", "RPUSH k v", "PEXPIRE k 20", "DEBUG SLEEP 0.05", "EXEC", "EXISTS k", "INFO clients"];
    expect(await ask({ port }, ...sleeping)).toMatch(/\+OK\r\n:0\r\n[^]*blocked_clients:1/);
    waiting.destroy();
  });

  it("keeps what SHUTDOWN SAVE wrote", async () => {
    const port = await freePort();
    const args = ["--port", String(port), "--dir", folder, "--save", ""];
    const first = await ready(start(port, ...args));
    await ask({ port }, "SET k kept", "SHUTDOWN SAVE");
    expect(await first.ended()).toBe(0);
    await ready(start(port, ...args));
    expect(await ask({ port }, "GET k")).toBe("$4\r\nkept\r\n+OK\r\n");
  });

  it("refuses a bad setting by name, without showing a password, and a port that is taken", async () => {
    const bad = start(0, "--requirepass", "a", "s3cret");
    expect(await bad.ended()).toBe(1);
    expect(bad.output()).toContain("FATAL CONFIG FILE ERROR");
    expect(bad.output()).not.toContain("s3cret");
    const port = await freePort();
    await ready(start(port, "--port", String(port), "--dir", folder, "--save", ""));
    const second = start(port, "--port", String(port), "--dir", folder, "--save", "");
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(`Failed listening on port ${port}`);
  });
});
