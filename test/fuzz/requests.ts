import { Duplex } from "node:stream";
import { ManualClock } from "../../src/core/manual-clock.js";
import { type Random, seededRandom } from "../../src/core/random.js";
import { commandTable } from "../../src/protocol/command-table/table.js";
import { Config } from "../../src/server/config/config.js";
import { ServerCore } from "../../src/server/server-core.js";

/** Commands that stop the server, make it stand still or a replica: what they do belongs to other tests. */
const LEFT_OUT = new Set(["shutdown", "debug", "failover", "replicaof", "slaveof", "migrate"]);
const COMMANDS = [...commandTable.values()].filter(({ name }) => !LEFT_OUT.has(name));
/** CONFIG's words for what it may set here: a limit that is taken away would make the run measure the machine. */
const SETTINGS = ["maxmemory-policy", "hash-max-listpack-entries", "notify-keyspace-events", "lfu-log-factor", "hz"];
const WORDS = [
  ...["a", "b", "c", "list", "hash", "set", "zset", "stream", "", "0", "1", "-1", "2", "10", "100", "-999999999"],
  ...["9223372036854775807", "-9223372036854775808", "18446744073709551616", "1.5", "1e400", "nan", "-inf", "+", "-"],
  ...["(1", "[a", "*", "$", ">", "0-0", "5-5", "1-", "k?[a-z]*", "\0\xff\r\n", "x".repeat(200), "#!lua name=l\n"],
  ...["NX", "XX", "GT", "CH", "INCR", "EX", "PX", "KEEPTTL", "GET", "LIMIT", "COUNT", "WITHSCORES", "BLOCK", "MATCH"],
  ...["STREAMS", "GROUP", "MKSTREAM", "MAXLEN", "~", "=", "LEFT", "RIGHT", "BEFORE", "BY", "STORE", "ALPHA", "AND"],
  ...[
    "FROMLONLAT",
    "BYRADIUS",
    "km",
    "ASC",
    "u8",
    "i64",
    "OVERFLOW",
    "SAT",
    "HELP",
    "LIST",
    "ID",
    "2",
    "3",
    "return 1",
  ],
];
/** Rounds of one server: what its data have grown to must not slow the next ones down. */
const ROUNDS_PER_SERVER = 500;

/** The server's end of a connection that nobody reads from. */
class Sink extends Duplex {
  bytes = 0;
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.length;
    done();
  }
}

function request(random: Random): string {
  const command = COMMANDS[random.int(COMMANDS.length)] as (typeof COMMANDS)[number];
  const sub = command.subcommands[random.int(Math.max(1, command.subcommands.length))];
  const words = sub === undefined ? [command.name] : sub.name.split("|");
  if (sub?.name === "config|set") words.push(SETTINGS[random.int(SETTINGS.length)] as string);
  const least = Math.abs((sub ?? command).arity);
  const count = Math.max(0, least + (random.int(3) === 0 ? random.int(8) : 0) - (random.int(20) === 0 ? 1 : 0));
  while (words.length < count) words.push(WORDS[random.int(WORDS.length)] as string);
  if (random.int(20) === 0) return `${words.map((word) => (random.int(4) === 0 ? `"${word}` : word)).join(" ")}\r\n`;
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function mutate(text: string, random: Random): string {
  const at = random.int(text.length + 1);
  const pieces = [
    "\r\n",
    "*",
    "$",
    "$-1\r\n",
    "*-1\r\n",
    "*2147483648\r\n",
    "$9999999999\r\n",
    "*3\r\n$3\r\n",
    "\n",
    "\0",
    ":",
  ];
  switch (random.int(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.int(256)) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + (pieces[random.int(pieces.length)] as string) + text.slice(at + random.int(3));
    default:
      return text.slice(0, at) + text.slice(at + 1 + random.int(5));
  }
}

/** What a run has seen. */
export interface RequestFuzzResult {
  readonly commands: number;
  readonly connections: number;
  /** Milliseconds that the longest round took. */
  readonly longestMs: number;
}

/**
 * Sends `rounds` requests, many of them broken, in pieces cut anywhere; the same seed makes the same ones.
 * @throws Error where the server throws, logs a fault of its own, or doesn't answer a new client afterwards
 */
export async function fuzzRequests(seed: number, rounds: number, nowMs: () => number): Promise<RequestFuzzResult> {
  const random = seededRandom(seed);
  let commands = 0;
  let connections = 0;
  let longestMs = 0;
  for (let first = 0; first < rounds; first += ROUNDS_PER_SERVER) {
    const faults: string[] = [];
    const server = new ServerCore({
      clock: new ManualClock(),
      random: seededRandom(seed + first),
      config: new Config({
        "proto-max-bulk-len": "1mb",
        "client-output-buffer-limit": "normal 8mb 0 0 pubsub 8mb 0 0",
        "lua-time-limit": 50,
      }),
      log: (_level, text) => {
        if (text.startsWith("internal error")) faults.push(text);
      },
    });
    const open = (): Sink => {
      const sink = new Sink();
      server.accept(sink, { peer: { host: "127.0.0.1", port: 1 }, local: { host: "127.0.0.1", port: 2 } });
      connections++;
      return sink;
    };
    let sink = open();
    for (let round = first; round < Math.min(rounds, first + ROUNDS_PER_SERVER); round++) {
      let text = request(random);
      while (random.int(4) === 0) text += request(random);
      const broken = random.int(3) === 0 ? mutate(text, random) : text;
      const startMs = nowMs();
      try {
        for (let at = 0; at < broken.length; ) {
          const end = random.int(2) === 0 ? broken.length : at + 1 + random.int(broken.length - at);
          sink.emit("data", Buffer.from(broken.slice(at, end), "latin1"));
          at = end;
        }
        if (faults.length > 0) throw new Error(faults[0]);
      } catch (error) {
        throw new Error(`round ${round} of seed ${seed}: ${JSON.stringify(broken)}`, { cause: error });
      }
      longestMs = Math.max(longestMs, nowMs() - startMs);
      // Blocked, subscribed, monitoring: each client is used for a while, then another one.
      if (sink.destroyed || sink.writableEnded || random.int(16) === 0) {
        sink.destroy();
        sink = open();
      }
    }
    // Only a pause that a client has asked for keeps a server from answering.
    server.pause.end();
    const last = open();
    last.emit("data", Buffer.from("PING\r\n"));
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (last.bytes === 0) throw new Error(`no answer after rounds ${first} and following of seed ${seed}`);
    commands += server.stats.commandsProcessed;
    await server.close({ reset: true });
  }
  return { commands, connections, longestMs };
}
