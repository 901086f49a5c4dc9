import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DevServer, DevTopology, manualClock, memoryTransport } from "../../../../src/server/index.js";
import { MemoryClient } from "../support/memory-client.js";

describe("control of a link", () => {
  const transport = memoryTransport();
  let topology: DevTopology;
  let master: DevServer;
  let replica: DevServer;
  let one: MemoryClient;
  let there: MemoryClient;

  beforeEach(async () => {
    topology = await DevTopology.start({ replicas: 1, clock: manualClock(), transport });
    master = topology.master;
    replica = topology.replicas[0] as DevServer;
    [one, there] = await Promise.all([
      MemoryClient.connect(transport, master),
      MemoryClient.connect(transport, replica),
    ]);
    await one.run("SET", "k", "0");
    await transport.quiet();
  });
  afterEach(() => topology.stop());

  const seen = async () => {
    await transport.quiet();
    return there.run("GET", "k");
  };
  const info = async (who: MemoryClient, field: string) =>
    new RegExp(`^${field}:(.*)\r$`, "m").exec(String(await who.run("INFO")))?.[1];

  test("names its state and whom it leads to", () => {
    expect([replica.link.state, replica.link.master]).toEqual(["connected", { host: "127.0.0.1", port: master.port }]);
    expect([master.link.state, master.link.master]).toEqual([null, null]);
    expect(topology.links).toEqual([replica.link]);
  });

  test("a pause keeps the link and what the replica has; what was held goes on", async () => {
    const pause = replica.link.pause();
    const second = replica.link.pause();
    await one.run("SET", "k", "1");
    expect(await seen()).toBe("0");
    expect(replica.link.heldBytes).toBe(master.offset - replica.offset);
    expect(await info(there, "master_link_status")).toBe("up");
    pause.clear();
    expect(await seen()).toBe("0");
    second.clear();
    expect(await seen()).toBe("1");
    expect(replica.link.heldBytes).toBe(0);
  });

  test("delays by time", async () => {
    replica.link.delay(500);
    await one.run("SET", "k", "1");
    await topology.advance(499);
    expect(await seen()).toBe("0");
    await topology.advance(1);
    expect(await seen()).toBe("1");
  });

  test("stays bytes behind", async () => {
    const size = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n".length;
    replica.link.stayBehind(2 * size);
    for (const value of ["1", "2", "3", "4", "5"]) await one.run("SET", "k", value);
    expect(await seen()).toBe("3");
    expect(master.offset - replica.offset).toBe(2 * size);
    replica.link.resume();
    expect(await seen()).toBe("5");
  });

  test("cuts after bytes: what came is kept, the link comes back and resumes", async () => {
    const size = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n".length;
    replica.link.cutAfter(2 * size + 3);
    for (const value of ["1", "2", "3", "4"]) await one.run("SET", "k", value);
    expect(await seen()).toBe("2");
    expect(replica.link.state).toBe("connect");
    await topology.advance(1000);
    expect(await seen()).toBe("4");
    expect(await info(one, "sync_partial_ok")).toBe("1");
    expect(await info(one, "sync_full")).toBe("1");
  });

  test("cuts in a payload: the replica keeps what it had and asks again", async () => {
    replica.link.cutInPayload(20);
    await one.run("DEBUG", "CHANGE-REPL-ID");
    replica.link.break();
    await one.run("SET", "k", "1");
    for (let i = 0; i < 50 && (await info(one, "sync_full")) !== "2"; i++) await topology.advance(10);
    await transport.quiet();
    expect(await info(one, "sync_full")).toBe("2");
    expect([await seen(), replica.link.state]).toEqual(["0", "connect"]);
    await topology.advance(1000);
    expect(await seen()).toBe("1");
    expect(await info(one, "sync_full")).toBe("3");
  });

  test("holds ACKs: the replica has it, and WAIT doesn't know", async () => {
    const hold = replica.link.holdAcks();
    await one.run("SET", "k", "1");
    const answers: unknown[] = [];
    void one.run("WAIT", "1", "100").then((count) => answers.push(count));
    expect(await seen()).toBe("1");
    await topology.advance(100);
    expect(answers).toEqual([0]);
    hold.clear();
    expect(await one.run("WAIT", "1", "0")).toBe(1);
  });

  test("steps command by command, and to an offset", async () => {
    replica.link.pause();
    const offsets: number[] = [];
    for (const value of ["1", "2", "3", "4"]) {
      await one.run("SET", "k", value);
      offsets.push(master.offset);
    }
    await transport.quiet();
    expect(await replica.link.step()).toEqual([["SET", "k", "1"]]);
    expect([await seen(), replica.offset]).toEqual(["1", offsets[0]]);
    await replica.link.stepTo((offsets[2] as number) + 5);
    expect([await seen(), replica.offset]).toEqual(["3", offsets[2]]);
    expect(await replica.link.step()).toEqual([["SET", "k", "4"]]);
    const next = replica.link.step(2);
    await one.run("SET", "k", "5");
    await one.run("DEL", "k");
    expect(await next).toEqual([
      ["SET", "k", "5"],
      ["DEL", "k"],
    ]);
    expect(await seen()).toBe(null);
  });

  test("a step that leads nowhere ends in its time, and with the server", async () => {
    await expect(master.link.step()).rejects.toThrow("follows no master");
    const late = expect(replica.link.stepTo(1e9, 5000)).rejects.toThrow(/offset 1000000000 within 5000 ms/);
    await topology.advance(5000);
    await late;
    const gone = expect(replica.link.step()).rejects.toThrow("the server is down");
    await replica.crash();
    await gone;
  });

  test("what is set holds for the links to come", async () => {
    replica.link.pause();
    await replica.restart({ data: "keep" });
    await replica.inSyncWith(master);
    await one.run("SET", "k", "1");
    expect(await seen().catch(() => "closed")).toBe("closed");
    there = await MemoryClient.connect(transport, replica);
    expect(await seen()).toBe("0");
    replica.faults.clear();
    expect(await seen()).toBe("1");
  });

  test("refuses numbers that make no sense", () => {
    expect(() => replica.link.stayBehind(0)).toThrow("at least 1");
    expect(() => replica.link.cutAfter(0.5)).toThrow("at least 1");
    expect(() => replica.link.delay(-1)).toThrow("from 0 on");
  });
});
