import { ReadLoad } from "../support/read-load.js";
import type { RedisProcess } from "../support/real-redis.js";
import { serving, Trio } from "../support/trio.js";
import { WriteLoad } from "../support/write-load.js";
import { countOf, type Figure, type Scenario } from "./figure.js";
import { moreAcked } from "./planned.js";

/** Every node is shut down and started again, one after another, under reads and writes: the master after a FAILOVER. */
export const maintenance: Scenario = {
  name: "maintenance",
  rounds: 2,
  short: 1,
  async run(rounds: number): Promise<Figure[]> {
    const trio = await Trio.start();
    try {
      const { redis } = await trio.client();
      const writes = new WriteLoad(redis).begin(1);
      const reads = new ReadLoad(redis).begin();
      let [master, ...replicas] = trio.servers as [RedisProcess, ...RedisProcess[]];
      const restart = async (node: RedisProcess): Promise<void> => {
        await reads.more();
        const exited = node.exited();
        await node.command("SHUTDOWN", "NOSAVE").catch(() => {});
        await exited;
        await node.restart({ replicaOf: { host: master.host, port: master.port } });
        await trio.inSync(master, ...replicas);
        await serving(redis, 2);
      };
      for (let round = 0; round < rounds; round++) {
        for (const replica of replicas) await restart(replica);
        const old = master;
        const [next, ...others] = replicas as [RedisProcess, ...RedisProcess[]];
        await trio.failover(old, next);
        for (const other of others) await other.command("REPLICAOF", next.host, next.port);
        master = next;
        replicas = [...others, old];
        await trio.inSync(master, ...replicas);
        await moreAcked(writes);
        await restart(old);
      }
      await moreAcked(writes);
      await writes.end();
      await reads.end();
      const { issued, errors, unknown, lost, twice, pending } = await writes.verdict(master);
      const failed = errors.length + unknown + pending + reads.failed.length + reads.pending;
      return [
        countOf(
          `rolling restart of all nodes, ${rounds} times (${issued} writes, ${reads.done} reads): failed calls / lost / applied twice`,
          "0 / 0 / 0",
          `${failed} / ${lost.length} / ${twice.length}`,
          failed + lost.length + twice.length === 0,
        ),
      ];
    } finally {
      await trio.stop();
    }
  },
};
