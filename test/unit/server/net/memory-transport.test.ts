import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import type { MemorySocket } from "../../../../src/server/net/memory-socket.js";
import { type MemoryTransport, memoryTransport } from "../../../../src/server/net/memory-transport.js";

/** Two joined ends, and what each has seen so far. */
async function pair(transport: MemoryTransport) {
  const accepted: { stream: Duplex; peer: string; local: string }[] = [];
  const listening = await transport.listen(
    { host: "a" },
    {
      accepted: (stream, { peer, local }) =>
        accepted.push({ stream, peer: `${peer.host}:${peer.port}`, local: `${local.host}:${local.port}` }),
      failed: () => undefined,
    },
  );
  const client = transport.connect({ host: "a", port: listening.port, localAddress: "b" });
  const seen = watch(client);
  await transport.quiet();
  const one = accepted[0];
  if (!one) throw new Error("nothing was accepted");
  return { listening, client, seen, server: one.stream as MemorySocket, peer: one.peer, local: one.local };
}

function watch(stream: Duplex): string[] {
  const seen: string[] = [];
  stream.on("connect", () => seen.push("connect"));
  stream.on("data", (data: Buffer) => seen.push(data.toString("latin1")));
  stream.on("end", () => seen.push("end"));
  stream.on("error", (error: NodeJS.ErrnoException) => seen.push(String(error.code)));
  stream.on("close", () => seen.push("close"));
  return seen;
}

describe("a memory transport", () => {
  test("joins two ends under addresses of its own", async () => {
    const transport = memoryTransport();
    const { client, seen, server, peer, local } = await pair(transport);
    expect([peer, local]).toEqual(["b:40000", "a:7000"]);
    expect([client.localPort, client.remoteAddress, client.remotePort]).toEqual([40000, "a", 7000]);
    server.write("to client");
    const there = watch(server);
    client.write("to server");
    await transport.quiet();
    expect(seen).toEqual(["connect", "to client"]);
    expect(there).toEqual(["to server"]);
  });

  test("refuses where nobody listens, and again when the listener has closed", async () => {
    const transport = memoryTransport();
    const early = watch(transport.connect({ host: "a", port: 7000 }));
    await transport.quiet();
    const { listening } = await pair(transport);
    await listening.close();
    const late = watch(transport.connect({ host: "a", port: listening.port }));
    await transport.quiet();
    expect(early).toEqual(["ECONNREFUSED", "close"]);
    expect(late).toEqual(["ECONNREFUSED", "close"]);
  });

  test("gives an address once, and takes 0.0.0.0 for all of them", async () => {
    const transport = memoryTransport();
    const handlers = { accepted: (stream: Duplex) => void stream.end("hello"), failed: () => undefined };
    await transport.listen({ host: "0.0.0.0", port: 6379 }, handlers);
    await expect(transport.listen({ host: "0.0.0.0", port: 6379 }, handlers)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    const seen = watch(transport.connect({ host: "localhost", port: 6379 }));
    await transport.quiet();
    expect(seen).toEqual(["connect", "hello", "end", "close"]);
  });

  test("sends what was written before it stood behind the connection, and then the end", async () => {
    const transport = memoryTransport();
    const there: string[][] = [];
    const { port } = await transport.listen(
      {},
      { accepted: (stream) => there.push(watch(stream)), failed: () => undefined },
    );
    transport.connect({ host: "127.0.0.1", port }).end("early");
    await transport.quiet();
    expect(there).toEqual([["early", "end", "close"]]);
  });

  test("a reset reaches the peer as ECONNRESET behind what was sent", async () => {
    const transport = memoryTransport();
    const { seen, server } = await pair(transport);
    server.write("last words");
    server.resetAndDestroy();
    await transport.quiet();
    expect(seen).toEqual(["connect", "last words", "ECONNRESET", "close"]);
  });

  test("a destroyed end is the end for the peer, and a write to it fails", async () => {
    const transport = memoryTransport();
    const { client, seen, server } = await pair(transport);
    client.removeAllListeners("data");
    client.pause();
    server.destroy();
    client.write("into the void");
    await transport.quiet();
    expect(seen).toEqual(["connect", "ECONNRESET", "close"]);
  });

  test("a reader that doesn't read makes the writer wait", async () => {
    const transport = memoryTransport();
    const { client, server } = await pair(transport);
    let sent = 0;
    const piece = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 20; i++) client.write(piece, () => sent++);
    await transport.quiet();
    expect(sent).toBeLessThan(3);
    expect(client.writableNeedDrain).toBe(true);
    server.resume();
    for (let i = 0; i < 20; i++) await transport.quiet();
    expect(sent).toBe(20);
  });

  test("delays are of the clock, and keep the order of one direction", async () => {
    const clock = new ManualClock();
    const delays = [5, 5, 30, 1];
    const transport = memoryTransport({ clock, delayMs: () => delays.shift() ?? 0 });
    const { port } = await transport.listen({}, { accepted: (stream) => echo(stream), failed: () => undefined });
    const client = transport.connect({ host: "127.0.0.1", port });
    const seen = watch(client);
    clock.advance(9);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual(["connect"]);
    client.write("slow");
    await turn();
    client.write("fast");
    await turn();
    clock.advance(29);
    await turn();
    expect(transport.underWay).toBeGreaterThan(0);
    expect(seen).toEqual(["connect"]);
    for (let i = 0; i < 10; i++) {
      clock.advance(1);
      await turn();
    }
    expect(seen.join(" ")).toBe("connect slow fast");
    expect(clock.pending).toBe(0);
  });
});

function echo(stream: Duplex): void {
  stream.on("data", (data: Buffer) => stream.write(data));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
