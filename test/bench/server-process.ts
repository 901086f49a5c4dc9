import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/cli/processes/free-port.js";
import { type PlainReply, respCall } from "../../src/cli/processes/resp-call.js";

/** A server process that a benchmark has started. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Sends one command; an error reply rejects. */
  call(...words: string[]): Promise<PlainReply>;
  /** CPU time that its threads have used so far, in microseconds. */
  cpuMicros(): number;
  stop(): Promise<void>;
}

const DEADLINE_MS = 30_000;

/** Starts a server on a free port without save points, and waits until it answers. */
export async function startServer(command: string, args: readonly string[]): Promise<ServerProcess> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "ioreplica-bench-"));
  const words = [...args, "--port", String(port), "--dir", folder, "--save", "", "--loglevel", "warning"];
  const child = spawn(command, words, { stdio: "ignore" });
  child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const call = async (...words: string[]): Promise<PlainReply> => {
    const [reply] = await respCall({ host: "127.0.0.1", port }, [words], DEADLINE_MS);
    if (reply instanceof Error) throw reply;
    return reply ?? null;
  };
  const giveUpMs = performance.now() + DEADLINE_MS;
  while (
    !(await call("PING").then(
      () => true,
      () => false,
    ))
  ) {
    if (child.pid === undefined || child.exitCode !== null || performance.now() > giveUpMs)
      throw new Error(`${command} can't be reached`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const pid = child.pid as number;
  return {
    pid,
    port,
    call,
    cpuMicros: () => cpuMicros(pid),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Of all threads that live. (`stat` counts in hundredths of a second, which is too coarse.) */
function cpuMicros(pid: number): number {
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
  }
  return nanos / 1000;
}
