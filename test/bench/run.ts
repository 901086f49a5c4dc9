// Side by side in one run: each peer in a process of its own, one after another, several rounds interleaved.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { RedisProcess } from "../../src/cli/processes/redis-process.js";
import { startRedisTopology } from "../../src/cli/processes/redis-topology.js";
import { type PeerName, peers } from "./peers/index.js";
import type { Servers } from "./peers/peer.js";
import { markdownTable, type Row, summarize } from "./report.js";
import type { Job, JobResult } from "./worker.js";
import { keyAt, keyCount, mixes, valueBytes, valueFor, widths } from "./workload.js";

const usage = `npm run bench -- [--quick] [--rounds n] [--peers a,b] [--json] [--write]

  --quick      two short rounds of the mixed load only, for a first impression
  --rounds n   how often the peers take turns (default 5)
  --peers a,b  only these, beside ioredis: ${Object.keys(peers).join(", ")}
  --json       every figure as JSON on standard output
  --write      puts the table into docs/performance.md
`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    peers: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) {
  process.stdout.write(usage);
} else {
  await main();
}

async function main(): Promise<void> {
  const rounds = Number(flags.rounds ?? (flags.quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds takes a whole number from 1, not ${flags.rounds}`);
  const names = selectedPeers();
  const built = existsSync(new URL("../../dist/index.js", import.meta.url));
  if (!built && names.some((name) => name.startsWith("ioreplica"))) {
    throw new Error("the benchmark measures the built package: run `npm run build` first");
  }
  const times = flags.quick ? { warmMs: 200, measureMs: 300 } : { warmMs: 250, measureMs: 700 };
  const cells = (flags.quick ? (["90/10"] as const) : mixes).flatMap((mix) => widths.map((width) => ({ mix, width })));

  const topology = await startRedisTopology({ replicas: 2 });
  try {
    await populate(topology.master);
    await topology.inSync();
    const at = ({ host, port }: RedisProcess): { host: string; port: number } => ({ host, port });
    const servers: Servers = { master: at(topology.master), replicas: topology.replicas.map(at) };
    const results: JobResult[][] = [];
    for (let round = 0; round < rounds; round++) {
      results.push([]);
      // Another one begins each round, so that none always runs right after the same neighbour.
      for (const peer of rotate(names, round)) {
        note(`round ${round + 1} of ${rounds}: ${peer}`);
        results[round]?.push(await runJob({ peer, servers, cells, ...times }));
        await topology.inSync();
      }
    }
    // Rows in the order of the list of peers, whoever began.
    results.forEach((round) => round.sort((a, b) => names.indexOf(a.peer) - names.indexOf(b.peer)));
    const redisVersion = (await topology.master.info("server")).get("redis_version") ?? "unknown";
    publish(summarize(results), environment(results[0] ?? [], redisVersion, rounds));
  } finally {
    await topology.stop();
  }
}

function selectedPeers(): PeerName[] {
  const all = Object.keys(peers) as PeerName[];
  if (flags.peers === undefined) return all;
  const wanted = new Set(flags.peers.split(",").map((name) => name.trim()));
  const unknown = [...wanted].filter((name) => !all.includes(name as PeerName));
  if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(", ")}\n\n${usage}`);
  return all.filter((name) => wanted.has(name) || name === "ioredis");
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function populate(master: RedisProcess): Promise<void> {
  const pairs = Array.from({ length: keyCount }, (_, index) => ["SET", keyAt(index), valueFor(index)]);
  for (let at = 0; at < pairs.length; at += 1000) await master.commands(pairs.slice(at, at + 1000));
}

function runJob(job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", worker, JSON.stringify(job)], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code !== 0) return reject(new Error(`${job.peer} ended with exit code ${code}`));
      // The result is the last line: a peer may log to standard output before it (valkey-glide does).
      resolve(JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as JobResult);
    });
  });
}

function environment(results: readonly JobResult[], redisVersion: string, rounds: number): Record<string, string> {
  const clients = new Map(results.map(({ peer, version }) => [peer.split(" ")[0] ?? peer, version]));
  clients.delete("raw");
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}, Node.js ${process.version}, redis-server ${redisVersion}`,
    clients: [...clients].map(([name, version]) => `${name} ${version}`).join(", "),
    load: `${keyCount.toLocaleString("en")} keys, values of ${valueBytes} bytes, ${rounds} rounds`,
  };
}

function publish(rows: readonly Row[], facts: Record<string, string>): void {
  const list = Object.entries(facts).map(([name, fact]) => `- ${name}: ${fact}`);
  const text = `${list.join("\n")}\n\n${markdownTable(rows)}\n`;
  if (flags.write) writeInto("../../docs/performance.md", text);
  process.stdout.write(flags.json ? `${JSON.stringify({ ...facts, rows }, null, 2)}\n` : text);
}

/** Replaces what stands between the two markers. */
function writeInto(path: string, text: string): void {
  const url = new URL(path, import.meta.url);
  const page = readFileSync(url, "utf8");
  const [begin, end] = ["<!-- begin: npm run bench -- --write -->", "<!-- end -->"];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${path} has lost its markers`);
  writeFileSync(url, `${page.slice(0, from + begin.length)}\n\n${text}\n${page.slice(to)}`);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
