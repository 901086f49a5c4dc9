import { ReplicatedClient } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { DevTopology } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

it("a write that is redirected goes to whoever INFO says is the master, once, and never by the redirect's word alone", async () => {
  const topology = await DevTopology.start({ replicas: 1 });
  ends.push(() => topology.stop());
  const { master } = topology;
  const [replica] = topology.replicas;
  const redis = new ReplicatedClient({ master: topology.options.master, discoverReplicas: false });
  ends.push(() => redis.disconnect());
  await redis.connect();
  const told = `REDIRECT 127.0.0.1:${replica?.port}`;
  const fault = master.faults.fail({ message: told }, { commands: ["incr"], times: 2 });
  // The node that it names is a replica: it is looked at, and the master stays who it is.
  expect(await Promise.all([redis.incr("n"), redis.incr("n")])).toEqual([1, 2]);
  fault.clear();
  await eventually(() =>
    expect(redis.topology.nodes.map(({ port, role }) => `${port} ${role}`)).toEqual([
      `${master.port} master`,
      `${replica?.port} replica`,
    ]),
  );
  // Now it is right: the former master redirects to the one that was promoted.
  await topology.failover({ to: replica as NonNullable<typeof replica>, mode: "graceful" });
  ends.push(master.faults.fail({ message: told }, { commands: ["incr"] }).clear);
  expect(await redis.incr("n")).toBe(3);
  expect(redis.topology.master?.port).toBe(replica?.port);
});
