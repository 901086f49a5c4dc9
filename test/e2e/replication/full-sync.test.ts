import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { DevServer, type DevServerOptions } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, RedisProcess, startRedis } from "../../support/real-redis.js";
import { randomWrites, run } from "./load.js";
import { ask, expectEqual, expectNoComplaint, info, type Node } from "./nodes.js";

const started: Node[] = [];
const sockets: Socket[] = [];
const dev = async (options: DevServerOptions = {}): Promise<DevServer> => {
  const server = await DevServer.start(options);
  started.push(server);
  return server;
};
const of = (node: Node): { host: string; port: number } => ({ host: "127.0.0.1", port: node.port });

/** A replica that only takes down what it gets; with `capa eof` where `eof`. */
async function peer(port: number, eof: boolean): Promise<{ readonly socket: Socket; text: string }> {
  const socket = connect({ port, host: "127.0.0.1" });
  sockets.push(socket);
  const received = { socket, text: "" };
  socket.on("data", (chunk) => {
    received.text += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  if (eof) {
    socket.write("REPLCONF capa eof capa psync2\r\n");
    await eventually(() => expect(received.text).toBe("+OK\r\n"));
    received.text = "";
  }
  socket.write("PSYNC ? -1\r\n");
  return received;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

/** Fills two databases with what takes many slices to write, one large collection among it. */
async function fill(node: Node): Promise<void> {
  await ask(node, "DEBUG", "POPULATE", 15_000);
  await run(node.port, [
    ...Array.from({ length: 100 }, (_, i) => [
      "RPUSH",
      "large",
      ...Array.from({ length: 100 }, (__, j) => `${i}:${j}`),
    ]),
    ["SELECT", "1"],
    ...Array.from({ length: 5000 }, (_, i) => ["SET", `other:${i}`, "x".repeat(i % 100)]),
    ["SELECT", "0"],
  ]);
}

/** Writes to keys all over the dataset until told to stop. */
function writing(node: Node): () => Promise<void> {
  let on = true;
  const done = (async () => {
    for (let round = 0; on; round++) {
      await run(node.port, [
        ...randomWrites(round, 30),
        ...Array.from({ length: 20 }, (_, i) => ["SET", `key:${(round * 7919 + i * 104_729) % 15_000}`, `${round}`]),
        ["RPUSH", "large", String(round)],
        ["LPOP", "large"],
        ["DEL", `key:${(round * 31) % 15_000}`],
        ["SWAPDB", 1, 2],
      ]);
    }
  })();
  return () => {
    on = false;
    return done;
  };
}

describeReal("a full resync of a dataset that is being written to", () => {
  it.each([
    ["streamed", "yes"],
    ["sent when it is complete", "no"],
  ])("is one cut for every replica, dev and real: %s", async (_, diskless) => {
    const master = await dev({ config: { "repl-diskless-sync": diskless } });
    await fill(master);
    const stop = writing(master);
    const first = await dev({ replicaOf: of(master) });
    const second = await dev({ replicaOf: of(master) });
    const real = await startRedis({ replicaOf: of(master) });
    started.push(real);
    for (const node of [first, second, real]) {
      await eventually(async () => expect((await info(node)).get("master_link_status")).toBe("up"));
    }
    await stop();
    await expectEqual(master, first, second, real);
    expectNoComplaint(...started.filter((node) => node instanceof RedisProcess));
  });
});

describe("The payload of a full resync", () => {
  it("has its length where it is small, and the stream follows at once", async () => {
    const master = await dev();
    const replica = await peer(master.port, true);
    await eventually(() => expect(replica.text).toMatch(/\+FULLRESYNC [0-9a-f]{40} 0\r\n\$\d+\r\nREDIS/));
    await ask(master, "SET", "k", "v");
    await eventually(() => expect(replica.text.endsWith("$1\r\nk\r\n$1\r\nv\r\n")).toBe(true));
  });

  it("ends with a mark where it is streamed, and nothing follows before the first ACK", async () => {
    const master = await dev({ config: { "rdb-key-save-delay": 1 } });
    await ask(master, "DEBUG", "POPULATE", 5000);
    const replica = await peer(master.port, true);
    await eventually(async () => expect((await info(master)).get("slave0")).toContain("state=wait_bgsave"));
    await ask(master, "SET", "k", "meanwhile");
    await eventually(async () => expect((await info(master)).get("slave0")).toContain("state=online"));
    const mark = /\$EOF:([0-9a-f]{40})\r\nREDIS/.exec(replica.text)?.[1] as string;
    await eventually(() => expect(replica.text.endsWith(mark)).toBe(true));
    replica.socket.write("REPLCONF ACK 0\r\n");
    await eventually(() =>
      expect(replica.text.slice(replica.text.lastIndexOf(mark) + 40)).toMatch(/SELECT\r\n\$1\r\n0[^]*meanwhile\r\n$/),
    );
  });

  it("is shared by those who come while one waits for its length, and made anew for the rest", async () => {
    const lines: string[] = [];
    const master = await dev({
      config: { "rdb-key-save-delay": 10, "repl-diskless-sync": "no" },
      log: (_, text) => lines.push(text),
    });
    await ask(master, "DEBUG", "POPULATE", 5000);
    const replicas = [await peer(master.port, false), await peer(master.port, false)];
    await eventually(async () => expect((await info(master)).get("connected_slaves")).toBe("2"));
    await ask(master, "SET", "k", "meanwhile");
    await ask(master, "CONFIG", "SET", "rdb-key-save-delay", "0");
    for (const replica of replicas) await eventually(() => expect(replica.text).toMatch(/meanwhile\r\n$/));
    expect(lines.filter((line) => line.startsWith("Starting BGSAVE for SYNC"))).toHaveLength(1);
    expect(lines).toContain("Waiting for end of BGSAVE for SYNC");
    expect(new Set(replicas.map(({ text }) => text.replace(/^\n+/, ""))).size).toBe(1);
  });

  it("is given up when nobody is left to send it to", async () => {
    const lines: string[] = [];
    const master = await dev({ config: { "rdb-key-save-delay": 1000 }, log: (_, text) => lines.push(text) });
    await ask(master, "DEBUG", "POPULATE", 5000);
    const replica = await peer(master.port, true);
    await eventually(async () => expect((await info(master, "persistence")).get("rdb_bgsave_in_progress")).toBe("1"));
    expect(String(await ask(master, "BGSAVE").catch((error: Error) => error.message))).toContain("already in progress");
    replica.socket.destroy();
    await eventually(async () => expect((await info(master, "persistence")).get("rdb_bgsave_in_progress")).toBe("0"));
    expect(lines).toContain("Diskless rdb transfer, last replica dropped, killing fork child.");
  });

  it("keeps no more of the stream for a replica than its output limit", async () => {
    const lines: string[] = [];
    const master = await dev({
      config: {
        "rdb-key-save-delay": 1000,
        "repl-backlog-size": "16kb",
        "client-output-buffer-limit": "replica 100kb 0 0",
      },
      log: (_, text) => lines.push(text),
    });
    await ask(master, "DEBUG", "POPULATE", 5000);
    const replica = await peer(master.port, true);
    const closed = new Promise((resolve) => replica.socket.once("close", resolve));
    await eventually(async () => expect((await info(master)).get("connected_slaves")).toBe("1"));
    for (let i = 0; i < 12; i++) await ask(master, "SET", "k", "x".repeat(10_000));
    await closed;
    expect(lines.some((line) => /^Client id=.* closed for overcoming of output buffer limits\.$/.test(line))).toBe(
      true,
    );
  });
});
