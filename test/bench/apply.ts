// How fast a replica applies the stream of a real master: it is stopped while the master is written to, then let go.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startServer } from "./server-process.js";
import { spread } from "./spread.js";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    commands: { type: "string", default: "500000" },
    test: { type: "string", default: "set" },
    server: {
      type: "string",
      default: fileURLToPath(new URL("../../dist/cli/ioreplica-server.js", import.meta.url)),
    },
  },
});

const run = promisify(execFile);

async function main(): Promise<void> {
  if (!existsSync(flags.server)) throw new Error(`there is no ${flags.server}: run \`npm run build\` first`);
  const commands = Number(flags.commands);
  // What waits for the stopped replica must fit into the master's buffers.
  const master = await startServer("redis-server", ["--client-output-buffer-limit", "replica", "0", "0", "0"]);
  const replica = await startServer(process.execPath, [
    ...[flags.server, "--replicaof", "127.0.0.1", String(master.port)],
    ...["--repl-diskless-sync-delay", "0", "--repl-timeout", "600"],
  ]);
  const offset = async (): Promise<number> => {
    const info = String(await replica.call("INFO", "replication"));
    return /master_link_status:up/.test(info) ? Number(/\r\nmaster_repl_offset:(\d+)/.exec(info)?.[1]) : -1;
  };
  const masterOffset = async (): Promise<number> =>
    Number(/\r\nmaster_repl_offset:(\d+)/.exec(String(await master.call("INFO", "replication")))?.[1]);
  const caughtUp = async (): Promise<void> => {
    const target = await masterOffset();
    while ((await offset()) < target) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  try {
    await master.call("CONFIG", "SET", "repl-timeout", "600");
    await caughtUp();
    const rates: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round <= Number(flags.rounds); round++) {
      process.kill(replica.pid, "SIGSTOP");
      await run("redis-benchmark", [
        ...["-p", String(master.port), "-t", flags.test, "-n", String(commands), "-r", "100000", "-P", "100", "-q"],
      ]);
      const cpuBefore = replica.cpuMicros();
      const startMs = performance.now();
      process.kill(replica.pid, "SIGCONT");
      await caughtUp();
      // The first round is that of code that is not compiled yet.
      if (round === 0) continue;
      rates.push((commands * 1000) / (performance.now() - startMs));
      cpu.push((replica.cpuMicros() - cpuBefore) / commands);
    }
    const { median, min, max } = spread(rates);
    const text = (rate: number): string => Math.round(rate).toLocaleString("en");
    process.stdout.write(
      `${flags.test.toUpperCase()} applied per second: ${text(median)} (${text(min)} to ${text(max)}), ` +
        `${spread(cpu).median.toFixed(2)} µs of CPU each\n`,
    );
  } finally {
    await replica.stop();
    await master.stop();
  }
}

await main();
