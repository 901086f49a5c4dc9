import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../src/cli/processes/free-port.js";
import { respCall } from "../../../src/cli/processes/resp-call.js";

const PROGRAM = fileURLToPath(new URL("../../../src/cli/ioreplica-server.ts", import.meta.url));

/** An `ioreplica-server` process of a test, on a free port of loopback, with a folder of its own if none is named. */
export class ServerProcess {
  readonly host = "127.0.0.1";
  #log = "";

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (this.#log += String(chunk)));
  }

  /** Resolves when it accepts connections; rejects with its log if it ends before. */
  static async start(args: readonly string[]): Promise<ServerProcess> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "ioreplica-server-"));
    const words = ["--import", "tsx", PROGRAM, "--port", String(port), "--dir", folder, ...args];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const server = new ServerProcess(port, child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on("data", () => {
        if (server.log().includes("Ready to accept connections")) resolve();
      });
      child.once("exit", (code) => reject(new Error(`ioreplica-server ended with ${code}:\n${server.log()}`)));
    });
    return server;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** All that it has printed. */
  log(): string {
    return this.#log;
  }

  /** Replies to commands sent on one connection. */
  call(commands: readonly (readonly string[])[]): Promise<unknown[]> {
    return respCall({ host: this.host, port: this.port }, commands, 10_000);
  }

  /** One command's reply as text. */
  async text(...command: string[]): Promise<string> {
    return String((await this.call([command]))[0]);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }

  /** Any number of times. */
  stop(): Promise<void> {
    return this.kill();
  }
}
