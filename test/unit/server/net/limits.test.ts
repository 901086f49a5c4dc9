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
});
