import { type Random, seededRandom } from "../../../src/core/random.js";
import { respCall } from "../../support/real-redis.js";

export type Command = (string | number)[];

/** What a kind of command is made of: keys of a few names, so that commands meet each other's values. */
interface Pick {
  readonly random: Random;
  key(type: string): string;
  word(): string;
  score(): string;
  field(): string;
}

type Maker = (pick: Pick) => Command;

const strings: readonly Maker[] = [
  ({ key, word }) => ["SET", key("s"), word()],
  ({ key, word, random }) => ["set", key("s"), word(), "PX", 3_600_000 + random.int(1000)],
  ({ key, word }) => ["SET", key("s"), word(), "GET"],
  ({ key, word }) => ["GETSET", key("s"), word()],
  ({ key }) => ["GETDEL", key("s")],
  ({ key, random }) => ["GETEX", key("s"), "EX", 1000 + random.int(1000)],
  ({ key, word }) => ["APPEND", key("s"), word()],
  ({ key, word, random }) => ["SETRANGE", key("s"), random.int(60), word()],
  ({ key, random }) => ["INCRBY", key("n"), random.int(1000) - 500],
  ({ key }) => ["INCRBYFLOAT", key("f"), "0.1"],
  ({ key, word }) => ["MSET", key("s"), word(), key("s"), word()],
  ({ key, random }) => ["SETBIT", key("b"), random.int(2000), random.int(2)],
  ({ key, random }) => ["BITFIELD", key("b"), "INCRBY", "u5", random.int(900), random.int(40) - 20],
  ({ key }) => ["BITOP", "XOR", key("b"), key("b"), key("s")],
];

const keys: readonly Maker[] = [
  ({ key }) => ["DEL", key("s"), key("l"), key("z")],
  ({ key }) => ["UNLINK", key("h"), key("t")],
  ({ key }) => ["RENAME", key("s"), key("s")],
  ({ key }) => ["COPY", key("z"), key("z"), "REPLACE"],
  ({ key, random }) => ["MOVE", key("s"), random.int(10)],
  ({ key, random }) => ["EXPIRE", key("h"), 3600 + random.int(100)],
  ({ key }) => ["PEXPIRE", key("t"), 0],
  ({ key }) => ["PERSIST", key("h")],
  ({ key }) => ["SORT", key("l"), "ALPHA", "STORE", key("l")],
];

const lists: readonly Maker[] = [
  ({ key, word }) => ["RPUSH", key("l"), word(), word(), word()],
  ({ key, word }) => ["LPUSH", key("l"), word()],
  ({ key }) => ["LPOP", key("l"), 2],
  ({ key }) => ["LMOVE", key("l"), key("l"), "LEFT", "RIGHT"],
  ({ key }) => ["LTRIM", key("l"), 0, 30],
  ({ key, word }) => ["LSET", key("l"), 1, word()],
  ({ key }) => ["LMPOP", 2, key("l"), key("l"), "RIGHT", "COUNT", 2],
  ({ key }) => ["BRPOP", key("l"), key("l"), "0.001"],
];

const sets: readonly Maker[] = [
  ({ key, word, random }) => ["SADD", key("t"), word(), random.int(50)],
  ({ key }) => ["SPOP", key("t")],
  ({ key }) => ["SPOP", key("t"), 2],
  ({ key }) => ["SUNIONSTORE", key("t"), key("t"), key("t")],
  ({ key }) => ["SDIFFSTORE", key("t"), key("t"), key("t")],
  ({ key, random }) => ["SMOVE", key("t"), key("t"), random.int(50)],
];

const hashes: readonly Maker[] = [
  ({ key, word, field }) => ["HSET", key("h"), word(), word(), field(), word()],
  ({ key }) => ["HINCRBYFLOAT", key("hn"), "f", "1.5"],
  ({ key, random }) => ["HINCRBY", key("hn"), "i", random.int(100)],
  ({ key, field }) => ["HDEL", key("h"), field()],
];

const sortedSets: readonly Maker[] = [
  ({ key, score, word, random }) => ["ZADD", key("z"), score(), word(), score(), `m${random.int(20)}`],
  ({ key, score, random }) => ["ZADD", key("z"), "GT", "CH", score(), `m${random.int(20)}`],
  ({ key, random }) => ["ZINCRBY", key("zn"), "0.3", `m${random.int(20)}`],
  ({ key }) => ["ZPOPMIN", key("z")],
  ({ key }) => ["ZMPOP", 1, key("z"), "MAX", "COUNT", 2],
  ({ key }) => ["ZUNIONSTORE", key("z"), 2, key("z"), key("zn"), "WEIGHTS", 1, 2],
  ({ key }) => ["ZRANGESTORE", key("z"), key("z"), 0, 5],
  ({ key }) => ["ZREMRANGEBYRANK", key("z"), 0, 1],
  ({ key, random, word }) => ["GEOADD", key("g"), random.int(170), random.int(80), word()],
  ({ key }) => ["GEOSEARCHSTORE", key("g"), key("g"), "FROMLONLAT", 80, 40, "BYRADIUS", 9000, "km"],
];

const others: readonly Maker[] = [
  ({ key, word }) => ["PFADD", key("p"), word(), word()],
  ({ key }) => ["PFMERGE", key("p"), key("p"), key("p")],
  ({ key }) => ["PFCOUNT", key("p")],
  ({ key, field, word }) => ["XADD", key("x"), "*", field(), word()],
  ({ key, field, word }) => ["XADD", key("x"), "MAXLEN", "~", 20, "*", field(), word(), "same", "field"],
  ({ key, random }) => ["XTRIM", key("x"), "MAXLEN", random.int(30)],
  ({ key, random }) => ["XGROUP", "CREATE", key("x"), `g${random.int(2)}`, "0", "MKSTREAM"],
  ({ key, random }) => ["XREADGROUP", "GROUP", `g${random.int(2)}`, "c1", "COUNT", 3, "STREAMS", key("x"), ">"],
  ({ key }) => ["XAUTOCLAIM", key("x"), "g0", "c2", 0, "0", "COUNT", 3],
  ({ key }) => ["XREADGROUP", "GROUP", "g1", "c3", "NOACK", "STREAMS", key("x"), ">"],
  ({ key, word }) => [
    "EVAL",
    "redis.call('SET', KEYS[1], ARGV[1]); redis.call('LPUSH', KEYS[2], ARGV[1])",
    2,
    key("s"),
    key("l"),
    word(),
  ],
  ({ word }) => ["PUBLISH", "channel", word()],
  ({ random }) => ["SELECT", [0, 0, 3, 9][random.int(4)] as number],
];

/** Keys that expire while the load runs: the master says DEL when it finds them. */
const shortLived: readonly Maker[] = [
  ({ key, word, random }) => ["SET", key("e"), word(), "PX", 1 + random.int(60)],
  ({ key, random }) => ["PEXPIRE", key("h"), 1 + random.int(60)],
  ({ key }) => ["APPEND", key("e"), "x"],
  ({ key }) => ["GET", key("e")],
];

const lasting = [strings, keys, lists, sets, hashes, sortedSets, others];

/**
 * Random writes over all types, databases, times to live and transactions; the same seed gives the same commands.
 * With `expiring` some keys end while the load runs.
 */
export function randomWrites(seed: number, count: number, expiring = false): Command[] {
  const random = seededRandom(seed);
  const groups = expiring ? [...lasting, shortLived] : lasting;
  const pick: Pick = {
    random,
    key: (type) => `${type}:${random.int(12)}`,
    word: () => (random.int(4) === 0 ? String(random.int(100_000) - 50_000) : `w${random.hex(random.int(40))}`),
    score: () => ["1", "-2.5", "3.1", "inf", "1e300", "0.1"][random.int(6)] as string,
    field: () => `f${random.int(10)}`,
  };
  const one = (): Command => {
    const group = groups[random.int(groups.length)] as readonly Maker[];
    return (group[random.int(group.length)] as Maker)(pick);
  };
  const commands: Command[] = [];
  while (commands.length < count) {
    if (random.int(10) > 0) commands.push(one());
    else {
      commands.push(
        ["MULTI"],
        ...Array.from({ length: random.int(4) }, () => one()).filter(([name]) => name !== "SELECT"),
        ["EXEC"],
      );
    }
  }
  // A value that compresses, and collections that outgrow their compact encodings.
  commands.push(
    ["SET", "large", "abc".repeat(10_000)],
    ["SADD", "ints", ...Array.from({ length: 700 }, (_, i) => i * 70_000)],
  );
  commands.push(["RPUSH", "long", ...Array.from({ length: 600 }, (_, i) => `item ${i}`)]);
  commands.push(["ZADD", "wide", ...Array.from({ length: 300 }, (_, i) => [i / 7, `member ${i}`]).flat()]);
  commands.push(["HSET", "wide hash", ...Array.from({ length: 300 }, (_, i) => [`field ${i}`, i]).flat()]);
  return commands;
}

/** Runs commands on one connection, a few at a time. Error replies (a wrong type, an empty list) are part of the load. */
export async function run(port: number, commands: readonly Command[]): Promise<void> {
  for (let i = 0; i < commands.length; i += 500) {
    // A slice must not cut a transaction: each has a connection of its own.
    let end = Math.min(commands.length, i + 500);
    while (end < commands.length && !isOutside(commands, i, end)) end++;
    await respCall({ host: "127.0.0.1", port }, commands.slice(i, end), 10_000);
    i = end - 500;
  }
}

function isOutside(commands: readonly Command[], from: number, to: number): boolean {
  let depth = 0;
  for (let i = from; i < to; i++) {
    if (commands[i]?.[0] === "MULTI") depth++;
    if (commands[i]?.[0] === "EXEC") depth--;
  }
  return depth === 0;
}
