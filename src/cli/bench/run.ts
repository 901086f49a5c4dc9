import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { accessOf, resolveOptions } from "../../client/options/resolve.js";
import type { ResolvedOptions } from "../../client/options/resolved.js";
import { type Consistency, ReplicatedClient } from "../../index.js";
import { callsIn, parseFields } from "../processes/info-fields.js";
import { tableOf } from "../table.js";
import { clientOptions, type TargetFlags } from "../target/flags.js";
import { drive, type Load, type Peer } from "./load.js";
import { BASELINE, type Line, type Spread, summarize, type Turn } from "./summary.js";

/** What `ioreplica bench` takes. */
export interface BenchFlags extends TargetFlags {
  /** Percent. */
  readonly reads: number;
  readonly inFlight: readonly number[];
  readonly levels: readonly Consistency[];
  /** Of each turn. */
  readonly seconds: number;
  readonly rounds: number;
  readonly keys: number;
  /** Bytes. */
  readonly value: number;
  readonly json: boolean;
}

/** Should this process be killed, its keys are gone by themselves after this. */
const KEYS_LIVE_SECONDS = 3600;
const BATCH = 500;
const WARM_MS = 300;

/**
 * Puts a load on a deployment of one's own, by plain ioredis on the master and by this client at each level, in turns.
 *
 * @returns the exit code: 0, 1 if a call failed or read a wrong value, 2 if there is no master, 130 after Ctrl-C
 */
export async function runBench(urls: readonly string[], flags: BenchFlags): Promise<number> {
  const given = clientOptions(urls, flags);
  const options = resolveOptions(given);
  const client = new ReplicatedClient({ ...given, lazyConnect: true });
  client.on("error", () => {});
  let plain: Redis | null = null;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  const prefix = `ioreplica-bench:${randomBytes(6).toString("hex")}:`;
  const keys = Array.from({ length: flags.keys }, (_, index) => `${prefix}${index}`);
  const value = "x".repeat(flags.value);
  try {
    try {
      await client.connect();
      plain = await plainTo(client.topology.master?.id ?? "", options);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return 2;
    }
    await inBatches(keys, (batch) => batch.map((key) => client.set(key, value, "EX", KEYS_LIVE_SECONDS)));
    const before = await getsByNode(client);
    const turns = await allTurns([plainPeer(plain), ...flags.levels.map((level) => levelPeer(client, level))], {
      flags,
      load: { reads: flags.reads, keys, value },
      stop: stop.signal,
    });
    const after = await getsByNode(client);
    const lines = summarize(turns);
    const reads = Object.fromEntries([...after].map(([id, count]) => [id, count - (before.get(id) ?? 0)]));
    const deleted = await removed(client, keys);
    const report = { prefix, reads: flags.reads, rounds: flags.rounds, lines, getsByNode: reads, deleted };
    process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    if (stop.signal.aborted) return 130;
    return lines.some(({ errors, wrong }) => wrong > 0 || Object.keys(errors).length > 0) ? 1 : 0;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    plain?.disconnect();
    client.disconnect();
  }
}

async function allTurns(
  peers: readonly Peer[],
  { flags, load, stop }: { flags: BenchFlags; load: Omit<Load, "inFlight">; stop: AbortSignal },
): Promise<Turn[]> {
  const turns: Turn[] = [];
  for (let round = 0; round < flags.rounds; round++) {
    for (const inFlight of flags.inFlight) {
      for (let i = 0; i < peers.length; i++) {
        // Each round begins with another one: who comes first finds other caches than who comes last.
        const peer = peers[(i + round) % peers.length] as Peer;
        if (stop.aborted) return turns;
        await drive(peer, { ...load, inFlight }, WARM_MS, stop);
        const measured = await drive(peer, { ...load, inFlight }, flags.seconds * 1000, stop);
        if (!stop.aborted) turns.push({ round, peer: peer.name, inFlight, measured });
      }
    }
  }
  return turns;
}

function plainPeer(redis: Redis): Peer {
  return {
    name: BASELINE,
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value, "EX", KEYS_LIVE_SECONDS),
  };
}

function levelPeer(client: ReplicatedClient, consistency: Consistency): Peer {
  const view = client.with({ consistency });
  return {
    name: `ioreplica ${consistency}`,
    get: (key) => view.get(key),
    set: (key, value) => view.set(key, value, "EX", KEYS_LIVE_SECONDS),
  };
}

async function plainTo(id: string, options: ResolvedOptions): Promise<Redis> {
  const { username, password, tls } = accessOf(options, id);
  const colon = id.lastIndexOf(":");
  const redis = new Redis({
    ...(id.startsWith("/") ? { path: id } : { host: id.slice(0, colon), port: Number(id.slice(colon + 1)) }),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls === null ? {} : { tls }),
    db: options.db,
    lazyConnect: true,
  });
  redis.on("error", () => {});
  await redis.connect();
  return redis;
}

async function inBatches(
  keys: readonly string[],
  run: (batch: readonly string[]) => Promise<unknown>[],
): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) await Promise.all(run(keys.slice(at, at + BATCH)));
}

/** Removes every key that was written; null if that failed, and they live for up to an hour. */
async function removed(client: ReplicatedClient, keys: readonly string[]): Promise<number | null> {
  let count = 0;
  try {
    await inBatches(keys, (batch) => [client.unlink(...batch).then((some) => (count += some))]);
    return count;
  } catch {
    return null;
  }
}

/** GETs that each server has counted: whoever sent them. */
async function getsByNode(client: ReplicatedClient): Promise<Map<string, number>> {
  const counts = await Promise.all(
    client.topology.nodes.map(async ({ id }) => {
      const text = await Promise.resolve()
        .then(() => client.node(id).info("commandstats"))
        .catch(() => "");
      return [id, callsIn(parseFields(text), ["get"])] as const;
    }),
  );
  return new Map(counts);
}

interface Report {
  readonly prefix: string;
  readonly reads: number;
  readonly rounds: number;
  readonly lines: readonly Line[];
  readonly getsByNode: Readonly<Record<string, number>>;
  readonly deleted: number | null;
}

/** For people. */
export function reportText({ prefix, reads, rounds, lines, getsByNode: gets, deleted }: Report): string {
  const right = (head: string) => ({ head, align: "right" }) as const;
  const ratio = (value: Spread | null): string =>
    value === null ? "–" : `${value.median.toFixed(2)} (${value.min.toFixed(2)}–${value.max.toFixed(2)})`;
  const heads = ["ops/s", "CPU µs/op", "p50 ms", "p99 ms", "ops per CPU-s ÷ ioredis", "p50 ÷ ioredis"].map(right);
  const table = tableOf(
    [right("in flight"), { head: "client" }, ...heads, { head: "failed" }],
    lines.map((line) => [
      String(line.inFlight),
      line.peer,
      Math.round(line.opsPerSecond).toLocaleString("en"),
      line.cpuMicrosPerOp.toFixed(1),
      line.p50Ms.toFixed(3),
      line.p99Ms.toFixed(3),
      ratio(line.speed),
      ratio(line.latency),
      failures(line),
    ]),
  );
  const all = Object.values(gets).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(gets).map(
    ([id, count]) => `${id} ${count.toLocaleString("en")} (${all === 0 ? 0 : Math.round((count / all) * 100)} %)`,
  );
  return [
    `${reads} % reads, medians of ${rounds} rounds (lowest–highest); ioredis reads and writes at the master`,
    table,
    `GETs that the servers counted, others' too: ${shares.join(", ")}`,
    deleted === null
      ? `NOT all keys could be deleted: ${prefix}* ends by itself within an hour`
      : `${deleted.toLocaleString("en")} keys ${prefix}* deleted`,
    "",
  ].join("\n");
}

function failures({ errors, wrong }: Line): string {
  const parts = Object.entries(errors).map(([name, count]) => `${count} ${name}`);
  if (wrong > 0) parts.push(`${wrong} wrong values`);
  return parts.join(", ") || "0";
}
