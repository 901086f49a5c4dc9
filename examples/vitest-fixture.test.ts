// Each test gets a topology of its own by naming it: nothing to start, nothing to stop, nothing left of another test.
import { test as base, type DevFixtures } from "ioreplica/dev/vitest";
import { describe, expect } from "vitest";

const test = base.extend<Pick<DevFixtures, "topologyOptions">>({ topologyOptions: { replicas: 1 } });

describe("a shop", () => {
  test("reads its own writes while the replica is cut off", async ({ redis, topology }) => {
    topology.replicas[0]?.link.pause();
    await redis.set("price", "10");
    expect(await redis.get("price")).toBe("10");
  });

  test("starts empty, whatever other tests have written", async ({ redis }) => {
    expect(await redis.get("price")).toBe(null);
  });

  test("writes one SET for each price", async ({ redis, topology }) => {
    const tap = topology.master.tap();
    await redis.mset("price:a", "1", "price:b", "2");
    await redis.set("price:a", "3");
    tap.expect(["mset price:a 1 price:b 2", "set price:a 3"]);
  });

  test("is told when a reply is lost, and doesn't write twice", async ({ redis, topology }) => {
    const fault = topology.master.faults.close({ commands: ["incr"], when: "after", times: 1 });
    await expect(redis.incr("orders")).rejects.toThrow();
    expect(fault.hits).toBe(1);
    expect(await redis.get("orders")).toBe("1");
  });

  test("takes as many clients as a test wants", async ({ connect }) => {
    const [one, other] = [connect(), connect({ consistency: "strong" })];
    await one.set("price", "10");
    expect(await other.get("price")).toBe("10");
  });
});

test("a server alone is there for who names it", async ({ server }) => {
  expect([server.role, server.offset]).toEqual(["master", 0]);
});
