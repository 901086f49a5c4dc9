import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DevServer, DevTopology, manualClock, memoryTransport, TapMismatch } from "../../../src/server/index.js";
import { MemoryClient } from "./support/memory-client.js";

describe("a tap on the replication stream", () => {
  const transport = memoryTransport();
  let topology: DevTopology;
  let one: MemoryClient;

  beforeEach(async () => {
    topology = await DevTopology.start({ replicas: 1, clock: manualClock(), transport });
    one = await MemoryClient.connect(transport, topology.master);
  });
  afterEach(() => topology.stop());

  test("sees the commands with their database and the offset behind each", async () => {
    const tap = topology.master.tap();
    const before = topology.master.offset;
    await one.run("SET", "a", "1", "EX", "100");
    await one.run("SELECT", "3");
    await one.run("INCRBYFLOAT", "f", "1.5");
    expect(tap.commands.map(({ name, args, db }) => [name, args.slice(1).join(" "), db])).toEqual([
      ["SELECT", "0", 0],
      ["SET", "a 1 PXAT 1767225700000", 0],
      ["SELECT", "3", 3],
      ["SET", "f 1.5 KEEPTTL", 3],
    ]);
    expect(tap.commands[0]?.offset).toBe(before + "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".length);
    expect(tap.commands.at(-1)?.offset).toBe(topology.master.offset);
  });

  test("a replica's tap sees what the replica has applied, at the same offsets", async () => {
    const replica = topology.replicas[0] as DevServer;
    await one.run("SET", "before", "1");
    await transport.quiet();
    const [here, there] = [topology.master.tap(), replica.tap()];
    const held = replica.link.pause();
    await one.run("SADD", "set", "a", "b");
    await transport.quiet();
    expect([here.commands.length, there.commands.length]).toEqual([1, 0]);
    held.clear();
    expect(there.commands).toEqual(here.commands);
  });

  test("expect() compares what came since the last time, leaving out what a master says for itself", async () => {
    const tap = topology.master.tap();
    await one.run("SET", "a", "hello world");
    await topology.advance(10_000);
    tap.expect(['set a "hello world"']);
    tap.expect([]);
    await one.run("SET", "b", "1", "PX", "1000");
    tap.expect([["SET", "b", "1", "PXAT", /^\d{13}$/]], { db: 0 });
    await one.run("DEL", "b");
    tap.expect(["DEL b"], { all: true });
  });

  test("expect() says where the stream differs, with both lists", async () => {
    const tap = topology.master.tap();
    await one.run("SET", "a", "1");
    await one.run("SET", "a", "2");
    const caught = (() => {
      try {
        tap.expect(["SET a 1", "SET a 3"]);
      } catch (error) {
        return error as TapMismatch;
      }
      return null;
    })();
    expect(caught).toBeInstanceOf(TapMismatch);
    expect(caught?.message).toBe("the replication stream differs at command 2: expected SET a 3, got SET a 2");
    expect([caught?.expected, caught?.actual]).toEqual(["SET a 1\nSET a 3", "SET a 1\nSET a 2"]);
    await one.run("SET", "b", "1");
    expect(() => tap.expect([])).toThrow("at command 1: expected nothing more, got SET b 1");
    expect(() => tap.expect(["SET c 1"])).toThrow("at command 1: expected SET c 1, got nothing");
    expect(() => tap.expect(['SET "'])).toThrow("unbalanced quotes");
  });

  test("until() waits for an offset or a command, in the clock's time", async () => {
    const tap = topology.master.tap();
    const found = tap.until(({ name }) => name === "DEL");
    await one.run("SET", "a", "1");
    await one.run("DEL", "a");
    expect((await found).args).toEqual(["DEL", "a"]);
    expect((await tap.until(topology.master.offset)).name).toBe("DEL");
    const never = expect(tap.until(() => false, 500)).rejects.toThrow(
      "within 500 ms; so far:\nSELECT 0\nSET a 1\nDEL a",
    );
    await topology.advance(500);
    await never;
    const closed = expect(tap.until(() => false)).rejects.toThrow("closed");
    tap.close();
    await closed;
    await one.run("SET", "later", "1");
    expect([tap.open, tap.commands.length]).toEqual([false, 3]);
  });

  test("is an async iterable that ends with the server", async () => {
    const tap = topology.master.tap();
    const seen: string[] = [];
    const done = (async () => {
      for await (const { args } of tap) seen.push(args.join(" "));
    })();
    for (let i = 0; i < 3; i++) await one.run("RPUSH", "list", `${i}`);
    tap.forget();
    await one.run("RPUSH", "list", "3");
    await topology.stop();
    await done;
    expect(seen.slice(-1)).toEqual(["RPUSH list 3"]);
  });

  test("outlasts a restart, and makes a lone master count", async () => {
    await topology.replicas[0]?.stop();
    const tap = topology.master.tap();
    await topology.master.restart({ data: "keep" });
    one = await MemoryClient.connect(transport, topology.master);
    await one.run("SET", "a", "1");
    tap.expect(["SET a 1"]);
  });
});
