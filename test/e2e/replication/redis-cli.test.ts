import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal } from "../../support/real-redis.js";
import { randomWrites, run } from "./load.js";
import { ask, info } from "./nodes.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function dev(config: Record<string, string>): Promise<DevServer> {
  const server = await DevServer.start({ config });
  endings.push(() => server.stop());
  return server;
}

/** Starts redis-cli; what it prints, and when it ends. */
function redisCli(...args: string[]): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = spawn("redis-cli", args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  endings.push(() => {
    child.kill();
    return ended;
  });
  return { child, output: () => text, ended };
}

describeReal("redis-cli as a replica of a dev server", () => {
  for (const diskless of ["yes", "no"]) {
    it(`--replica shows the stream (repl-diskless-sync ${diskless})`, async () => {
      const server = await dev({ "repl-diskless-sync": diskless });
      await run(server.port, randomWrites(41, 200));
      const cli = redisCli("-p", String(server.port), "--replica");
      await eventually(async () => expect((await info(server)).get("slave0")).toContain("state=online"));
      await ask(server, "SET", "seen", "1");
      await eventually(() => expect(cli.output()).toContain('"SET","seen","1"'));
      expect(cli.output()).toMatch(/SYNC with master, discarding \d+ bytes of bulk transfer/);
    });

    it(`--rdb saves the dataset and is no replica afterwards (repl-diskless-sync ${diskless})`, async () => {
      const server = await dev({ "repl-diskless-sync": diskless });
      await run(server.port, randomWrites(42, 500));
      const dir = mkdtempSync(join(tmpdir(), "ioreplica-cli-"));
      endings.push(() => rmSync(dir, { recursive: true, force: true }));
      const path = join(dir, "copy.rdb");
      const cli = redisCli("-p", String(server.port), "--rdb", path);
      expect(await cli.ended).toBe(0);
      expect(cli.output()).toContain("Transfer finished with success.");
      const check = spawn("redis-check-rdb", [path], { stdio: ["ignore", "pipe", "pipe"] });
      let report = "";
      check.stdout.on("data", (chunk: Buffer) => (report += chunk.toString()));
      await new Promise((resolve) => check.once("close", resolve));
      expect(report).toContain("RDB looks OK!");
      expect(report).toMatch(/(\d+) keys read/);
      await eventually(async () => expect((await info(server)).get("connected_slaves")).toBe("0"));
    });
  }

  it("--functions-rdb gets a file without keys", async () => {
    const server = await dev({});
    await run(server.port, randomWrites(43, 200));
    const dir = mkdtempSync(join(tmpdir(), "ioreplica-cli-"));
    endings.push(() => rmSync(dir, { recursive: true, force: true }));
    const path = join(dir, "functions.rdb");
    const cli = redisCli("-p", String(server.port), "--functions-rdb", path);
    expect(await cli.ended).toBe(0);
    const check = spawn("redis-check-rdb", [path], { stdio: ["ignore", "pipe", "pipe"] });
    let report = "";
    check.stdout.on("data", (chunk: Buffer) => (report += chunk.toString()));
    await new Promise((resolve) => check.once("close", resolve));
    expect(report).toContain("RDB looks OK!");
    expect(report).toContain("0 keys read");
  });
});
