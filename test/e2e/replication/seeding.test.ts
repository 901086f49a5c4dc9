import { readFileSync } from "node:fs";
import { DevServer, DevTopology } from "ioreplica/dev";
import { expect, test } from "vitest";
import { RawClient, show } from "../../support/raw-client.js";
import { describeReal, startRedis } from "../../support/real-redis.js";

const WRITES = [
  ["SET", "text", "value"],
  ["SET", "short", "1", "EX", "1000"],
  ["RPUSH", "list", "a", "b", "c"],
  ["SADD", "ints", "1", "2", "3"],
  ["ZADD", "zset", "1.5", "m", "2", "n"],
  ["HSET", "hash", "f", "v"],
  ["SELECT", "5"],
  ["SET", "other", "db"],
] as const;

describeReal("a dev server starts with the data of a real one", () => {
  test("by replicating once: then it stands alone, and the real one goes on without a replica", async () => {
    const real = await startRedis({ password: "s3cret" });
    try {
      const client = await RawClient.connect(real.port);
      await client.call("AUTH", "s3cret");
      for (const words of WRITES) await client.call(...words);
      const digest = show(await client.call("DEBUG", "DIGEST"));
      await using topology = await DevTopology.start({
        replicas: 1,
        seedFrom: `redis://:s3cret@127.0.0.1:${real.port}`,
      });
      expect(digest).toContain(topology.master.digest());
      expect(topology.replicas[0]?.digest()).toBe(topology.master.digest());
      expect(topology.master.role).toBe("master");
      await client.call("SET", "later", "1");
      expect(digest).toContain(topology.master.digest());
      client.close();
    } finally {
      await real.stop();
    }
  });

  test("by its RDB file, as a path and as bytes", async () => {
    const real = await startRedis();
    try {
      const client = await RawClient.connect(real.port);
      for (const words of WRITES) await client.call(...words);
      const digest = show(await client.call("DEBUG", "DIGEST"));
      await client.call("SAVE");
      const dir = /"([^"]+)"\]$/.exec(show(await client.call("CONFIG", "GET", "dir")))?.[1] ?? "";
      const path = `${dir}/dump.rdb`;
      await using byPath = await DevServer.start({ rdb: path });
      await using byBytes = await DevServer.start({ rdb: readFileSync(path) });
      expect(digest).toContain(byPath.digest());
      expect(digest).toContain(byBytes.digest());
      client.close();
    } finally {
      await real.stop();
    }
  });
});
