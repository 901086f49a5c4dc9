import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RedisProcess } from "../../src/cli/processes/redis-process.js";
import { respCall } from "../../src/cli/processes/resp-call.js";
import { DevServer } from "../../src/server/index.js";
import { PauseWatch } from "./pauses.js";

/**
 * `npx tsx test/bench/large.ts [elements] [--types hash,set,…]`: how long everybody else waits while one value of a million elements is made,
 * saved, changed while it is saved, replicated from and to dev servers, and let go.
 */
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { types: { type: "string", default: "hash,set,zset,list,stream" } },
});
const ELEMENTS = Number(positionals[0] ?? 1_000_000);
const host = "127.0.0.1";
/** Elements of one command. */
const PORTION = 500;

const MAKERS: Readonly<Record<string, (from: number) => string[]>> = {
  hash: (from) => ["HSET", "large", ...range(from).flatMap((i) => [`field:${i}`, `value:${i}`])],
  set: (from) => ["SADD", "large", ...range(from).map((i) => `member:${i}`)],
  zset: (from) => ["ZADD", "large", ...range(from).flatMap((i) => [String(i), `member:${i}`])],
  list: (from) => ["RPUSH", "large", ...range(from).map((i) => `element:${i}`)],
  stream: (from) => ["XADD", "large", `${from + 1}-1`, "field", "value"],
};
const CHANGES: Readonly<Record<string, string[]>> = {
  hash: ["HSET", "large", "field:5", "changed"],
  set: ["SREM", "large", "member:5"],
  zset: ["ZADD", "large", "7", "member:5"],
  list: ["LPUSH", "large", "changed"],
  stream: ["XADD", "large", "*", "field", "changed"],
};

function range(from: number): number[] {
  return Array.from({ length: Math.min(PORTION, ELEMENTS - from) }, (_, i) => from + i);
}

async function ask(port: number, ...words: string[]): Promise<unknown> {
  const [reply] = await respCall({ host, port }, [words], 240_000);
  if (reply instanceof Error) throw reply;
  return reply;
}

async function until(port: number, section: string, text: string): Promise<void> {
  while (!String(await ask(port, "INFO", section)).includes(text)) await sleep(5);
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  const pauses = new PauseWatch();
  const start = performance.now();
  await work();
  const tookMs = performance.now() - start;
  console.log(`${what.padEnd(34)} ${tookMs.toFixed(0)} ms, ${await pauses.stop()}`);
}

for (const type of flags.types.split(",")) {
  const make = MAKERS[type];
  const change = CHANGES[type];
  if (make === undefined || change === undefined) throw new Error(`there is no type ${type}`);
  const master = await DevServer.start();
  await measure(`${type}: made`, async () => {
    if (type === "stream") {
      for (let from = 0; from < ELEMENTS; from += PORTION) {
        await respCall({ host, port: master.port }, range(from).map(make), 240_000);
      }
    } else for (let from = 0; from < ELEMENTS; from += PORTION) await ask(master.port, ...make(from));
  });
  await measure(`${type}: BGSAVE`, async () => {
    await ask(master.port, "BGSAVE");
    await until(master.port, "persistence", "rdb_bgsave_in_progress:0");
  });
  await measure(`${type}: changed while it is saved`, async () => {
    await ask(master.port, "BGSAVE");
    await sleep(5);
    await ask(master.port, ...change);
    await until(master.port, "persistence", "rdb_bgsave_in_progress:0");
  });
  const replica = await DevServer.start();
  await measure(`${type}: resync, dev to dev`, async () => {
    await replica.replicaOf(host, master.port);
    await until(replica.port, "replication", "master_link_status:up");
  });
  await replica.stop();
  const real = await RedisProcess.start({});
  await ask(real.port, "REPLICAOF", host, String(master.port));
  await until(real.port, "replication", "master_link_status:up");
  await ask(real.port, "REPLICAOF", "NO", "ONE");
  await ask(real.port, "CONFIG", "SET", "repl-diskless-sync-delay", "0");
  const second = await DevServer.start();
  await measure(`${type}: resync, real to dev`, async () => {
    await second.replicaOf(host, real.port);
    await until(second.port, "replication", "master_link_status:up");
  });
  await real.stop();
  await second.replicaOf(null);
  await measure(`${type}: UNLINK`, () => ask(second.port, "UNLINK", "large"));
  await second.stop();
  await ask(master.port, "PEXPIRE", "large", "1");
  await measure(`${type}: expires`, async () => {
    while (Number(await ask(master.port, "DBSIZE")) > 0) await sleep(5);
  });
  await master.stop();
}
