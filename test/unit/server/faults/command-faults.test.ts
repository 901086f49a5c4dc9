import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DevServer,
  type FaultRequest,
  type ManualClock,
  manualClock,
  memoryTransport,
} from "../../../../src/server/index.js";
import { MemoryClient } from "../support/memory-client.js";

describe("faults of commands", () => {
  let server: DevServer;
  let clock: ManualClock;
  const transport = memoryTransport();
  const client = () => MemoryClient.connect(transport, server);

  beforeEach(async () => {
    clock = manualClock();
    server = await DevServer.start({ transport, clock });
  });
  afterEach(() => server.stop());

  test("an error by command and count: some pass, some are hit, then it lifts itself", async () => {
    const one = await client();
    const fault = server.faults.fail("OOM", { commands: ["SET"], after: 1, times: 2 });
    const answers: unknown[] = [];
    for (const _ of "abcd")
      answers.push(await one.run("SET", "k", "v").catch((error: Error) => error.message.slice(0, 3)));
    expect(answers).toEqual(["OK", "OOM", "OOM", "OK"]);
    expect([fault.hits, fault.active]).toEqual([2, false]);
  });

  test("by subcommand, key, pattern and client", async () => {
    const [one, other] = [await client(), await client()];
    await one.run("CLIENT", "SETNAME", "worker");
    const refused = (who: MemoryClient, ...args: string[]) =>
      who.run(...args).then(
        () => false,
        () => true,
      );
    const lift = [
      server.faults.fail("NOPE a", { commands: ["config|get"] }),
      server.faults.fail("NOPE b", { keys: ["exact", /^user:/] }),
      server.faults.fail("NOPE c", { client: { name: "worker" }, commands: ["ping"] }),
    ];
    expect(await refused(one, "CONFIG", "GET", "port")).toBe(true);
    expect(await refused(one, "CONFIG", "SET", "timeout", "0")).toBe(false);
    expect(await refused(one, "MGET", "a", "user:1")).toBe(true);
    expect(await refused(one, "SET", "other", "exact")).toBe(false);
    expect([await refused(one, "PING"), await refused(other, "PING")]).toEqual([true, false]);
    for (const fault of lift) fault.clear();
    expect(await refused(one, "MGET", "exact")).toBe(false);
  });

  test("a predicate sees the command, its words, its keys and who sent it", async () => {
    const one = await client();
    const seen: FaultRequest[] = [];
    server.faults.swallow({ where: (request) => void seen.push(request) === undefined && false });
    await one.run("SET", "größe", "1");
    expect(seen).toEqual([
      {
        command: "set",
        args: ["SET", "größe", "1"].map((word) => Buffer.from(word, "latin1").toString("utf8")),
        keys: [Buffer.from("größe", "latin1").toString("utf8")],
        client: {
          id: expect.any(Number) as number,
          name: "",
          address: expect.stringMatching(/^127/) as string,
          user: "default",
        },
      },
    ]);
  });

  test.each([
    ["before", null],
    ["after", "1"],
  ] as const)("closes %s the command runs", async (when, left) => {
    const [one, other] = [await client(), await client()];
    server.faults.close({ commands: ["set"], when });
    await expect(one.run("SET", "k", "1")).rejects.toThrow("closed");
    expect(await other.run("GET", "k")).toBe(left);
  });

  test.each([
    [undefined, "$10\r\n012"],
    [7, "$10\r\n01"],
    [0, ""],
  ])("cuts a reply after %s bytes and closes, behind the replies before it", async (bytes, part) => {
    const one = await client();
    await one.run("SET", "k", "0123456789");
    const text = one.raw();
    server.faults.cutReply({ commands: ["get"], times: 1, ...(bytes === undefined ? {} : { bytes }) });
    one.socket.write("PING\r\nGET k\r\nPING\r\n");
    await transport.quiet();
    expect(text()).toBe(`+PONG\r\n${part}`);
    expect(one.closed).toBe(true);
  });

  test("a slow reply comes in its time, what stands behind it waits, other clients don't", async () => {
    const [one, other] = [await client(), await client()];
    server.faults.slow(300, { commands: ["get"] });
    const answers: string[] = [];
    void one.run("GET", "a").then(() => answers.push("slow"));
    void one.run("PING").then(() => answers.push("behind"));
    expect(await other.run("PING")).toBe("PONG");
    await server.advance(299);
    expect(answers).toEqual([]);
    await server.advance(1);
    await transport.quiet();
    expect(answers).toEqual(["slow", "behind"]);
  });

  test("connections are refused with a text or without, those that exist stay", async () => {
    const one = await client();
    const fault = server.faults.refuseConnections({ message: "ERR max number of clients reached", times: 1 });
    const refused = transport.connect(server);
    let text = "";
    refused.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await transport.quiet();
    expect([text, refused.closed, fault.hits]).toEqual(["-ERR max number of clients reached\r\n", true, 1]);
    expect(await (await client()).run("PING")).toBe("PONG");
    const silent = server.faults.refuseConnections();
    const second = await client();
    await transport.quiet();
    expect([second.closed, silent.active]).toEqual([true, true]);
    expect(await one.run("PING")).toBe("PONG");
    server.faults.clear();
    expect(silent.active).toBe(false);
  });

  test("refuses numbers that make no sense", () => {
    expect(() => server.faults.fail("OOM", { times: 0 })).toThrow("times must be at least 1");
    expect(() => server.faults.slow(Number.NaN)).toThrow("milliseconds");
    expect(() => server.faults.cutReply({ bytes: -1 })).toThrow("bytes must be at least 0");
    expect(() => server.faults.close({ after: -1 })).toThrow("after must be at least 0");
  });
});
