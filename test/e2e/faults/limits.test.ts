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
    const tried = async (): Promise<number> =>
      (await Promise.all(trio.servers.map((server) => server.calls("lrange")))).reduce((sum, count) => sum + count, 0);
    const cutOff = async (view: typeof redis): Promise<number> => {
      const before = await tried();
      expect(await failure(view.lrange("big", 0, -1))).toMatchObject({ code: "IOREPLICA_CUT_OFF", retriable: false });
      await serving(redis, 2);
      return (await tried()) - before;
    };
    expect(await cutOff(redis.with({ readFrom: "master" }))).toBe(4);
    // The master is tried while both replicas are out, and does not wait, when it is back, for what a replica says of the
    // loss there: the fourth try may be followed by one more.
    expect([4, 5]).toContain(await cutOff(redis));
    await reads.more();
    await reads.end();
    expect(reads.failed).toEqual([]);
    expect(events.filter(({ type }) => type === "masterChanged" || type === "splitBrain")).toEqual([]);
    expect(await redis.llen("big")).toBe(8);
  });
});
