import { expect, test } from "vitest";
import { type DevServer, DevTopology, manualClock, memoryTransport } from "../../../../src/server/index.js";
import { MemoryClient } from "../support/memory-client.js";

test("a hung server's own time stands still: no key expires, no link is given up", async () => {
  // Both went on: the keys of a hung master expired, and after repl-timeout master and replica gave each other up.
  const clock = manualClock();
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 1, clock, transport });
  const replica = topology.replicas[0] as DevServer;
  const one = await MemoryClient.connect(transport, topology.master);
  await one.run("SET", "short", "1", "PX", "500");
  await transport.quiet();
  const { offset } = topology.master;
  const pass = async (): Promise<void> => {
    for (let second = 0; second < 100; second++) {
      clock.advance(1000);
      await transport.quiet();
    }
  };
  const hangs = topology.servers.map((server) => server.faults.hang());
  await pass();
  expect(topology.master.offset).toBe(offset);
  expect(topology.master.digest()).not.toBe("0".repeat(40));
  expect(replica.link.state).toBe("connected");
  for (const hang of hangs) hang.clear();
  await pass();
  await replica.inSyncWith(topology.master);
  expect(replica.digest()).toBe("0".repeat(40));
});

test("a server that is started anew while it hangs, hangs; lifting every fault ends it", async () => {
  const clock = manualClock();
  const transport = memoryTransport();
  await using topology = await DevTopology.start({ replicas: 0, clock, transport });
  const { master } = topology;
  master.faults.hang();
  await master.restart({ data: "keep" });
  const late = await MemoryClient.connect(transport, master);
  let answered = false;
  const asked = late.run("PING").then((reply) => {
    answered = true;
    return reply;
  });
  await transport.quiet();
  expect(answered).toBe(false);
  master.faults.clear();
  expect(await asked).toBe("PONG");
});
