import { describe, expect, it } from "vitest";
import { startServer, turn } from "./harness.js";

const VALUE = "x".repeat(10_000);

describe("a replica that reads slowly", () => {
  it("gets the stream in its order when it reads again, and what waits for it is kept once, in the backlog", async () => {
    const { attach, connect, core, replication } = startServer({ "repl-backlog-size": "16kb" });
    const slow = await attach();
    const quick = await attach();
    slow.stall(true);
    const client = connect();
    for (let i = 0; i < 100; i++) await client.send(`SET key:${i} ${VALUE}`);
    expect(replication.out.backlog?.length).toBeGreaterThan(600_000);
    const buffered = [...core.clients.values()].map(({ connection }) => connection?.backlogBytes ?? 0);
    expect(Math.max(...buffered)).toBeLessThan(300_000);
    const all = await quick.got();
    slow.stall(false);
    for (let i = 0; i < 10; i++) await turn();
    expect((await slow.got()) === all).toBe(true);
    await client.send("SET last 1");
    expect(replication.out.backlog?.length).toBe(16 * 1024);
    expect(await slow.got()).toBe("*3|$3|SET|$4|last|$1|1|");
  });

  it("lets another one resume from what is kept for it", async () => {
    const { attach, connect, replication } = startServer({ "repl-backlog-size": "16kb" });
    const slow = await attach();
    slow.stall(true);
    const client = connect();
    await client.send("SET first 1");
    const { offset } = replication;
    for (let i = 0; i < 100; i++) await client.send(`SET key:${i} ${VALUE}`);
    const from = replication.out.backlog?.firstByte ?? 0;
    expect(from).toBeLessThan(offset + 500_000);
    const late = connect();
    const answer = await late.send(`PSYNC ${replication.out.replid} ${from}`);
    expect(answer.startsWith("+CONTINUE|")).toBe(true);
    expect(replication.syncPartialOk).toBe(1);
  });

  it("is closed when more waits for it than client-output-buffer-limit allows", async () => {
    const { attach, connect, log, pass, replication } = startServer({
      "repl-backlog-size": "16kb",
      "client-output-buffer-limit": "replica 600kb 0 0",
    });
    const slow = await attach();
    slow.stall(true);
    const client = connect();
    for (let i = 0; i < 50; i++) await client.send(`SET key:${i} ${VALUE}`);
    expect(slow.closed).toBe(false);
    for (let i = 0; i < 50; i++) await client.send(`SET key:${i} ${VALUE}`);
    expect(slow.closed).toBe(true);
    expect(log.join("\n")).toContain("closed for overcoming of output buffer limits.");
    await pass(1000);
    expect(replication.out.backlog?.length).toBe(16 * 1024);
  });
});
