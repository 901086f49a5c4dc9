import { describe, expect, it } from "vitest";
import { errors } from "../../../../src/server/dispatch/errors.js";
import { startCore } from "./harness.js";

describe("the way of a command", () => {
  it("answers pipelined commands in order", async () => {
    const peer = startCore().connect();
    expect(await peer.send("SET k v", "GET k", "NOSUCH a b", "GET", "CONFIG NOSUCH")).toBe(
      "+OK|$1|v|-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' |" +
        "-ERR wrong number of arguments for 'get' command|-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.|",
    );
  });

  it("feeds the stream with what changed something, and nothing else", async () => {
    const { connect, replication } = startCore();
    const peer = connect();
    await peer.send(
      "set a 1",
      "get a",
      "del nosuch",
      "SET a 2 EX 100",
      "SELECT 3",
      "incr a",
      "MULTI",
      "set x 1",
      "EXEC",
    );
    await peer.send(
      "multi",
      "set y 1",
      "select 0",
      "set y 2",
      "get y",
      "exec",
      "multi",
      "get y",
      "exec",
      "publish ch m",
    );
    expect(replication.stream).toEqual([
      "0: set a 1",
      "0: SET a 2 PXAT 1767225700000",
      "3: incr a",
      "3: set x 1",
      "3: MULTI",
      "3: set y 1",
      "0: set y 2",
      "-1: EXEC",
      "0: publish ch m",
    ]);
  });

  it("deletes an expired key in the stream before the command that found it", async () => {
    const { connect, replication, clock } = startCore();
    const peer = connect();
    await peer.send("set e v px 10", "debug set-active-expire 0");
    clock.stepEpoch(11);
    replication.stream.length = 0;
    expect(await peer.send("incr e")).toBe(":1|");
    expect(replication.stream).toEqual(["0: MULTI", "0: DEL e", "0: incr e", "-1: EXEC"]);
  });

  it("removes expired keys that nobody asks for", async () => {
    const { core, connect, replication, clock } = startCore();
    await connect().send("set a v px 50", "set b v px 500");
    replication.stream.length = 0;
    clock.advance(250);
    expect(core.databases[0]?.size).toBe(1);
    expect(replication.stream).toEqual(["0: DEL a"]);
    clock.advance(500);
    expect(core.databases[0]?.size).toBe(0);
    clock.advance(1000);
    expect(clock.pending).toBe(0);
  });

  it("lets the master's commands see expired keys, answers no for them to others, and deletes nothing", async () => {
    const { core, connect, replication, clock } = startCore();
    const peer = connect();
    await peer.send("set e 1 px 10");
    Object.defineProperty(replication, "role", { value: "replica" });
    replication.stream.length = 0;
    clock.advance(1000);
    expect(await peer.send("get e", "exists e", "dbsize")).toBe("$-1|:0|:1|");
    expect(core.executeFromMaster(["incr", "e"])).toBe(2);
    expect(replication.stream).toEqual([]);
  });

  it("refuses before it queues, and EXEC with what it would run", async () => {
    const { connect, replication } = startCore();
    const peer = connect();
    await peer.send("MULTI", "SET a 1");
    replication.refusal = ((_client: unknown, bits: number) => ((bits & 1) !== 0 ? errors.readOnly : null)) as never;
    expect(await peer.send("EXEC")).toBe(`-EXECABORT Transaction discarded because of: ${errors.readOnly.text}|`);
    expect(await peer.send("MULTI", "SET a 1", "EXEC")).toBe(
      `+OK|-${errors.readOnly.text}|-EXECABORT Transaction discarded because of previous errors.|`,
    );
    expect(await peer.send("GET a", "MULTI", "GET a", "EXEC")).toBe("$-1|+OK|+QUEUED|*1|$-1|");
  });

  it("breaks a transaction whose watched key was changed, expired or flushed", async () => {
    const { connect, clock } = startCore();
    const [one, two] = [connect(), connect()];
    for (const change of ["set k 2", "flushall", "del k"]) {
      await one.send("set k 1", "watch k", "multi", "get k");
      await two.send(change);
      expect(await one.send("exec"), change).toBe("*-1|");
    }
    await one.send("set k 1 px 100", "watch k", "multi", "get k");
    clock.stepEpoch(200);
    expect(await one.send("exec")).toBe("*-1|");
    expect(await one.send("watch k", "unwatch", "set k 1", "multi", "get k", "exec")).toBe(
      "+OK|+OK|+OK|+OK|+QUEUED|*1|$1|1|",
    );
  });

  it("turns a bug of a command into an error and lives on", async () => {
    const { core, connect } = startCore();
    const broken = core.commands.find("time");
    Object.assign(broken ?? {}, {
      handler: () => {
        throw new TypeError("secret");
      },
    });
    expect(await connect().send("TIME", "PING")).toBe("-ERR internal error in 'time'|+PONG|");
  });
});

describe("blocking", () => {
  it("serves waiters first come, first served, and propagates each behind the command that woke it", async () => {
    const { connect, replication } = startCore();
    const [a, b, c] = [connect(), connect(), connect()];
    await a.send("blpop q 0", "ping");
    await b.send("blpop q 0");
    await c.send("multi", "rpush q 1", "rpush q 2 3", "exec");
    expect(await a.got()).toBe("*2|$1|q|$1|1|+PONG|");
    expect(await b.got()).toBe("*2|$1|q|$1|2|");
    expect(replication.stream).toEqual([
      "0: MULTI",
      "0: rpush q 1",
      "0: rpush q 2 3",
      "-1: EXEC",
      "0: LPOP q",
      "0: LPOP q",
    ]);
  });

  it("gives up when time is up, however long that is", async () => {
    const { connect, clock } = startCore();
    const [a, b] = [connect(), connect()];
    await a.send("blpop q 0.5");
    await b.send("blpop q 2000000");
    clock.advance(499);
    expect(await a.got()).toBe("");
    clock.advance(1);
    expect(await a.got()).toBe("*-1|");
    expect(await b.got()).toBe("");
    expect(await a.send("rpush q x")).toBe(":1|");
    expect(await b.got()).toBe("*2|$1|q|$1|x|");
  });

  it("ends by CLIENT UNBLOCK, by demotion and by a closed connection", async () => {
    const { core, connect } = startCore();
    const [a, b] = [connect(), connect()];
    await a.send("blpop q 0");
    expect(await b.send("client unblock 2 error", "client unblock 2")).toBe(":1|:0|");
    expect(await a.got()).toBe("-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
    await a.send("blpop q 0");
    core.unblockAll(errors.unblockedByDemotion);
    expect(await a.got()).toContain("-UNBLOCKED force unblock");
    await a.send("blpop q 0");
    await b.send("client kill id 2");
    expect(core.blocking.count).toBe(0);
    expect(await b.send("rpush q 1")).toBe(":1|");
  });
});

describe("CLIENT PAUSE", () => {
  it("holds writes, lets reads pass, and goes on in order", async () => {
    const { connect, clock } = startCore();
    const [a, b] = [connect(), connect()];
    await a.send("client pause 1000 write");
    expect(await a.send("get k", "set k 1", "get k")).toBe("$-1|");
    expect(await b.send("get k", "publish ch m", "ping")).toBe("$-1|");
    clock.advance(1000);
    expect(await a.got()).toBe("+OK|$1|1|");
    expect(await b.got()).toBe(":0|+PONG|");
  });

  it("holds everything, and ends early by UNPAUSE of one who came before", async () => {
    const { core, connect } = startCore();
    const peer = connect();
    await peer.send("client pause 100000");
    expect(await peer.send("ping")).toBe("");
    core.pause.end();
    expect(await peer.got()).toBe("+PONG|");
  });
});

describe("connections", () => {
  it("asks for a password, keeps limits low before it, and says nothing of it", async () => {
    const { connect } = startCore({ requirepass: "s3cret" });
    const peer = connect();
    expect(await peer.send("get k", "auth wrong", "hello 3", "auth s3cret", "get k")).toBe(
      "-NOAUTH Authentication required.|-WRONGPASS invalid username-password pair or user is disabled.|" +
        "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option " +
        "can be used to authenticate the client and select the RESP protocol version at the same time|+OK|$-1|",
    );
    expect(await connect().send("*11")).toBe("-ERR Protocol error: unauthenticated multibulk length|");
  });

  it("refuses strangers in protected mode, and too many", async () => {
    const { core } = startCore({ maxclients: 1 });
    expect(await startCore().connect("10.0.0.9").got()).toContain("-DENIED Redis is running in protected mode");
    expect(await startCore({ requirepass: "x" }).connect("10.0.0.9").send("ping")).toContain("NOAUTH");
    const { connect } = startCore({ maxclients: 1 });
    connect();
    expect(await connect().got()).toBe("-ERR max number of clients reached|");
    expect(core.clients.size).toBe(0);
  });

  it("closes on a protocol error, after QUIT and on a request of a browser", async () => {
    const { core, connect } = startCore();
    for (const text of ["*1\r\n:1", "QUIT\r\nPING", "POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v"]) {
      const peer = connect();
      await peer.send(text);
      expect(peer.closed, text).toBe(true);
    }
    expect(core.clients.size).toBe(0);
    expect(core.databases[0]?.size).toBe(0);
  });

  it("says nothing when CLIENT REPLY asks for that", async () => {
    const peer = startCore().connect();
    expect(
      await peer.send("client reply skip", "ping", "ping", "client reply off", "ping", "nosuch", "client reply on"),
    ).toBe("+PONG|+OK|");
  });

  it("shows commands to monitors without those that carry secrets", async () => {
    const { connect } = startCore();
    const [monitor, other] = [connect(), connect()];
    await monitor.send("monitor");
    await other.send('set k "a\\x00\\n"', "config set masterauth s3cret", "auth s3cret", "hello 3 auth default s3cret");
    const start = "+1767225600.000000 [0 127.0.0.1:5]";
    expect(await monitor.got()).toBe(
      `${start} "set" "k" "a\\x00\\n"|${start} "auth" "(redacted)"|${start} "hello" "3" "auth" "(redacted)" "(redacted)"|`,
    );
  });

  it("keeps the newest of the slow log, slowlog-max-len of them", async () => {
    const peer = startCore({ "slowlog-log-slower-than": 0, "slowlog-max-len": 3 }).connect();
    for (let i = 0; i < 10; i++) await peer.send(`echo ${i}`);
    expect(await peer.send("slowlog len")).toBe(":3|");
    expect(await peer.send("slowlog get -1")).toMatch(/echo\|.*9\|[^]*echo\|.*8\|/);
  });

  it("keeps secrets out of the slow log", async () => {
    const peer = startCore({ "slowlog-log-slower-than": 0 }).connect();
    await peer.send("auth s3cret", "config set requirepass s3cret", "hello 3 auth default s3cret", "eval s3cret");
    const log = await peer.send("slowlog get -1");
    expect(log).toContain("(redacted)");
    expect(log).not.toContain("s3cret");
  });
});
