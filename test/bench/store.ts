import { setTimeout as sleep } from "node:timers/promises";
import { RedisProcess } from "../../src/cli/processes/redis-process.js";
import { respCall } from "../../src/cli/processes/resp-call.js";
import { DevServer } from "../../src/server/index.js";
import { PauseWatch } from "./pauses.js";

/**
 * `npx tsx test/bench/store.ts [keys]`: what a dataset of many small keys costs the dev server: memory, full resyncs from and
 * to it, and the longest time that another client waits meanwhile. Default: a million keys. Everything runs on this machine,
 * dev servers of one line in one process, so that they share a core.
 */
const KEYS = Number(process.argv[2] ?? 1_000_000);
const rows: (readonly [what: string, result: string])[] = [];
const host = "127.0.0.1";

async function ask(port: number, ...words: string[]): Promise<unknown> {
  const [reply] = await respCall({ host, port }, [words], 120_000);
  if (reply instanceof Error) throw reply;
  return reply;
}

async function linked(port: number): Promise<void> {
  for (;;) {
    if (String(await ask(port, "INFO", "replication")).includes("master_link_status:up")) return;
    await sleep(5);
  }
}

/** Runs `work` and notes how long it took, by the clock and of this process's CPU, and its longest pause. */
async function measure(what: string, work: () => Promise<void>): Promise<void> {
  const pauses = new PauseWatch();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = `${Math.round(KEYS / seconds / 1000)}k keys/s`;
  const seen = await pauses.stop();
  rows.push([what, `${seconds.toFixed(2)} s (${((user + system) / 1e6).toFixed(2)} s CPU here), ${rate}, ${seen}`]);
}

const gc = (globalThis as { gc?: () => void }).gc;
gc?.();
const memory = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
const before = memory();
const master = await DevServer.start();
// In portions: DEBUG POPULATE runs in one go.
const PORTION = 1000;
for (let from = 0; from < KEYS; from += PORTION) {
  await ask(master.port, "DEBUG", "POPULATE", String(Math.min(PORTION, KEYS - from)), `key:${from}`);
}
gc?.();
if (gc) rows.push(["memory", `${Math.round((memory() - before) / KEYS)} bytes per key`]);

await measure("BGSAVE into memory", async () => {
  await ask(master.port, "BGSAVE");
  while (!String(await ask(master.port, "INFO", "persistence")).includes("rdb_bgsave_in_progress:0")) await sleep(5);
});

const replica = await DevServer.start();
await measure("full resync, dev to dev", async () => {
  await replica.replicaOf(host, master.port);
  await linked(replica.port);
});
await replica.stop();

const real = await RedisProcess.start({});
await measure("full resync, dev to real", async () => {
  await ask(real.port, "REPLICAOF", host, String(master.port));
  await linked(real.port);
});
await ask(real.port, "REPLICAOF", "NO", "ONE");
await ask(real.port, "CONFIG", "SET", "repl-diskless-sync-delay", "0");
const second = await DevServer.start();
await measure("full resync, real to dev", async () => {
  await second.replicaOf(host, real.port);
  await linked(second.port);
});
await measure("FLUSHALL", async () => {
  await second.replicaOf(null);
  await ask(second.port, "FLUSHALL");
});
await second.stop();
await real.stop();

await ask(master.port, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
// The sender is in this process: its buffers and its share of the garbage count here too.
await measure("a time to live for all keys", async () => {
  for (let from = 0; from < KEYS; from += PORTION) {
    const commands = Array.from({ length: Math.min(PORTION, KEYS - from) }, (_, i) => [
      "PEXPIRE",
      `key:${from}:${i}`,
      "1",
    ]);
    await respCall({ host, port: master.port }, commands, 120_000);
  }
});
await measure("all keys expire", async () => {
  await ask(master.port, "DEBUG", "SET-ACTIVE-EXPIRE", "1");
  while (Number(await ask(master.port, "DBSIZE")) > 0) await sleep(5);
});
await master.stop();

for (const [what, result] of rows) console.log(`${what.padEnd(28)} ${result}`);
