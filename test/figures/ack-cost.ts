import { Redis } from "ioredis";
import type { Trio } from "../support/trio.js";
import { type Figure, median, ratioOf } from "./figure.js";

const ACK = { replicas: 1, timeoutMs: 5000 };
/** One at a time they wait for replicas nearly all the time, so that a turn has fewer of them. */
const LOADS = [
  { inFlight: 1, writes: 300, limits: { plain: 6, wait: 6, read: 2.5, write: 4 } },
  { inFlight: 100, writes: 10_000, limits: { plain: 5, wait: 1, read: 0.5, write: 0.5 } },
] as const;
type Load = (typeof LOADS)[number];
const VALUE = "w".repeat(100);

interface Way {
  set(key: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
}

interface Turn {
  /** CPU time of this process for each write, with the read beside it if there is one, in microseconds. */
  readonly micros: number;
  /** The median time of a write and of a read, in milliseconds. */
  readonly writeMs: number;
  readonly readMs: number;
}

type Turns = Readonly<Record<"durable" | "plain" | "wait", readonly Turn[]>>;

/**
 * What `ack` costs: durable writes by turns with plain ones, and with SET and WAIT of ioredis on one connection, which
 * is what one would write without it; first alone, then with a read of another key issued right behind each.
 */
export async function ackCost(trio: Trio, rounds: number): Promise<Figure[]> {
  const { redis } = await trio.client();
  const durable = redis.with({ ack: ACK });
  const connection = new Redis({ host: trio.a.host, port: trio.a.port });
  trio.atEnd(() => connection.disconnect());
  const ways: Readonly<Record<keyof Turns, Way>> = {
    durable: { set: (key) => durable.set(key, VALUE), get: (key) => redis.get(key) },
    plain: { set: (key) => redis.set(key, VALUE), get: (key) => redis.get(key) },
    wait: {
      set: (key) => Promise.all([connection.set(key, VALUE), connection.wait(ACK.replicas, ACK.timeoutMs)]),
      get: (key) => connection.get(key),
    },
  };
  const figures: Figure[] = [];
  for (const load of LOADS)
    for (const reads of [false, true]) {
      const turns = { durable: [] as Turn[], plain: [] as Turn[], wait: [] as Turn[] };
      for (let round = -1; round < rounds; round++)
        for (const name of ["durable", "plain", "wait"] as const) {
          const one = await turn(ways[name], load, reads);
          // The first turn lets the compiler see every path.
          if (round >= 0) turns[name].push(one);
        }
      figures.push(...(reads ? besideReads(load, turns) : alone(load, turns)));
    }
  redis.disconnect();
  return figures;
}

function alone({ inFlight, limits }: Load, { durable, plain, wait }: Turns): Figure[] {
  const shown = (turns: readonly Turn[]): string => `${median(turns.map(cpu)).toFixed(1)} µs`;
  return [
    ratioOf(
      `CPU per durable write at ${inFlight} in flight (${shown(durable)}) ÷ plain write (${shown(plain)})`,
      limits.plain,
      ratios(durable, plain, cpu),
    ),
    ratioOf(`the same ÷ SET and WAIT on one connection (${shown(wait)})`, limits.wait, ratios(durable, wait, cpu)),
  ];
}

function besideReads({ limits }: Load, { durable, plain, wait }: Turns): Figure[] {
  const shown = (turns: readonly Turn[]): string => `${median(turns.map(cpu)).toFixed(1)} µs`;
  const ms = (of: (one: Turn) => number): string =>
    [durable, wait].map((turns) => `${median(turns.map(of)).toFixed(2)} ms`).join(" and ");
  return [
    ratioOf(
      `with a read beside each, CPU of both (${shown(durable)}) ÷ plain write and read (${shown(plain)})`,
      limits.plain,
      ratios(durable, plain, cpu),
    ),
    ratioOf(`the same ÷ SET, WAIT and GET on one connection (${shown(wait)})`, limits.wait, ratios(durable, wait, cpu)),
    ratioOf(
      `there, p50 of the reads ÷ those behind WAIT (${ms(({ readMs }) => readMs)})`,
      limits.read,
      ratios(durable, wait, ({ readMs }) => readMs),
    ),
    ratioOf(
      `and p50 of the durable writes ÷ SET and WAIT (${ms(({ writeMs }) => writeMs)})`,
      limits.write,
      ratios(durable, wait, ({ writeMs }) => writeMs),
    ),
  ];
}

async function turn(way: Way, { inFlight, writes }: Load, reads: boolean): Promise<Turn> {
  let left = writes;
  const took = { write: [] as number[], read: [] as number[] };
  const timed = async (call: Promise<unknown>, into: number[]): Promise<void> => {
    const began = performance.now();
    await call;
    into.push(performance.now() - began);
  };
  const before = process.cpuUsage();
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const write = timed(way.set(`k${left}`), took.write);
      if (reads) await timed(way.get(`k${left + writes}`), took.read);
      await write;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { user, system } = process.cpuUsage(before);
  return { micros: (user + system) / writes, writeMs: median(took.write), readMs: median(took.read) };
}

function cpu({ micros }: Turn): number {
  return micros;
}

/** Of the turns of each round. */
function ratios(ours: readonly Turn[], theirs: readonly Turn[], of: (one: Turn) => number): number[] {
  return ours.map((one, round) => of(one) / of(theirs[round] as Turn));
}
