import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { RawClient, show } from "../../support/raw-client.js";
import { describeReal, type RedisProcess, startRedis } from "../../support/real-redis.js";
import { ask, expectEqual, expectNoComplaint, info, type Node } from "../replication/nodes.js";

const LIBRARY = `#!lua name=lib
redis.register_function('put', function(keys, args) return redis.call('set', keys[1], args[1]) end)
redis.register_function{function_name='read', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}}`;
const MIXED = `
  for i = 1, 20 do redis.call('rpush', 'l', ARGV[1] .. i) redis.call('zadd', 'z', i * 1.5, ARGV[1] .. i) end
  redis.call('incrbyfloat', 'f', 0.25) redis.call('spop', KEYS[1]) redis.call('expire', 'l', 1000)
  redis.call('select', 2) redis.call('set', 'in2', ARGV[1])
  redis.set_repl(redis.REPL_NONE) redis.call('get', 'in2') redis.set_repl(redis.REPL_ALL)
  pcall(function() redis.call('incr', 'l') end)
  return redis.call('dbsize')`;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind: "dev" | "real", master?: Node): Promise<Node> {
  const replicaOf = master === undefined ? {} : { replicaOf: { host: "127.0.0.1", port: master.port } };
  const node =
    kind === "dev"
      ? await DevServer.start({ seed: 3, config: { "enable-debug-command": "local" }, ...replicaOf })
      : await startRedis(replicaOf);
  started.push(node);
  return node;
}

const inSync = (replica: Node): Promise<void> =>
  eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("up"), { timeoutMs: 10_000 });

describeReal("scripts and functions between dev and real servers", () => {
  it.each([
    ["dev", "real"],
    ["real", "dev"],
    ["dev", "dev"],
  ] as const)("a %s master and its %s replica", async (masterKind, replicaKind) => {
    const master = await start(masterKind);
    // One library travels in the RDB, one in the stream.
    expect(await ask(master, "FUNCTION", "LOAD", LIBRARY)).toBe("lib");
    const replica = await start(replicaKind, master);
    await inSync(replica);
    const before = Number((await info(master, "stats")).get("sync_full"));
    await ask(
      master,
      "FUNCTION",
      "LOAD",
      "#!lua name=later\nredis.register_function('later', function() return 'here' end)",
    );
    await ask(master, "SADD", "s", ...Array.from({ length: 40 }, (_, i) => `m${i}`));
    for (const word of ["a", "b", "c"]) await ask(master, "EVAL", MIXED, 1, "s", word);
    expect(await ask(master, "FCALL", "put", 1, "k", "v")).toBe("OK");
    await expectEqual(master, replica);
    expect(await ask(replica, "FCALL_RO", "read", 1, "k")).toBe("v");
    expect(String(await ask(replica, "FCALL", "later", 0))).toMatch(/READONLY/);
    expect(String(await ask(replica, "FCALL", "put", 1, "k", "w"))).toMatch(/READONLY/);
    expect(String(await ask(replica, "EVAL", "return redis.call('set','k','w')", 0))).toMatch(/READONLY .* script: /);
    await ask(master, "FUNCTION", "DELETE", "later");
    await expectEqual(master, replica);
    expect(JSON.stringify(await ask(replica, "FUNCTION", "LIST"))).not.toContain("later");
    expect(Number((await info(master, "stats")).get("sync_full"))).toBe(before);
    for (const node of [master, replica]) if (!("digest" in node)) expectNoComplaint(node as RedisProcess);
  });

  it("a dump of one restores on the other", async () => {
    const dev = (await start("dev")) as DevServer;
    const real = (await start("real")) as RedisProcess;
    await ask(dev, "FUNCTION", "LOAD", LIBRARY);
    const dump = await dumpOf(dev);
    await restore(real, dump);
    await ask(dev, "FUNCTION", "FLUSH");
    await restore(dev, await dumpOf(real));
    expect(await ask(dev, "FCALL", "put", 1, "k", "v")).toBe("OK");
  });

  it("libraries outlast a restart and FLUSHALL, scripts do not", async () => {
    const dev = (await start("dev")) as DevServer;
    await ask(dev, "FUNCTION", "LOAD", LIBRARY);
    const sha = String(await ask(dev, "SCRIPT", "LOAD", "return 5"));
    await ask(dev, "FLUSHALL");
    expect(await ask(dev, "EVALSHA", sha, 0)).toBe(5);
    await dev.restart({ data: "keep" });
    expect(await ask(dev, "FCALL", "put", 1, "k", "v")).toBe("OK");
    expect(String(await ask(dev, "EVALSHA", sha, 0))).toMatch(/NOSCRIPT/);
    await dev.restart({ data: "drop" });
    expect(await ask(dev, "FUNCTION", "LIST")).toEqual([]);
  });
});

/** The bytes of a dump, one character each. */
async function dumpOf(node: Node): Promise<string> {
  const client = await RawClient.connect(node.port);
  const wire = await client.call("FUNCTION", "DUMP");
  client.close();
  if (!("text" in wire)) throw new Error("no dump");
  return wire.text;
}

async function restore(node: Node, dump: string): Promise<void> {
  const client = await RawClient.connect(node.port);
  expect(show(await client.call("FUNCTION", "RESTORE", dump))).toBe('+"OK"');
  client.close();
}
