import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { ask, info } from "./nodes.js";

const REPLID = "1".repeat(40);
const opened: Server[] = [];
const sockets: Socket[] = [];
const servers: DevServer[] = [];

/** A master that answers everything with OK, PSYNC with a full resync, and then only says what it is told to. */
async function scriptedMaster(): Promise<{ readonly port: number; readonly say: (bytes: Buffer | string) => void }> {
  let replica: Socket | null = null;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (text.includes("PSYNC")) {
        replica = socket;
        socket.write(`+FULLRESYNC ${REPLID} 7\r\n`);
      } else socket.write("+OK\r\n".repeat(text.split(/\*\d+\r\n/).length - 1));
    });
  });
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    say: (bytes) => {
      if (replica === null) throw new Error("no replica has come yet");
      replica.write(bytes);
    },
  };
}

async function replicaOf(port: number, config: Record<string, string | number>): Promise<DevServer> {
  const server = await DevServer.start({ config });
  servers.push(server);
  await ask(server, "SET", "old", "data");
  await ask(server, "REPLICAOF", "127.0.0.1", port);
  await eventually(async () => expect((await info(server)).get("master_sync_in_progress")).toBe("1"));
  return server;
}

/** An RDB of one key, without a checksum. */
const RDB = Buffer.from("REDIS0009\x00\x03new\x04data\xff\0\0\0\0\0\0\0\0", "latin1");

const refused = (error: Error): string => error.message;

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of opened.splice(0)) server.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe("a replica that gets a dataset", () => {
  it("serves the old one until the new one is there, as if it came by way of a disk", async () => {
    const master = await scriptedMaster();
    const replica = await replicaOf(master.port, {});
    master.say(`$${RDB.length}\r\n`);
    master.say(RDB.subarray(0, 12));
    await eventually(async () => expect((await info(replica)).get("master_sync_read_bytes")).toBe("12"));
    expect(await ask(replica, "GET", "old")).toBe("data");
    master.say(RDB.subarray(12));
    await eventually(async () => expect(await ask(replica, "GET", "new")).toBe("data"));
    expect(await ask(replica, "DBSIZE")).toBe(1);
  });

  it.each(["swapdb", "on-empty-db"])(
    "is loading from the first byte on where repl-diskless-load is %s",
    async (mode) => {
      const master = await scriptedMaster();
      const replica = await replicaOf(master.port, { "repl-diskless-load": mode });
      const straight = mode === "swapdb";
      master.say(`$${RDB.length}\r\n`);
      master.say(RDB.subarray(0, 12));
      await eventually(async () => expect((await info(replica)).get("master_sync_read_bytes")).toBe("12"));
      // It holds a key: on-empty-db does not apply.
      const answer = await ask(replica, "GET", "old").catch(refused);
      expect(String(answer)).toContain(straight ? "LOADING Redis is loading the dataset in memory" : "data");
      expect((await info(replica, "persistence")).get("loading")).toBe(straight ? "1" : "0");
      master.say(RDB.subarray(12));
      await eventually(async () => expect(await ask(replica, "GET", "new").catch(refused)).toBe("data"));
      expect((await info(replica, "persistence")).get("loading")).toBe("0");
    },
  );

  it("keeps the old one where the new one breaks off, with swapdb", async () => {
    const master = await scriptedMaster();
    const replica = await replicaOf(master.port, { "repl-diskless-load": "swapdb" });
    master.say(`$${RDB.length}\r\n`);
    master.say(RDB.subarray(0, 12));
    await eventually(async () => expect((await info(replica, "persistence")).get("loading")).toBe("1"));
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually(async () => expect(await ask(replica, "GET", "old").catch(refused)).toBe("data"));
  });

  it("keeps the old one where the new one can't be read, with swapdb, and is empty without", async () => {
    const broken = Buffer.from(RDB);
    broken[9] = 99;
    for (const [mode, left] of [
      ["swapdb", 1],
      ["disabled", 0],
    ] as const) {
      const master = await scriptedMaster();
      const replica = await replicaOf(master.port, { "repl-diskless-load": mode });
      master.say(`$${RDB.length}\r\n`);
      master.say(broken);
      await eventually(async () => expect((await info(replica)).get("master_sync_in_progress")).toBe("0"));
      await eventually(async () => expect(await ask(replica, "DBSIZE").catch(refused)).toBe(left));
    }
  });
});
