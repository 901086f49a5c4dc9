import { ReplicatedClient } from "ioreplica";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { INFO, ScriptedServer } from "../../support/scripted-server.js";

type Options = Exclude<ConstructorParameters<typeof ReplicatedClient>[0], string>;

let master: ScriptedServer;
const clients: ReplicatedClient[] = [];
const servers: ScriptedServer[] = [];

beforeEach(async () => {
  master = await ScriptedServer.start();
  servers.push(master);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function make(options: Partial<Options> = {}): ReplicatedClient {
  const client = new ReplicatedClient({
    master: `redis://${master.id}`,
    failoverTimeoutMs: 3000,
    ...options,
  } as Options);
  clients.push(client);
  return client;
}

const failure = (promise: Promise<unknown>): Promise<{ code?: string; sent?: string; message: string }> =>
  promise.then(
    () => ({ message: "it succeeded" }),
    (error: Error) => error,
  );

/** The server's own data connection: INCR waits there for the test's answer. */
async function waitsFor(server: ScriptedServer, line: string): Promise<void> {
  await eventually(() => server.waiting.some((asked) => asked.line === line));
}

describe("the availability zone of a node", () => {
  it("is what the server says, unless the options name one", async () => {
    master.info.zone = "use1-az2";
    const told = make();
    await told.connect();
    expect(told.topology.nodes[0]).toMatchObject({ zone: "use1-az2", tags: {} });
    const named = make({ master: { host: "127.0.0.1", port: master.port, zone: "rack-7", tags: { disk: "ssd" } } });
    await named.connect();
    expect(named.topology.nodes[0]).toMatchObject({ zone: "rack-7", tags: { disk: "ssd" } });
  });

  it("is unknown where the server has none", async () => {
    const redis = make();
    await redis.connect();
    expect(redis.topology.nodes[0]).toMatchObject({ zone: null, tags: {} });
  });
});

describe("a reply that is cut off", () => {
  it("leaves INCR of unknown outcome, never sent twice, and its connection is killed before the next write", async () => {
    const redis = make();
    await redis.connect();
    const incr = failure(redis.incr("n"));
    await waitsFor(master, "incr n");
    const [cut] = master.waiting;
    cut?.socket.resetAndDestroy();
    master.waiting.splice(0);
    expect(await incr).toMatchObject({ code: "IOREPLICA_UNKNOWN_OUTCOME", sent: "unknown" });
    const set = redis.set("k", "v");
    await waitsFor(master, "set k v");
    master.answer("+OK");
    expect(await set).toBe("OK");
    expect(master.log.filter((line) => line === "incr n").length).toBe(1);
    const kill = master.log.findIndex((line) => line.toLowerCase().startsWith("client kill id "));
    expect(kill).toBeGreaterThan(master.log.indexOf("incr n"));
    expect(master.log.indexOf("set k v")).toBeGreaterThan(kill);
  });

  it("leads a read to be read again, and nothing is killed for it", async () => {
    const redis = make({ readFrom: "master" });
    await redis.connect();
    const get = redis.get("k");
    await waitsFor(master, "get k");
    master.waiting.splice(0)[0]?.socket.resetAndDestroy();
    await eventually(() => master.waiting.length >= 2);
    master.answer("v", INFO);
    expect(await get).toBe("v");
    expect(master.log.some((line) => line.toLowerCase().startsWith("client kill"))).toBe(false);
  });
});

describe("the end of a client", () => {
  it("disconnect() rejects what is in flight with its own error, and says that its outcome is unknown", async () => {
    const redis = make();
    await redis.connect();
    const incr = failure(redis.incr("n"));
    const transaction = failure(redis.multi().incr("a").exec());
    await waitsFor(master, "exec");
    redis.disconnect();
    expect(await incr).toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      sent: "unknown",
      message: "Connection is closed.",
    });
    await transaction;
    await eventually(() => master.sockets.size === 0);
  });

  it("disconnect() rejects a read whose reply waits for its fence", async () => {
    master.held.push("INFO replication");
    const redis = make({ readFrom: "master" });
    master.held.splice(0);
    await redis.connect();
    const get = failure(redis.get("k"));
    await waitsFor(master, "get k");
    master.answer("v");
    // The reply is there, and its fence is not.
    redis.disconnect();
    expect(await get).toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
  });

  it("quit() waits for what is under way, is one promise, and refuses what comes later", async () => {
    const redis = make();
    await redis.connect();
    const incr = redis.incr("n");
    await waitsFor(master, "incr n");
    const quitting = redis.quit();
    expect(redis.quit()).toBe(quitting);
    expect(await failure(redis.get("k"))).toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      message: "Connection is closed.",
    });
    master.answer(1);
    expect(await incr).toBe(1);
    expect(await quitting).toBe("OK");
    expect(redis.status).toBe("end");
    await eventually(() => master.sockets.size === 0);
  });

  it("a duplicate shares the sockets and outlives its origin", async () => {
    const redis = make();
    await redis.connect();
    const before = master.sockets.size;
    const duplicate = redis.duplicate();
    clients.push(duplicate as never);
    await duplicate.connect();
    expect(master.sockets.size).toBe(before);
    await redis.quit();
    const incr = duplicate.incr("n");
    await waitsFor(master, "incr n");
    master.answer(1);
    expect(await incr).toBe(1);
  });

  it("connect() revives an ended client", async () => {
    const redis = make();
    await redis.connect();
    await redis.quit();
    await redis.connect();
    expect(redis.status).toBe("ready");
  });
});

describe("the beginning of a client", () => {
  it("lazyConnect opens nothing before the first command", async () => {
    const redis = make({ lazyConnect: true });
    expect(redis.status).toBe("wait");
    const incr = redis.incr("n");
    await waitsFor(master, "incr n");
    master.answer(1);
    expect(await incr).toBe(1);
    expect(redis.status).toBe("ready");
  });

  it("tells connecting, connect, ready, and after quit close, end", async () => {
    const redis = make({ lazyConnect: true });
    const told: string[] = [];
    for (const event of ["connecting", "connect", "ready", "reconnecting", "close", "end"])
      redis.on(event, () => told.push(event));
    await redis.connect();
    await redis.quit();
    await eventually(() => told.includes("end"));
    expect(told).toEqual(["connecting", "connect", "ready", "close", "end"]);
  });

  it("connect() rejects with each node and its reason, and nothing throws for want of an error listener", async () => {
    await master.stop();
    const redis = make({ failoverTimeoutMs: 500 });
    redis.get("k").catch(() => {});
    // It tells what it knows by then: on a busy machine the first look at a node may take longer than a short wait.
    await eventually(() => expect(redis.topology.nodes[0]?.health).toBe("down"));
    const error = await failure(redis.connect());
    expect(error).toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    expect(error.message).toContain(`${master.id}: `);
    expect(error.message).toContain("ECONNREFUSED");
  });

  it.each(["cluster", "sentinel"] as const)(
    "a %s is said at once, to connect(), to commands and as an error event",
    async (mode) => {
      master.info.mode = mode;
      const redis = make();
      const errors: Error[] = [];
      redis.on("error", (error: Error) => errors.push(error));
      const get = failure(redis.get("k"));
      expect(await failure(redis.connect())).toMatchObject({ code: "IOREPLICA_UNSUPPORTED_SERVER" });
      expect(await get).toMatchObject({ code: "IOREPLICA_UNSUPPORTED_SERVER" });
      expect(errors.length).toBe(1);
    },
  );
});

describe("a fence", () => {
  it("that was sent before a poll and is answered behind it is no sign of a rollback", async () => {
    const replica = await ScriptedServer.start();
    servers.push(replica);
    replica.info.role = "slave";
    replica.info.runId = "run-2";
    const redis = make({
      replicas: [`redis://${replica.id}`],
      pollIntervalMs: 50,
      readFrom: "replica",
      // How long a read waits for a replica is not asked here.
      readHoldMs: 10_000,
    });
    await redis.connect();
    await eventually(() => redis.explain("GET", "k").node === replica.id);
    const get = redis.get("k");
    await waitsFor(replica, "get k");
    const fence = replica.infoText();
    // A poll on another connection shows more than the fence that is on its way.
    replica.info.offset = 200;
    master.info.offset = 200;
    const polls = replica.log.length;
    await eventually(() => replica.log.slice(polls).filter((line) => line === "INFO persistence").length >= 3);
    replica.answer("v", fence);
    expect(await get).toBe("v");
    expect(replica.log.filter((line) => line === "get k").length).toBe(1);
  });
});

it("a listener that throws breaks nothing that is under way", async () => {
  const redis = make();
  await redis.connect();
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", note);
  try {
    redis.on("end", () => {
      throw new Error("a listener's own fault");
    });
    expect(await redis.quit()).toBe("OK");
    await eventually(() => thrown.length === 1);
  } finally {
    process.off("uncaughtException", note);
    for (const listener of before) process.on("uncaughtException", listener as never);
  }
});
