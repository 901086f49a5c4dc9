import { describe, expect, it } from "vitest";
import { startServer } from "../replication/harness.js";

const MESSAGE = "x".repeat(1000);

describe("what waits for a client that doesn't read", () => {
  it("may be more than the soft limit for some seconds, and then not, though nothing more comes", async () => {
    const { connect, pass } = startServer({ "client-output-buffer-limit": "pubsub 0 100000 3" });
    const lazy = connect();
    await lazy.send("SUBSCRIBE news");
    lazy.stall(true);
    const publisher = connect();
    for (let i = 0; i < 300; i++) await publisher.send(`PUBLISH news ${MESSAGE}`);
    await pass(2000);
    expect(lazy.closed).toBe(false);
    await pass(3000);
    expect(lazy.closed).toBe(true);
    expect(publisher.closed).toBe(false);
  });

  it("never is more than the hard limit, whoever caused it", async () => {
    const { connect } = startServer({ "client-output-buffer-limit": "normal 50000 0 0" });
    const peer = connect();
    await peer.send(`HSET hash field ${MESSAGE}`);
    await peer.send("HRANDFIELD hash -999999999");
    expect(peer.closed).toBe(true);
  });

  it("is refused where it could not be held, without a limit too", async () => {
    const { connect } = startServer();
    const peer = connect();
    await peer.send("SADD set member");
    expect(await peer.send("SRANDMEMBER set -999999999")).toBe(
      "-ERR value is out of range, the reply would be too large|",
    );
  });

  it("counts the arguments of the command that is to run against maxmemory-clients", async () => {
    const { connect, core } = startServer({ "maxmemory-clients": 200_000 });
    const peer = connect();
    expect(await peer.send(`SET small ${MESSAGE}`)).toBe("+OK|");
    const words = Array.from({ length: 60 }, () => "x".repeat(4000)).join(" ");
    await peer.send(`RPUSH large ${words}`);
    expect(peer.closed).toBe(true);
    expect(core.databases[0]?.size).toBe(1);
    expect(core.memory.evictedClients).toBe(1);
  });

  it("counts a long argument as a whole against maxmemory-clients as soon as it begins", async () => {
    const { connect, core } = startServer({ "maxmemory-clients": 200_000 });
    const [modest, greedy, other] = [connect(), connect(), connect()];
    await modest.send("*1\r\n$150000\r\nx");
    await other.send("PING");
    expect(modest.closed).toBe(false);
    await greedy.send("*1\r\n$250000\r\nx");
    await other.send("PING");
    expect([modest.closed, greedy.closed, other.closed]).toEqual([false, true, false]);
    expect(core.memory.evictedClients).toBe(1);
  });

  it.each([
    ["watched keys", (i: number) => `WATCH key:${i}`],
    ["channels", (i: number) => `SUBSCRIBE channel:${i}`],
    ["patterns", (i: number) => `PSUBSCRIBE pattern:${i}`],
    ["shard channels", (i: number) => `SSUBSCRIBE channel:${i}`],
    ["prefixes of tracking", (i: number) => `CLIENT TRACKING ON BCAST PREFIX ${String(i).padStart(6, "0")}`],
  ])("counts %s against maxmemory-clients", async (_name, line) => {
    const { connect, core } = startServer({ "maxmemory-clients": 50_000 });
    const [peer, other] = [connect(), connect()];
    await peer.send("HELLO 3");
    let sent = 0;
    while (!peer.closed && sent < 1000) {
      await peer.send(line(sent++));
      await other.send("PING");
    }
    expect(sent).toBeGreaterThan(100);
    expect([peer.closed, other.closed, core.memory.evictedClients]).toEqual([true, false, 1]);
  });

  it("shows the same in CLIENT LIST with a limit and without", async () => {
    const { connect } = startServer();
    const peer = connect();
    const shown = async (): Promise<string | undefined> => /tot-mem=(\d+)/.exec(await peer.send("CLIENT LIST"))?.[1];
    const before = await shown();
    await peer.send("CONFIG SET maxmemory-clients 1000000");
    expect(await shown()).toBe(before);
  });
});
