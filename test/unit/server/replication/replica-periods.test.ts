import { describe, expect, it } from "vitest";
import { type MasterEnd, startServer, turn } from "./harness.js";

const ID = "a".repeat(40);
const HANDSHAKE = "*3|$8|REPLCONF|$14|listening-port|$1|0|*5|$8|REPLCONF|$4|capa|$3|eof|$4|capa|$6|psync2|";

/** An RDB file without keys; eight zero bytes mean that its checksum is not to be looked at. */
const emptyFile = Buffer.from(`REDIS0010\xff${"\0".repeat(8)}`, "latin1");

/** A replica whose master a test plays. */
async function startReplica(settings: Readonly<Record<string, string | number>> = {}) {
  const server = startServer(settings);
  server.replication.follow("master.test", 6000, true);
  await turn();
  const call = (): MasterEnd => server.stage.calls.at(-1) as MasterEnd;
  const info = (): Map<string, string> =>
    new Map(server.replication.infoReplication().map((line) => line.split(":", 2) as [string, string]));
  /** Plays the handshake until PSYNC has been sent. */
  const shakeHands = async (): Promise<string> => {
    await call().got();
    await call().say("+PONG");
    await call().say("+OK");
    return call().say("+OK");
  };
  /** Plays a whole sync; the replica is linked afterwards. */
  const sync = async (offset = 100): Promise<string> => {
    await shakeHands();
    await call().say(`+FULLRESYNC ${ID} ${offset}`);
    const payload = Buffer.concat([Buffer.from(`$${emptyFile.length}\r\n`), emptyFile]);
    let answered = await call().sayRaw(payload);
    for (let i = 0; i < 20 && server.replication.link?.state !== "connected"; i++) {
      server.clock.advance(1);
      answered += await call().got();
    }
    return answered;
  };
  return { ...server, call, info, shakeHands, sync };
}

const ack = (offset: number): string => `*3|$8|REPLCONF|$3|ACK|$${String(offset).length}|${offset}|`;

describe("a replica's periods", () => {
  it("acknowledges once a second, and at once when asked", async () => {
    const { call, sync, pass, replication } = await startReplica();
    expect(await sync()).toBe(ack(100));
    await pass(1000);
    expect(await call().got()).toBe(ack(100));
    await call().say("*1", "$4", "PING");
    expect(replication.offset).toBe(114);
    await pass(2000, 1000);
    expect(await call().got()).toBe(ack(114) + ack(114));
    // The answer doesn't count the question itself.
    expect(await call().say("*3", "$8", "REPLCONF", "$6", "GETACK", "$1", "*")).toBe(ack(114));
    expect(replication.offset).toBe(114 + 37);
  });

  it("applies nothing of its master's writes while a pause holds, and all of it afterwards", async () => {
    const { call, sync, pass, replication, connect, info } = await startReplica();
    await sync();
    const client = connect();
    expect(await client.send("CLIENT PAUSE 5000 WRITE")).toBe("+OK|");
    await call().say("*1", "$4", "PING");
    expect(replication.offset).toBe(114);
    await call().say("*3", "$3", "SET", "$1", "a", "$1", "1", "*1", "$4", "PING");
    await call().say("*2", "$4", "INCR", "$1", "a");
    expect(replication.offset).toBe(114);
    expect(info().get("slave_read_repl_offset")).toBe(String(114 + 27 + 14 + 21));
    expect(await client.send("GET a")).toBe("$-1|");
    expect(await client.send("INFO clients")).toContain("|blocked_clients:1|");
    await pass(4500);
    expect(replication.offset).toBe(114);
    await pass(500);
    expect(replication.offset).toBe(114 + 27 + 14 + 21);
    expect(await client.send("GET a")).toBe("$1|2|");
    expect(await client.send("INFO clients")).toContain("|blocked_clients:0|");
  });

  it("holds even a PING in a pause of everything, and goes on as far as a milder pause lets it", async () => {
    const { call, sync, replication, connect, core } = await startReplica();
    await sync();
    const client = connect();
    core.pause.start("write", 60_000, "other");
    core.pause.start("all", 60_000);
    await call().say("*1", "$4", "PING", "*2", "$4", "INCR", "$1", "a");
    expect(replication.offset).toBe(100);
    core.pause.end();
    expect(replication.offset).toBe(114);
    core.pause.end("other");
    expect(replication.offset).toBe(135);
    expect(await client.send("GET a")).toBe("$1|1|");
  });

  it("forgets what a pause holds when the link is lost, and asks for it again", async () => {
    const { call, sync, pass, replication, connect, shakeHands, core } = await startReplica();
    await sync();
    const client = connect();
    await client.send("CLIENT PAUSE 60000 WRITE");
    await call().say("*1", "$5", "MULTI", "*2", "$4", "INCR", "$1", "a");
    expect(core.pause.waitingClients).toBe(1);
    await call().hangUp();
    expect(core.pause.waitingClients).toBe(0);
    await pass(1000);
    expect(await shakeHands()).toBe(`*3|$5|PSYNC|$40|${ID}|$3|101|`);
    await call().say("+CONTINUE");
    await call().say("*1", "$5", "MULTI", "*2", "$4", "INCR", "$1", "a", "*1", "$4", "EXEC");
    expect(replication.offset).toBe(100);
    await client.send("CLIENT UNPAUSE");
    expect(replication.offset).toBe(100 + 15 + 21 + 14);
    expect(await client.send("GET a")).toBe("$1|1|");
  });

  it("gives a link up after repl-timeout without a byte, and calls again", async () => {
    const { sync, pass, replication, log, stage, call, shakeHands } = await startReplica({ "repl-timeout": 5 });
    await sync();
    await pass(5000);
    expect(replication.link?.state).toBe("connected");
    await pass(2000);
    expect(log).toContain("MASTER timeout: no data nor PING received...");
    expect(stage.calls.length).toBe(2);
    // It asks for the byte after the last.
    expect(await shakeHands()).toBe(`*3|$5|PSYNC|$40|${ID}|$3|101|`);
    expect(log).toContain(`Trying a partial resynchronization (request ${ID}:101).`);
    await call().say("+CONTINUE");
    expect(replication.link?.state).toBe("connected");
  });

  it("gives up a master that does not answer in the midst of the handshake", async () => {
    const { pass, log, stage, call, replication } = await startReplica({ "repl-timeout": 3 });
    expect(await call().got()).toBe("*1|$4|PING|");
    expect(replication.link?.state).toBe("handshake");
    expect(await call().say("+PONG")).toBe(HANDSHAKE);
    await pass(5000);
    expect(log).toContain("Timeout connecting to the MASTER...");
    expect(stage.calls.length).toBe(2);
  });

  it("gives up a master whose payload stops coming, but not one that says it is at work", async () => {
    const { pass, log, call, shakeHands, info, replication } = await startReplica({ "repl-timeout": 3 });
    await shakeHands();
    await call().say(`+FULLRESYNC ${ID} 5`);
    for (let i = 0; i < 6; i++) {
      await pass(1000);
      await call().sayRaw(Buffer.from("\n"));
    }
    expect(replication.link?.state).toBe("sync");
    expect(info().get("master_sync_total_bytes")).toBe("-1");
    await call().say("$1000", "abc");
    expect(info().get("master_sync_total_bytes")).toBe("1000");
    expect(info().get("master_sync_left_bytes")).toBe("995");
    await pass(5000);
    expect(log.join("\n")).toContain("Timeout receiving bulk data from MASTER...");
  });

  it("gives up a call that nobody answers", async () => {
    const server = startServer({ "repl-timeout": 2 });
    server.stage.answering = false;
    server.replication.follow("master.test", 6000, true);
    await turn();
    expect(server.replication.link?.state).toBe("connecting");
    server.stage.answering = true;
    await server.pass(4000);
    expect(server.log).toContain("Timeout connecting to the MASTER...");
    expect(server.stage.calls.length).toBe(1);
  });

  it("falls back to SYNC where the master knows no PSYNC, and sends it no ACK", async () => {
    const { shakeHands, call, pass, replication, log } = await startReplica();
    await shakeHands();
    expect(await call().say("-ERR unknown command 'PSYNC'")).toBe("SYNC|");
    await call().sayRaw(Buffer.concat([Buffer.from(`$${emptyFile.length}\r\n`), emptyFile]));
    for (let i = 0; i < 20 && replication.link?.state !== "connected"; i++) await pass(1);
    await pass(3000);
    expect(await call().got()).toBe("");
    expect(log).toContain("Retrying with SYNC...");
    await call().say("*3", "$3", "SET", "$1", "a", "$1", "1");
    expect(replication.digest()).not.toBe("0".repeat(40));
    // Such a master can't be asked to go on from anywhere.
    await call().hangUp();
    await pass(1000);
    expect(await shakeHands()).toBe("*3|$5|PSYNC|$1|?|$2|-1|");
  });

  it("comes back later when the master can't serve it yet", async () => {
    const { shakeHands, call, pass, stage, log, replication } = await startReplica();
    await shakeHands();
    await call().say("-NOMASTERLINK Can't SYNC while not connected with my master");
    expect(replication.link?.state).toBe("connect");
    await pass(1000);
    expect(stage.calls.length).toBe(2);
    await shakeHands();
    await call().say("-LOADING Redis is loading the dataset in memory");
    await pass(1000);
    expect(stage.calls.length).toBe(3);
    expect(log.filter((line) => line.startsWith("Master is currently unable to PSYNC"))).toHaveLength(2);
  });

  it("keeps its history, and can ask for the rest of it, until a payload has come whole", async () => {
    const { sync, shakeHands, call, pass } = await startReplica();
    await sync(100);
    await call().hangUp();
    await pass(1000);
    await shakeHands();
    await call().say(`+FULLRESYNC ${"b".repeat(40)} 7`, "$1000", "REDIS");
    await call().hangUp();
    await pass(1000);
    expect(await shakeHands()).toBe(`*3|$5|PSYNC|$40|${ID}|$3|101|`);
  });

  it("tells since when the link is down, -1 if it never was up", async () => {
    const { sync, call, pass, info, replication } = await startReplica();
    expect(info().get("master_link_down_since_seconds")).toBe("-1");
    expect(info().get("slave_repl_offset")).toBe("1");
    await sync(100);
    expect(info().has("master_link_down_since_seconds")).toBe(false);
    await call().hangUp();
    await pass(3500);
    expect(info().get("master_link_down_since_seconds")).toBe("3");
    expect(info().get("slave_repl_offset")).toBe("100");
    expect(info().get("master_last_io_seconds_ago")).toBe("-1");
    // Another master doesn't make it up.
    replication.follow("other.test", 6001);
    await pass(1000);
    expect(info().get("master_link_down_since_seconds")).toBe("4");
  });

  it("logs the way to a link in Redis's words", async () => {
    const { sync, log } = await startReplica();
    await sync(100);
    const words = [
      "Connecting to MASTER master.test:6000",
      "MASTER <-> REPLICA sync started",
      "Non blocking connect for SYNC fired the event.",
      "Master replied to PING, replication can continue...",
      "Partial resynchronization not possible (no cached master)",
      `Full resync from master: ${ID}:100`,
      `MASTER <-> REPLICA sync: receiving ${emptyFile.length} bytes from master to disk`,
      "MASTER <-> REPLICA sync: Flushing old data",
      "MASTER <-> REPLICA sync: Loading DB in memory",
      "MASTER <-> REPLICA sync: Finished with success",
    ];
    expect(log.filter((line) => words.includes(line))).toEqual(words);
  });
});

describe("an error on a replication link", () => {
  it("is said in the words that tests look for, and counted", async () => {
    const { sync, call, log, core } = await startReplica();
    await sync();
    await call().say("*2", "$5", "nosuc", "$1", "x");
    await call().say("*3", "$4", "INCR", "$1", "a", "$1", "b");
    expect(log.filter((line) => line.startsWith("== CRITICAL =="))).toEqual([
      "== CRITICAL == This replica is sending an error to its master: 'unknown command 'nosuc', with args beginning with: 'x' ' after processing the command '<unknown>'",
      "== CRITICAL == This replica is sending an error to its master: 'wrong number of arguments for 'incr' command' after processing the command 'incr'",
    ]);
    expect(core.stats.unexpectedErrors).toBe(2);
  });

  it("breaks the master's transaction as a whole", async () => {
    const { sync, call, log, replication } = await startReplica();
    await sync();
    const before = replication.digest();
    await call().say(
      "*1",
      "$5",
      "MULTI",
      "*3",
      "$3",
      "SET",
      "$1",
      "a",
      "$1",
      "1",
      "*1",
      "$5",
      "nosuc",
      "*1",
      "$4",
      "EXEC",
    );
    expect(replication.digest()).toBe(before);
    expect(log.filter((line) => line.startsWith("== CRITICAL =="))).toHaveLength(2);
  });
});

describe("keys written on a writable replica", () => {
  it("end there when their time is over, and the master's stay until it says so", async () => {
    const { sync, call, connect, pass, core } = await startReplica({ "replica-read-only": "no" });
    await sync();
    const client = connect();
    await client.send("SET own 1 PX 500");
    const pxat = String(core.clock.epoch() + 500);
    await call().say("*5", "$3", "SET", "$6", "theirs", "$1", "1", "$4", "PXAT", `$${pxat.length}`, pxat);
    expect(await client.send("DBSIZE")).toBe(":2|");
    await pass(1000, 100);
    expect(await client.send("DBSIZE")).toBe(":1|");
    expect(await client.send("GET theirs", "EXISTS theirs")).toBe("$-1|:0|");
    expect(await client.send("DBSIZE")).toBe(":1|");
    // A write finds it expired and begins anew.
    expect(await client.send("INCR theirs", "TTL theirs")).toBe(":1|:-1|");
  });
});
