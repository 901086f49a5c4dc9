import { expect, it } from "vitest";
import { ReadLoad } from "../../support/read-load.js";
import { describeReal } from "../../support/real-redis.js";
import { serving } from "../../support/trio.js";
import { failure, useTrios } from "./trios.js";

describeReal("what a server cuts off", () => {
  const trios = useTrios();

  it("fault 15: a reply over the output buffer limit closes its connection: the command fails, and harms no read beside it", async () => {
    const trio = await trios.open();
    const { a, b, c } = trio;
    const item = "x".repeat(1 << 20);
    for (let i = 0; i < 8; i++) await a.command("RPUSH", "big", item);
    await a.command("SET", "k0", "v");
    await trio.inSync(a, b, c);
    for (const server of trio.servers)
      await server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 2097152 0 0");
    const { redis, events } = await trio.client();
    const reads = new ReadLoad(redis).begin();
    await reads.more();
    for (const view of [redis, redis.with({ readFrom: "master" })]) {
      expect(await failure(view.lrange("big", 0, -1))).toMatchObject({ code: "IOREPLICA_CUT_OFF", retriable: false });
      await serving(redis, 2);
    }
    await reads.more();
    await reads.end();
    expect(reads.failed).toEqual([]);
    const tries = await Promise.all(trio.servers.map((server) => server.calls("lrange")));
    // Four of each call, and perhaps one more: a loss doesn't count whose witness a search for the master has replaced.
    const all = tries.reduce((sum, count) => sum + count, 0);
    expect(all).toBeGreaterThanOrEqual(8);
    expect(all).toBeLessThanOrEqual(12);
    expect(events.filter(({ type }) => type === "masterChanged" || type === "splitBrain")).toEqual([]);
    expect(await redis.llen("big")).toBe(8);
  });
});
