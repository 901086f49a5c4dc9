import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { DevServer } from "../../src/server/index.js";
import { eventually } from "../support/eventually.js";
import { RawClient, show } from "../support/raw-client.js";
import { describeReal, respCall, startRedis } from "../support/real-redis.js";

const running: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

interface Address {
  readonly host: string;
  readonly port: number;
}
type Call = (...commands: string[][]) => Promise<unknown[]>;
const callTo =
  (address: Address): Call =>
  (...commands) =>
    // An error reply stands among the others as its text.
    respCall(address, commands, 5000).then((replies) =>
      replies.map((reply) => (reply instanceof Error ? reply.message : reply)),
    );

async function dev(config: Record<string, string> = {}): Promise<DevServer> {
  const server = await DevServer.start({ config });
  running.push(server);
  return server;
}
async function real(): Promise<Address> {
  const server = await startRedis({ args: [] });
  running.push(server);
  return server;
}

const DATA: string[][] = [
  ["SET", "s", "v", "PX", "100000"],
  ["RPUSH", "l", "a", "b"],
  ["ZADD", "z", "1.5", "a", "inf", "b"],
  ["HSET", "h", "f", "v"],
  ["XADD", "x", "1-1", "f", "v"],
];
const KEYS = ["s", "l", "z", "h", "x"];

async function movesAll(from: Address, to: Address): Promise<void> {
  const [here, there] = [callTo(from), callTo(to)];
  await here(...DATA);
  const digests = ["DEBUG", "DIGEST-VALUE", ...KEYS];
  const before = await here(digests);
  const moved = await here(["MIGRATE", to.host, String(to.port), "", "0", "5000", "KEYS", "none", ...KEYS]);
  expect(moved).toEqual(["OK"]);
  expect(await here(["DBSIZE"])).toEqual([0]);
  expect(await there(digests)).toEqual(before);
  const [pttl] = await there(["PTTL", "s"]);
  expect(pttl).toBeGreaterThan(0);
}

describe("MIGRATE between servers of one process", () => {
  it("moves keys, and the replicas of the source hear DEL", async () => {
    const [source, target] = [await dev(), await dev()];
    const replica = await DevServer.start({ replicaOf: { host: source.host, port: source.port } });
    running.push(replica);
    await replica.inSyncWith(source);
    await movesAll(source, target);
    await replica.inSyncWith(source);
    expect(replica.digest()).toBe("0".repeat(40));
    expect(await callTo(source)(["INFO", "stats"])).toEqual([expect.stringContaining("migrate_cached_sockets:1")]);
  });

  it("keeps what the target has not taken, and says why", async () => {
    const [source, target] = [await dev(), await dev()];
    const [here, there] = [callTo(source), callTo(target)];
    await here(["MSET", "a", "1", "b", "2", "c", "3"]);
    await there(["SET", "b", "busy"]);
    const move = ["MIGRATE", target.host, String(target.port), "", "0", "5000"];
    expect(await here([...move, "KEYS", "a", "b", "c"])).toEqual([
      "ERR Target instance replied with error: BUSYKEY Target key name already exists.",
    ]);
    expect(await here(["KEYS", "*"])).toEqual([["b"]]);
    expect(await here([...move, "COPY", "REPLACE", "KEYS", "b"], ["GET", "b"])).toEqual(["OK", "2"]);
    expect(await there(["MGET", "a", "b", "c"])).toEqual([["1", "2", "3"]]);
  });

  it("makes a new connection where the kept one was closed meanwhile", async () => {
    const [source, target] = [await dev(), await dev()];
    const here = callTo(source);
    const move = (key: string): string[] => ["MIGRATE", target.host, String(target.port), key, "0", "5000"];
    expect(await here(["SET", "a", "1"], move("a"))).toEqual(["OK", "OK"]);
    await callTo(target)(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    expect(await here(["SET", "b", "1"], move("b"))).toEqual(["OK", "OK"]);
  });

  it("ends with an error, the key where it was, when the target doesn't answer, isn't there or is itself", async () => {
    const [source, target] = [await dev(), await dev()];
    const here = callTo(source);
    const move = (to: Address): string[] => ["MIGRATE", to.host, String(to.port), "a", "0", "500"];
    target.faults.hang();
    expect(await here(["SET", "a", "1"], move(target), move(source))).toEqual([
      "OK",
      "IOERR error or timeout reading to target instance",
      "IOERR error or timeout reading to target instance",
    ]);
    await target.stop();
    expect(await here(move(target), ["GET", "a"])).toEqual(["IOERR error or timeout connecting to the client", "1"]);
  });

  it("serves nobody else while keys are on their way", async () => {
    const source = await dev();
    const here = callTo(source);
    await here(["SET", "a", "1"]);
    let asking: Promise<unknown[]> = Promise.resolve([]);
    // A target that takes its time: it answers when somebody else has asked the source for the key.
    const target = createServer((socket) => {
      socket.on("data", () => {
        asking = here(["GET", "a"]);
        setImmediate(() => socket.write("+OK\r\n+OK\r\n"));
      });
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    running.push({ stop: async () => target.close() });
    const { port } = target.address() as AddressInfo;
    expect(await here(["MIGRATE", "127.0.0.1", String(port), "a", "0", "5000"])).toEqual(["OK"]);
    expect(await asking).toEqual([null]);
  });

  it("authenticates, without showing the password", async () => {
    const [source, target] = [await dev(), await dev({ requirepass: "secret" })];
    const here = callTo(source);
    const move = ["MIGRATE", target.host, String(target.port), "a", "3", "5000"];
    await here(["CONFIG", "SET", "slowlog-log-slower-than", "0"], ["SET", "a", "1"]);
    expect(await here(move)).toEqual(["ERR Target instance replied with error: NOAUTH Authentication required."]);
    expect(await here([...move, "COPY", "AUTH", "secret"])).toEqual(["OK"]);
    expect(await here([...move, "REPLACE", "AUTH2", "default", "secret"])).toEqual(["OK"]);
    expect(await callTo(target)(["AUTH", "secret"], ["SELECT", "3"], ["GET", "a"])).toEqual(["OK", "OK", "1"]);
    expect(JSON.stringify(await here(["SLOWLOG", "GET", "-1"]))).not.toContain("secret");
  });
});

/** A transaction that moves keys: one after another, one that isn't there, and one that the target has not taken. */
const transaction = (to: Address): string[][] => {
  const move = (...rest: string[]): string[] => ["MIGRATE", to.host, String(to.port), ...rest];
  return [
    ["MSET", "a", "1", "b", "2", "c", "3", "n", "1"],
    move("c", "0", "5000", "COPY"),
    ["MULTI"],
    ["INCR", "n"],
    move("a", "0", "5000"),
    ["EXISTS", "a", "b"],
    move("", "0", "5000", "KEYS", "none", "a"),
    move("", "0", "5000", "KEYS", "b", "c"),
    ["INCR", "n"],
    ["EXEC"],
    ["KEYS", "*"],
  ];
};
const TAKEN = "ERR Target instance replied with error: BUSYKEY Target key name already exists.";
const REPLIES = [...["OK", "OK", "OK"], ...Array<string>(6).fill("QUEUED"), [2, "OK", 1, "NOKEY", TAKEN, 3]];
const STREAM = ["MULTI", "INCR n", "DEL a", "DEL b", "INCR n", "EXEC"];

/** Runs the transaction while a replica listens. */
async function movesInTransaction(from: Address, to: Address): Promise<void> {
  const replica = await DevServer.start({ replicaOf: { host: from.host, port: from.port } });
  running.push(replica);
  await eventually(async () =>
    String(await callTo(replica)(["INFO", "replication"])).includes("master_link_status:up"),
  );
  const heard: string[] = [];
  const tap = replica.tap();
  const replies = await callTo(from)(...transaction(to));
  expect(replies.slice(0, -1)).toEqual(REPLIES);
  expect((replies.at(-1) as string[]).sort()).toEqual(["c", "n"]);
  await tap.until(({ args }) => args[0]?.toUpperCase() === "EXEC");
  for (const { args } of tap.commands) heard.push([args[0]?.toUpperCase(), ...args.slice(1)].join(" "));
  tap.close();
  expect(heard.filter((line) => !/^(SELECT|PING|REPLCONF|MSET)/.test(line))).toEqual(STREAM);
  expect(await callTo(to)(["MGET", "a", "b", "c", "n"])).toEqual([["1", "2", "3", null]]);
}

describe("MIGRATE in a transaction", () => {
  it("is one of its commands, and the stream has it as one unit", async () =>
    movesInTransaction(await dev(), await dev()));

  /** A target that answers when it is let. */
  async function slowTarget(): Promise<{ port: number; asked: Promise<void>; answer(): void }> {
    let asked = (): void => {};
    let answer = (): void => {};
    const whenAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const target = createServer((socket) => {
      socket.on("data", () => {
        answer = () => socket.write("+OK\r\n+OK\r\n");
        asked();
      });
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    running.push({ stop: async () => target.close() });
    return { port: (target.address() as AddressInfo).port, asked: whenAsked, answer: () => answer() };
  }

  it("lets nobody in between", async () => {
    const [source, bystander] = [await dev(), await dev()];
    const target = await slowTarget();
    const curious = await RawClient.connect(source.port);
    const moved = callTo(source)(
      ["SET", "a", "1"],
      ["MULTI"],
      ["SET", "half", "done"],
      ["MIGRATE", "127.0.0.1", String(target.port), "a", "0", "5000"],
      ["SET", "half", "whole"],
      ["EXEC"],
    );
    await target.asked;
    const seen = curious.call("MGET", "half", "a");
    // Another server of this process answers many times meanwhile: the source would have done so, too.
    for (let i = 0; i < 20; i++) await callTo(bystander)(["PING"]);
    target.answer();
    expect(show(await seen)).toBe('*[$"whole" $-1]');
    curious.close();
    expect((await moved).at(-1)).toEqual(["OK", "OK", "OK"]);
  });

  it("is done to the end for a client that is gone", async () => {
    const source = await dev();
    const target = await slowTarget();
    const client = await RawClient.connect(source.port);
    const move = ["MIGRATE", "127.0.0.1", String(target.port), "a", "0", "5000"];
    const sent = client.pipeline([["MSET", "a", "1", "n", "1"], ["MULTI"], move, ["INCR", "n"], ["EXEC"]]);
    sent.catch(() => undefined);
    await target.asked;
    source.faults.dropConnections();
    const seen = callTo(source)(["MGET", "a", "n"], ["PING"]);
    target.answer();
    expect(await seen).toEqual([[null, "2"], "PONG"]);
  });
});

/** Scripts that move `a`, which the target takes, and `c`, which it has; what each of them is answered. */
const SCRIPTS: readonly (readonly [string, unknown])[] = [
  [
    "redis.call('incr','n') local x=redis.call(MOVE 'a') redis.call('incr','n') return {x, redis.call('exists','a')}",
    ["OK", 0],
  ],
  ["local x={} for i,k in ipairs{'a','b','none'} do x[i]=redis.call(MOVE k) end return x", ["OK", "OK", "NOKEY"]],
  ["local x=redis.pcall(MOVE 'c') return x.err", TAKEN],
  [
    "redis.call('incr','n')\nlocal x=redis.call(MOVE 'c')\nreturn x",
    expect.stringMatching(/BUSYKEY .* on @user_script:2\.$/),
  ],
  [
    "redis.call('incr','n')\n\nredis.call(MOVE 'c')\nreturn 1",
    expect.stringMatching(/BUSYKEY .* on @user_script:3\.$/),
  ],
  ["return {pcall(function() return redis.call(MOVE 'c') end)}", [null, TAKEN]],
  ["local ok,e=pcall(function() return redis.call(MOVE 'c') end) return e", TAKEN],
  ["local w=coroutine.wrap(function() coroutine.yield(redis.call(MOVE 'a')) return 9 end) return {w(),w()}", ["OK", 9]],
  ["redis.set_repl(redis.REPL_NONE) return redis.call(MOVE 'a')", "OK"],
];

async function movesInScripts(from: Address, to: Address, asTransaction: boolean): Promise<void> {
  const [here, there] = [callTo(from), callTo(to)];
  const replica = await DevServer.start({ replicaOf: { host: from.host, port: from.port } });
  running.push(replica);
  await eventually(async () =>
    String(await callTo(replica)(["INFO", "replication"])).includes("master_link_status:up"),
  );
  const tap = replica.tap();
  for (const [script, answer] of SCRIPTS) {
    await here(["DEL", "a", "b"], ["MSET", "a", "1", "b", "2", "c", "3"]);
    await there(["FLUSHALL"], ["SET", "c", "busy"]);
    const code = script.replace(/MOVE ('?\w+'?)/, `'migrate','${to.host}',${to.port},$1,0,5000`);
    const call = ["EVAL", code, "0"];
    if (!asTransaction) expect(await here(call)).toEqual([answer]);
    else
      expect((await here(["MULTI"], ["INCR", "m"], call, ["INCR", "m"], ["EXEC"])).at(-1)).toMatchObject({ 1: answer });
  }
  await here(["SET", "end", "1"]);
  await tap.until(({ args }) => args[1] === "end");
  const heard = tap.commands.map(({ args }) => [args[0]?.toUpperCase(), ...args.slice(1)].join(" "));
  tap.close();
  const moved = heard.filter((line) => /^(MULTI|EXEC|INCR|DEL a$|DEL b$)/.test(line)).join(", ");
  expect(moved).toBe(
    asTransaction
      ? [
          "MULTI, INCR m, INCR n, DEL a, INCR n, INCR m, EXEC, MULTI, INCR m, DEL a, DEL b, INCR m, EXEC",
          "MULTI, INCR m, INCR m, EXEC, MULTI, INCR m, INCR n, INCR m, EXEC, MULTI, INCR m, INCR n, INCR m, EXEC",
          "MULTI, INCR m, INCR m, EXEC, MULTI, INCR m, INCR m, EXEC, MULTI, INCR m, DEL a, INCR m, EXEC",
          "MULTI, INCR m, INCR m, EXEC",
        ].join(", ")
      : "MULTI, INCR n, DEL a, INCR n, EXEC, MULTI, DEL a, DEL b, EXEC, INCR n, INCR n, DEL a",
  );
}

describe("MIGRATE in a script", () => {
  it("is a command like others", async () => movesInScripts(await dev(), await dev(), false));
  it("also within a transaction", async () => movesInScripts(await dev(), await dev(), true));
  it("is refused where Lua can't be left", async () => {
    const [source, target] = [await dev(), await dev()];
    const script = `return pcall(redis.call, 'migrate', '${target.host}', ${target.port}, 'a', 0, 5000)`;
    const text = `local ok, e = (function() ${script} end)() return e`;
    expect(await callTo(source)(["SET", "a", "1"], ["EVAL", text, "0"], ["GET", "a"])).toEqual([
      "OK",
      "ERR MIGRATE is not possible at this place of a script",
      "1",
    ]);
  });
});

describeReal("MIGRATE between a dev server and a real one", () => {
  it("moves every type there", async () => movesAll(await dev({ "enable-debug-command": "yes" }), await real()));
  it("moves every type back", async () => movesAll(await real(), await dev({ "enable-debug-command": "yes" })));
  it("moves keys in a transaction there", async () => movesInTransaction(await dev(), await real()));
  it("moves keys in a transaction back", async () => movesInTransaction(await real(), await dev()));
  it("moves keys in scripts there", async () => movesInScripts(await dev(), await real(), false));
  it("moves keys in scripts back", async () => movesInScripts(await real(), await dev(), false));
  it("moves keys in scripts of transactions back", async () => movesInScripts(await real(), await dev(), true));
});
