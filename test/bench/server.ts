// redis-server and ioreplica-server under redis-benchmark, taking turns on the same machine.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type ServerProcess, startServer } from "./server-process.js";
import { spread } from "./spread.js";

const usage = `npm run bench:server -- [--rounds n] [--requests n] [--tests a,b] [--pipeline 1,16] [--server path] [--json]

  --rounds n      how often the servers take turns (default 5)
  --requests n    requests of one run without a pipeline (default 60000); four times as many with one
  --tests a,b     of redis-benchmark (default get,set,incr,lpush,hset,zadd)
  --pipeline a,b  commands in flight per connection (default 1,16)
  --server path   the built server (default dist/cli/ioreplica-server.js)
  --json          every figure as JSON on standard output
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "60000" },
    tests: { type: "string", default: "get,set,incr,lpush,hset,zadd" },
    pipeline: { type: "string", default: "1,16" },
    server: {
      type: "string",
      default: fileURLToPath(new URL("../../dist/cli/ioreplica-server.js", import.meta.url)),
    },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const CONNECTIONS = 50;
const run = promisify(execFile);

/** One run of redis-benchmark. */
interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

async function measure(server: ServerProcess, test: string, pipeline: number, requests: number): Promise<Sample> {
  await server.call("FLUSHALL");
  const before = server.cpuMicros();
  const { stdout } = await run("redis-benchmark", [
    ...["-p", String(server.port), "-t", test, "-n", String(requests), "-c", String(CONNECTIONS)],
    ...["-P", String(pipeline), "-r", "100000", "--csv"],
  ]);
  const used = server.cpuMicros() - before;
  // "test","rps",…: the last line is the run, whatever stands above it.
  const rate = Number(stdout.trim().split("\n").at(-1)?.split(",")[1]?.replaceAll('"', ""));
  if (!(rate > 0)) throw new Error(`redis-benchmark said: ${stdout}`);
  return { perSecond: rate, cpuMicros: used / requests };
}

async function main(): Promise<void> {
  if (!existsSync(flags.server)) throw new Error(`there is no ${flags.server}: run \`npm run build\` first`);
  const cells = flags.pipeline
    .split(",")
    .flatMap((pipeline) => flags.tests.split(",").map((test) => ({ test, pipeline: Number(pipeline) })));
  const real: Sample[][] = cells.map(() => []);
  const own: Sample[][] = cells.map(() => []);
  const servers: ServerProcess[] = [];
  try {
    servers.push(await startServer("redis-server", []));
    servers.push(await startServer(process.execPath, [flags.server]));
    const [theirs, ours] = servers as [ServerProcess, ServerProcess];
    // The first runs of the own server are those of code that is not compiled yet.
    for (const { test, pipeline } of cells) await measure(ours, test, pipeline, 20_000);
    for (let round = 0; round < Number(flags.rounds); round++) {
      process.stderr.write(`round ${round + 1} of ${flags.rounds}\n`);
      for (const [index, { test, pipeline }] of cells.entries()) {
        const requests = Number(flags.requests) * (pipeline > 1 ? 4 : 1);
        // Each goes first in turn: none runs always right behind the other.
        const order = round % 2 === 0 ? ([real, own] as const) : ([own, real] as const);
        for (const samples of order) {
          samples[index]?.push(await measure(samples === real ? theirs : ours, test, pipeline, requests));
        }
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  publish(
    cells.map(({ test, pipeline }, index) => {
      const of = (samples: Sample[] | undefined, pick: (sample: Sample) => number): number =>
        spread((samples ?? []).map(pick)).median;
      const ratios = (own[index] ?? []).map((sample, i) => sample.perSecond / (real[index]?.[i]?.perSecond ?? 0));
      return {
        test,
        pipeline,
        realPerSecond: of(real[index], (sample) => sample.perSecond),
        ownPerSecond: of(own[index], (sample) => sample.perSecond),
        ratio: spread(ratios).median,
        realCpuMicros: of(real[index], (sample) => sample.cpuMicros),
        ownCpuMicros: of(own[index], (sample) => sample.cpuMicros),
      };
    }),
  );
}

interface Row {
  readonly test: string;
  readonly pipeline: number;
  readonly realPerSecond: number;
  readonly ownPerSecond: number;
  readonly ratio: number;
  readonly realCpuMicros: number;
  readonly ownCpuMicros: number;
}

function publish(rows: readonly Row[]): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  const lines = rows.map((row) =>
    [
      `${row.test.toUpperCase()}${row.pipeline > 1 ? ` -P ${row.pipeline}` : ""}`,
      Math.round(row.realPerSecond).toLocaleString("en"),
      Math.round(row.ownPerSecond).toLocaleString("en"),
      `${row.ratio.toFixed(2)}×`,
      row.realCpuMicros.toFixed(2),
      row.ownCpuMicros.toFixed(2),
    ].join(" | "),
  );
  process.stdout.write(
    `| command | redis-server, req/s | ioreplica-server, req/s | ratio | redis-server, µs CPU/command | ioreplica-server, µs CPU/command |\n` +
      `|---|---|---|---|---|---|\n${lines.map((line) => `| ${line} |\n`).join("")}`,
  );
}

if (flags.help) process.stdout.write(usage);
else await main();
