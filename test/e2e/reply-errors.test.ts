import { readFileSync, rmSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeReal, type RedisProcess, type RedisProcessOptions, startRedis } from "../support/real-redis.js";

const known = new Set(
  (
    JSON.parse(readFileSync(new URL("../spec/reply-errors.json", import.meta.url), "utf8")) as {
      cases: { text: string }[];
    }
  ).cases.map(({ text }) => text),
);

/** The table is only as good as its texts: here a real server says each of them itself. */
describeReal("the texts of test/spec/reply-errors.json", () => {
  const servers: RedisProcess[] = [];
  const start = async (options?: RedisProcessOptions): Promise<RedisProcess> => {
    const server = await startRedis(options);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  const refusal = async (server: RedisProcess, ...words: string[]): Promise<string> => {
    try {
      await server.command(...words);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error(`${words[0]} was not refused`);
  };
  /** Is it in the table, word for word? The hash in a script's suffix is that of the script. */
  const isKnown = (text: string): void => {
    const generic = text.replace(/[0-9a-f]{40}/, "ff967d0ae0e68b4f9e360fa91c54598bc25ad9b6");
    expect([...known]).toContain(generic);
  };

  it("READONLY, also from a script, and MASTERDOWN", async () => {
    const master = await start();
    const replica = await start({ args: ["--replicaof", master.host, String(master.port)] });
    await eventually(async () => expect((await replica.info("replication")).get("master_link_status")).toBe("up"));
    isKnown(await refusal(replica, "SET", "k", "v"));
    isKnown(await refusal(replica, "EVAL", "return redis.call('set','a','b')", "0"));
    isKnown(await refusal(replica, "WAIT", "1", "1"));
    await replica.command("CONFIG", "SET", "replica-serve-stale-data", "no");
    await master.kill9();
    await eventually(async () => expect((await replica.info("replication")).get("master_link_status")).toBe("down"));
    isKnown(await refusal(replica, "GET", "k"));
    isKnown(await refusal(replica, "EVAL_RO", "return 1", "0"));
  });

  it("NOREPLICAS, OOM, NOSCRIPT, NOAUTH, WRONGPASS, NOPERM", async () => {
    const server = await start({ args: ["--min-replicas-to-write", "1"] });
    isKnown(await refusal(server, "SET", "k", "v"));
    isKnown(await refusal(server, "EVAL", "return redis.call('set','a','b')", "0"));
    await server.command("CONFIG", "SET", "min-replicas-to-write", "0");
    await server.command("CONFIG", "SET", "maxmemory", "1");
    isKnown(await refusal(server, "SET", "k", "v"));
    isKnown(await refusal(server, "EVAL", "return redis.call('set','a','b')", "0"));
    await server.command("CONFIG", "SET", "maxmemory", "0");
    isKnown(await refusal(server, "EVALSHA", "0".repeat(40), "0"));
    isKnown(await refusal(server, "AUTH", "nobody", "wrong"));
    await server.command("ACL", "SETUSER", "default", "-set");
    isKnown(await refusal(server, "SET", "k", "v"));
    await server.command("CONFIG", "SET", "requirepass", "secret");
    isKnown(await refusal(server, "GET", "k"));
  });

  it("BUSY of a script and of a function", async () => {
    const server = await start({ args: ["--busy-reply-threshold", "1"] });
    const script = server.command("EVAL", "while true do end", "0").catch(() => {});
    await eventually(async () => isKnown(await refusal(server, "GET", "k")));
    await server.command("SCRIPT", "KILL");
    await script;
    await server.command(
      "FUNCTION",
      "LOAD",
      "#!lua name=l\nredis.register_function('f', function() while true do end end)",
    );
    const called = server.command("FCALL", "f", "0").catch(() => {});
    await eventually(async () => isKnown(await refusal(server, "GET", "k")));
    await server.command("FUNCTION", "KILL");
    await called;
  });

  it("MISCONF, once a snapshot could not be written", async () => {
    const server = await start();
    await server.command("SET", "k", "v");
    // A directory that is gone can't be written to even by root.
    rmSync(server.dir, { recursive: true });
    await server.command("CONFIG", "SET", "save", "3600 1");
    await server.command("BGSAVE");
    await eventually(async () => expect((await server.info("persistence")).get("rdb_last_bgsave_status")).toBe("err"));
    isKnown(await refusal(server, "SET", "k", "v"));
  });

  it("LOADING", async () => {
    const server = await start({
      args: [
        "--enable-debug-command",
        "local",
        "--key-load-delay",
        "200",
        "--loading-process-events-interval-bytes",
        "1024",
      ],
    });
    await server.command("DEBUG", "POPULATE", "20000");
    const reloading = server.command("DEBUG", "RELOAD").catch(() => {});
    await eventually(async () => isKnown(await refusal(server, "GET", "key:1")));
    await server.command("CONFIG", "SET", "key-load-delay", "0");
    await reloading;
  });

  it("UNBLOCKED at demotion", async () => {
    const server = await start();
    const blocked = refusal(server, "BLPOP", "list", "0");
    await eventually(async () => expect((await server.info("clients")).get("blocked_clients")).toBe("1"));
    await server.command("REPLICAOF", "127.0.0.1", "1");
    isKnown(await blocked);
  });

  it("the refusal of one client too many", async () => {
    const server = await start();
    const held = refusal(server, "BLPOP", "list", "0");
    await eventually(async () => expect((await server.info("clients")).get("blocked_clients")).toBe("1"));
    await server.command("CONFIG", "SET", "maxclients", "1");
    await eventually(async () => isKnown(await refusal(server, "GET", "k")));
    await server.kill9();
    await held;
  });
});
