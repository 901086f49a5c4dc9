import { createConnection, type Socket } from "node:net";
import { Command } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConnectionHost, type Flush, NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { Operation, type OperationSink } from "../../../../src/client/engine/operation.js";
import { DEFAULT_VIEW } from "../../../../src/client/options/view.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";
import { systemClock } from "../../../../src/core/clock.js";
import type { Fence } from "../../../../src/protocol/info.js";
import { eventually } from "../../../support/eventually.js";
import { INFO, ScriptedServer } from "../../../support/scripted-server.js";

const table = new CommandTable();
let server: ScriptedServer;
let connections: NodeConnection[] = [];

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(async () => {
  for (const connection of connections) connection.destroy("the test is over");
  connections = [];
  await server.stop();
});

/** A connection to the scripted server, and a record of all that it tells. */
async function connect(
  options: {
    lone?: boolean;
    timeoutMs?: number;
    commands?: boolean;
    kill?: { runId: string; clientId: number } | null;
    db?: number;
    opened?: (socket: Socket) => void;
  } = {},
) {
  const told: string[] = [];
  const fences: (Fence | null)[] = [];
  const flushes: Flush[] = [];
  const host: ConnectionHost = {
    isLone: () => options.lone ?? false,
    wantsFence: () => false,
    fenceSending: (_connection, flush) => void flushes.push(flush),
    fenced(_connection, fence) {
      fences.push(fence);
      told.push(`fence ${fence === null ? "bad" : fence.offset}`);
    },
    closed: () => void told.push("closed"),
  };
  const connection = new NodeConnection(
    server.id,
    1,
    {
      endpoint: { host: "127.0.0.1", port: server.port },
      redis: { db: options.db ?? 0 },
      connectTimeoutMs: options.timeoutMs ?? 5000,
      connect(to) {
        const socket = createConnection(to);
        options.opened?.(socket);
        return socket;
      },
    },
    systemClock,
    host,
  );
  connections.push(connection);
  const sink: OperationSink = {
    replied: (operation, reply) => void told.push(`${operation.command.args.join(" ")} = ${String(reply)}`),
    failed: (operation, error) =>
      void told.push(
        `${operation.command.args.join(" ")} ! ${error.name === "ReplyError" ? error.message : connection.wasSent(operation) ? "sent" : "not sent"}`,
      ),
  };
  const send = (line: string, verified = false, db = 0): Operation => {
    const [name = "", ...args] = line.split(" ");
    const command = new Command(name, args);
    const operation = new Operation(command, table.of(name, command.args), DEFAULT_VIEW, db, 0, sink, () => {});
    operation.verified = verified;
    connection.send(operation);
    return operation;
  };
  const opening = connection.open({ node: server.id, commands: options.commands ?? false, kill: options.kill ?? null });
  opening.catch(() => {});
  return { connection, told, fences, flushes, send, opening };
}

describe("the greeting", () => {
  it("learns run_id and client id, and asks for COMMAND only when told to", async () => {
    const { opening } = await connect();
    expect(await opening).toMatchObject({ runId: "run-1", clientId: 1, commands: null });
    expect(server.log).not.toContain("COMMAND");
    const second = await connect({ commands: true });
    expect(await second.opening).toMatchObject({ clientId: 2, commands: [] });
  });

  it("kills the connection that left writes unanswered before it is open, on the server that it was on only", async () => {
    server.held.push("CLIENT KILL", "client KILL");
    const { opening, connection } = await connect({ kill: { runId: "run-1", clientId: 41 } });
    const [line] = await server.asked(1);
    expect(line?.toUpperCase()).toBe("CLIENT KILL ID 41");
    expect(connection.state).toBe("opening");
    server.answer(1);
    await opening;
    const other = await connect({ kill: { runId: "run-0", clientId: 41 } });
    await other.opening;
    expect(server.log.filter((one) => one.toUpperCase().startsWith("CLIENT KILL")).length).toBe(1);
  });

  it.each([
    ["8.0.1", ["READONLY", "CLIENT CAPA redirect"]],
    ["10.1.0", ["READONLY", "CLIENT CAPA redirect"]],
    ["7.2.5", []],
    ["", []],
  ])(
    "tells a Valkey that redirects (%j) that it understands, once reads are safe from it",
    async (version, expected) => {
      server.info.valkey = version;
      const { opening, send, told } = await connect();
      await opening;
      expect(server.log.filter((line) => /READONLY|CAPA/i.test(line))).toEqual(expected);
      send("GET k");
      await server.asked(1);
      server.answer("v");
      await eventually(() => expect(told).toEqual(["k = v"]));
    },
  );

  it("leaves redirects alone where READONLY is not allowed: reads would be sent away too", async () => {
    server.info.valkey = "8.0.1";
    server.held.push("READONLY");
    const { opening } = await connect();
    await server.asked(1);
    server.answer("-NOPERM User default has no permissions to run the 'readonly' command");
    await opening;
    expect(server.log.filter((line) => /CAPA/i.test(line))).toEqual([]);
  });

  it.each(["cluster", "sentinel"] as const)("refuses a node in %s mode", async (mode) => {
    server.info.mode = mode;
    const { opening, connection } = await connect();
    await expect(opening).rejects.toMatchObject({ code: "IOREPLICA_UNSUPPORTED_SERVER" });
    expect(connection.state).toBe("closed");
  });

  it("has the same time limit as the connection itself: a server that accepts and says nothing", async () => {
    server.manual = true;
    const { opening } = await connect({ timeoutMs: 30 });
    await expect(opening).rejects.toThrow("no answer within 30 ms");
    await eventually(() => server.sockets.size === 0);
  });

  it("fails with a database that the server hasn't got, instead of going on in database 0", async () => {
    server.held.push("select", "SELECT");
    const { opening, connection } = await connect({ db: 99 });
    await server.asked(1);
    server.manual = true;
    await eventually(() => server.waiting.length >= 2);
    while (connection.state === "opening") {
      if (server.waiting[0]?.line.toLowerCase() === "select 99") server.answer("-ERR DB index is out of range");
      else if (server.waiting.length > 0) server.answer(INFO);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(opening).rejects.toThrow("DB index is out of range");
  });

  it("says why the connection was refused", async () => {
    await server.stop();
    const { opening } = await connect();
    await expect(opening).rejects.toThrow(`ECONNREFUSED`);
    server = await ScriptedServer.start();
  });
});

describe("a flush", () => {
  it("carries all commands of a turn, and one fence behind them, in one write", async () => {
    const { send, opening } = await connect();
    await opening;
    const before = server.chunks.length;
    for (const key of ["a", "b", "c"]) send(`GET ${key}`, true);
    expect(await server.asked(4)).toEqual(["GET a", "GET b", "GET c", "INFO replication"]);
    expect(server.chunks.length).toBe(before + 1);
  });

  it("has no fence where nobody needs one", async () => {
    const { send, opening } = await connect();
    await opening;
    send("SET a 1");
    expect(await server.asked(1)).toEqual(["SET a 1"]);
  });

  it("numbers what it carries: what was not handed to the socket was certainly not sent", async () => {
    const { send, opening, connection, told } = await connect();
    await opening;
    send("SET a 1");
    await server.asked(1);
    send("SET b 2");
    connection.destroy("enough");
    await eventually(() => told.includes("closed"));
    expect(told).toEqual(["a 1 ! sent", "b 2 ! not sent", "closed"]);
    expect(server.log).not.toContain("SET b 2");
    expect([connection.inFlight, connection.inFlightBytes]).toEqual([0, 0]);
  });

  it("selects the database of each command, and not again while it stays", async () => {
    const { send, opening } = await connect();
    await opening;
    send("SET a 1", false, 3);
    send("SET b 1", false, 3);
    send("SET c 1", false, 0);
    await server.asked(3);
    expect(server.log.slice(-5)).toEqual(["SELECT 3", "SET a 1", "SET b 1", "SELECT 0", "SET c 1"]);
  });

  it("a fence that is asked for alone sets off a flush of its own", async () => {
    const { connection, opening, told } = await connect();
    await opening;
    connection.requestFence();
    connection.requestFence();
    await eventually(() => told.length > 0);
    expect(told).toEqual(["fence 100"]);
  });

  it("a fence in front is judged before what stands behind it is answered", async () => {
    const { connection, send, opening, told } = await connect();
    await opening;
    connection.fenceInFront((fence) => told.push(`front ${fence?.offset}`));
    send("GET a");
    await server.asked(1);
    server.answer("v");
    await eventually(() => told.length === 2);
    expect(told).toEqual(["front 100", "a = v"]);
  });
});

describe("a generation", () => {
  it("ends with a reply that nobody asked for", async () => {
    const { connection, opening, told } = await connect();
    await opening;
    for (const socket of server.sockets) socket.write("+SURPRISE\r\n");
    await eventually(() => told.includes("closed"));
    expect(connection.state).toBe("closed");
  });

  it("ends with a fence that is answered by something else, and what stood in front of it is not handed out", async () => {
    const { connection, send, opening, told } = await connect();
    await opening;
    send("GET a", true);
    await server.asked(2);
    server.answer("v", "somebody's value");
    await eventually(() => told.includes("closed"));
    expect(told).toEqual(["a = v", "fence bad", "closed"]);
    expect(connection.reason).toContain("out of step");
    expect(connection.reason).not.toContain("somebody");
  });

  it("that is out of step hands out nothing that comes behind, not even out of the same bytes", async () => {
    const { send, opening, told } = await connect();
    await opening;
    send("GET a", true);
    await server.asked(2);
    send("GET b");
    send("GET c");
    await server.asked(4);
    server.answer("v", "b's value", "c's value", "-ERR somebody's error");
    await eventually(() => told.includes("closed"));
    expect(told).toEqual(["a = v", "fence bad", "b ! sent", "c ! sent", "closed"]);
  });

  it("lives on when a fence is answered with BUSY: a server that runs a script is alive, and in step", async () => {
    const { connection, send, opening, told } = await connect();
    await opening;
    send("GET a", true);
    await server.asked(2);
    const busy = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
    server.answer(busy, busy);
    await eventually(() => told.length === 2);
    send("GET b", true);
    await server.asked(2);
    server.answer("v", INFO);
    await eventually(() => told.length === 4);
    expect(told.slice(1)).toEqual(["fence bad", "b = v", "fence 100"]);
    expect(connection.state).toBe("open");
  });

  it("cut by the server: all unanswered commands are rejected before its end is told, once", async () => {
    const { send, opening, told } = await connect();
    await opening;
    send("SET a 1");
    send("GET b", true);
    await server.asked(3);
    server.answer("+OK");
    await eventually(() => told.length === 1);
    server.cut();
    await eventually(() => told.includes("closed"));
    expect(told).toEqual(["a 1 = OK", "b ! sent", "fence bad", "closed"]);
  });

  it("that ends between a command and its flush sent nothing of it, and rejects all in their turn, once", async () => {
    // The fence of the flush was refused on the spot and gave up reads that still stood in line: they were sent
    // elsewhere, and rejected once more at the end. The write lane then counted fewer than none under way, for ever.
    let socket: Socket | null = null;
    const { send, opening, told } = await connect({ opened: (opened) => void (socket = opened) });
    await opening;
    send("GET b");
    await server.asked(1);
    send("GET a", true);
    (socket as Socket | null)?.end();
    await eventually(() => told.includes("closed"));
    expect(told).toEqual(["b ! sent", "a ! not sent", "closed"]);
  });

  it("that is hung up on is destroyed at once, though the server never says a word", async () => {
    const { connection, send, opening, told } = await connect();
    await opening;
    send("SET a 1");
    await server.asked(1);
    connection.destroy("no answer in time");
    await eventually(() => server.sockets.size === 0);
    await eventually(() => told.includes("closed"));
    expect(connection.reason).toBe("no answer in time");
  });

  it("refuses commands once it is over, in the call itself", async () => {
    const { connection, send, opening, told } = await connect();
    await opening;
    connection.destroy("over");
    send("SET a 1");
    expect(told).toEqual(["a 1 ! not sent"]);
    expect([connection.inFlight, connection.inFlightBytes]).toEqual([0, 0]);
  });

  it("ends with a SELECT that fails", async () => {
    server.held.push("SELECT 9");
    const { connection, send, opening, told } = await connect();
    await opening;
    send("SET a 1", false, 9);
    await server.asked(2);
    server.answer("-ERR DB index is out of range", "+OK");
    await eventually(() => told.includes("closed"));
    expect(connection.reason).toBe("SELECT 9 failed: ERR DB index is out of range");
    // It ran in whichever database was selected before: that is not for the caller to take for a success.
    expect(told[0]).toBe("a 1 ! sent");
  });
});

describe("how long a node takes", () => {
  // The master that was asked for its last offset at a failover was never read from again: that question was taken for a
  // flush of commands that is still unanswered.
  it("is not told by questions of our own, which nobody times", async () => {
    const { opening, connection } = await connect();
    await opening;
    const answered = new Promise((resolve) => connection.fenceInFront(resolve));
    expect(await answered).not.toBeNull();
    expect(connection.waitingSince).toBe(Number.POSITIVE_INFINITY);
    connection.requestFence();
    await eventually(() => connection.latencyMs !== null);
    expect(connection.waitingSince).toBe(Number.POSITIVE_INFINITY);
  });
});
