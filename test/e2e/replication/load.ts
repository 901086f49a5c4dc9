import { seededRandom } from "../../../src/core/random.js";
import { respCall } from "../../support/real-redis.js";

type Command = (string | number)[];

/** Random writes over all types, databases, times to live and transactions; the same seed gives the same commands. */
export function randomWrites(seed: number, count: number): Command[] {
  const random = seededRandom(seed);
  const key = (type: string): string => `${type}:${random.int(12)}`;
  const word = (): string =>
    random.int(4) === 0 ? String(random.int(100_000) - 50_000) : `w${random.hex(random.int(40))}`;
  const score = (): string => ["1", "-2.5", "3.1", "inf", "1e300", "0.1"][random.int(6)] as string;
  const one = (): Command => {
    switch (random.int(24)) {
      case 0:
        return ["SET", key("s"), word()];
      case 1:
        return ["set", key("s"), word(), "PX", 3_600_000 + random.int(1000)];
      case 2:
        return ["APPEND", key("s"), word()];
      case 3:
        return ["INCRBY", key("n"), random.int(1000) - 500];
      case 4:
        return ["INCRBYFLOAT", key("f"), "0.1"];
      case 5:
        return ["DEL", key("s"), key("l"), key("z")];
      case 6:
        return ["RPUSH", key("l"), word(), word(), word()];
      case 7:
        return ["LPUSH", key("l"), word()];
      case 8:
        return ["LPOP", key("l"), 2];
      case 9:
        return ["LMOVE", key("l"), key("l"), "LEFT", "RIGHT"];
      case 10:
        return ["LTRIM", key("l"), 0, 30];
      case 11:
        return ["SADD", key("t"), word(), random.int(50)];
      case 12:
        return ["SPOP", key("t")];
      case 13:
        return ["SPOP", key("t"), 2];
      case 14:
        return ["SUNIONSTORE", key("t"), key("t"), key("t")];
      case 15:
        return ["HSET", key("h"), word(), word(), `f${random.int(10)}`, word()];
      case 16:
        return ["HINCRBYFLOAT", key("hn"), "f", "1.5"];
      case 17:
        return ["HDEL", key("h"), `f${random.int(10)}`];
      case 18:
        return ["ZADD", key("z"), score(), word(), score(), `m${random.int(20)}`];
      case 19:
        return ["ZINCRBY", key("zn"), "0.3", `m${random.int(20)}`];
      case 20:
        return ["ZPOPMIN", key("z")];
      case 21:
        return ["EXPIRE", key("h"), 3600 + random.int(100)];
      case 22:
        return ["PERSIST", key("h")];
      default:
        return ["SELECT", [0, 0, 3, 9][random.int(4)] as number];
    }
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
