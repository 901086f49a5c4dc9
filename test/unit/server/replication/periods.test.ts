import { describe, expect, it } from "vitest";
import { startServer } from "./harness.js";

const PING = "*1|$4|PING|";

describe("a master's periods", () => {
  it("sends PING every repl-ping-replica-period, in the database that the stream has selected, and counts it", async () => {
    const { attach, connect, pass, replication } = startServer({ "repl-ping-replica-period": 3 });
    const replica = await attach();
    const client = connect();
    await client.send("SELECT 3", "SET a 1");
    expect(await replica.got()).toBe("*2|$6|SELECT|$1|3|*3|$3|SET|$1|a|$1|1|");
    const { offset } = replication;
    await pass(2400);
    expect(await replica.got()).toBe("");
    await pass(800);
    expect(await replica.got()).toBe(PING);
    expect(replication.offset).toBe(offset + 14);
    await pass(6000);
    expect(await replica.got()).toBe(PING + PING);
    // No SELECT stands before what follows: the PING belongs to no database.
    await client.send("SET b 1");
    expect(await replica.got()).toBe("*3|$3|SET|$1|b|$1|1|");
  });

  it("sends no PING while nobody listens", async () => {
    const { attach, pass, replication } = startServer({ "repl-ping-replica-period": 1 });
    const { offset } = replication;
    await pass(5000);
    expect(replication.offset).toBe(offset);
    const replica = await attach();
    await pass(2000);
    expect(replication.offset).toBe(28);
    expect(await replica.got()).toBe(PING + PING);
  });

  it("closes a replica that has not acknowledged for more than repl-timeout, and says so", async () => {
    const { attach, pass, log } = startServer({ "repl-timeout": 5, "repl-ping-replica-period": 1000 });
    const silent = await attach();
    const talker = await attach();
    for (let second = 0; second < 5; second++) {
      await pass(1000);
      await talker.send("REPLCONF ACK 0");
    }
    expect([silent.closed, talker.closed]).toEqual([false, false]);
    await pass(1000);
    await talker.send("REPLCONF ACK 0");
    expect([silent.closed, talker.closed]).toEqual([true, false]);
    expect(log).toContain("Disconnecting timedout replica (streaming sync): 127.0.0.1:7");
  });

  it("frees the backlog after repl-backlog-ttl without replicas, and can't be resumed from then on", async () => {
    const { attach, connect, pass, replication, core, log } = startServer({ "repl-backlog-ttl": 10 });
    const replica = await attach();
    const { replid } = replication.out;
    for (const client of core.clients.values()) client.connection?.destroy();
    expect(replica.closed).toBe(true);
    await pass(10_000);
    expect(replication.out.active).toBe(true);
    expect(replication.out.replid).toBe(replid);
    await pass(2000);
    expect(replication.out.active).toBe(false);
    expect(replication.out.replid).not.toBe(replid);
    expect(replication.out.history.replid2).toBeNull();
    expect(log).toContain("Replication backlog freed after 10 seconds without connected replicas.");
    const client = connect();
    await client.send("SET a 1");
    expect(replication.offset).toBe(0);
  });

  it("keeps the backlog while one replica stays, and for ever with a ttl of 0", async () => {
    for (const ttl of [2, 0]) {
      const { attach, pass, replication, core } = startServer({ "repl-backlog-ttl": ttl, "repl-timeout": 1000 });
      await attach();
      if (ttl === 0) for (const client of core.clients.values()) client.connection?.destroy();
      await pass(20_000, 1000);
      expect(replication.out.active).toBe(true);
    }
  });

  it("counts as good only replicas that have acknowledged within min-replicas-max-lag", async () => {
    const settings = { "min-replicas-to-write": 1, "min-replicas-max-lag": 3, "repl-ping-replica-period": 1000 };
    const { attach, connect, pass } = startServer(settings);
    const client = connect();
    expect(await client.send("SET a 1")).toBe("-NOREPLICAS Not enough good replicas to write.|");
    const replica = await attach();
    expect(await client.send("SET a 1")).toBe("+OK|");
    await pass(3000);
    expect(await client.send("SET a 1")).toBe("+OK|");
    await pass(2000);
    expect(await client.send("SET a 1")).toBe("-NOREPLICAS Not enough good replicas to write.|");
    await replica.send("REPLCONF ACK 1");
    expect(await client.send("SET a 1")).toBe("+OK|");
  });

  it("asks with one GETACK however many wait, none while writes are paused", async () => {
    const { attach, connect, clock } = startServer();
    const replica = await attach();
    const [one, two, three] = [connect(), connect(), connect()];
    await one.send("SET a 1");
    await two.send("SET b 1");
    await replica.got();
    void one.send("WAIT 1 0");
    await two.send("WAIT 1 0");
    expect(await replica.got()).toBe("*3|$8|REPLCONF|$6|GETACK|$1|*|");
    await replica.send("REPLCONF ACK 1000");
    expect([await one.got(), await two.got()]).toEqual([":1|", ":1|"]);
    await one.send("SET c 1");
    await replica.got();
    await three.send("CLIENT PAUSE 1000 WRITE");
    void one.send("WAIT 2 0");
    expect(await replica.got()).toBe("");
    clock.advance(1001);
    expect(await replica.got()).toBe("*3|$8|REPLCONF|$6|GETACK|$1|*|");
  });

  it("stands still during DEBUG SLEEP", async () => {
    const { attach, connect, pass } = startServer({ "repl-ping-replica-period": 1, "enable-debug-command": "yes" });
    const replica = await attach();
    void connect().send("DEBUG SLEEP 5");
    await pass(4500);
    expect(await replica.got()).toBe("");
    await pass(1500);
    expect(await replica.got()).toContain(PING);
  });
});
