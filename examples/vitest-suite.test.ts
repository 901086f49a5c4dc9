// A test suite against a master and a replica that live in the test process: a few milliseconds to start, no Docker.
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

/** What is to be tested: a cart that is read right after it was changed. */
async function addToCart(redis: ReplicatedClient, cart: string, item: string): Promise<number> {
  await redis.sadd(cart, item);
  return redis.scard(cart);
}

let topology: DevTopology;
let redis: ReplicatedClient;

beforeAll(async () => {
  topology = await DevTopology.start({ replicas: 1 });
  redis = new ReplicatedClient(topology.options);
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  await redis.quit();
  await topology.stop();
});

test("the count includes the item just added, however late the replica is", async () => {
  const lag = topology.replicas[0]?.faults.lag(100);
  expect(await addToCart(redis, "cart", "apple")).toBe(1);
  expect(await addToCart(redis, "cart", "pear")).toBe(2);
  lag?.clear();
});

test("the cart survives a planned switch of the master", async () => {
  await addToCart(redis, "cart", "apple");
  await topology.failover({ mode: "graceful" });
  expect(await addToCart(redis, "cart", "pear")).toBe(2);
});

test("the application waits while the server is loading", async () => {
  topology.master.faults.fail("LOADING", { commands: ["SADD"], times: 2 });
  expect(await addToCart(redis, "cart", "apple")).toBe(1);
});
