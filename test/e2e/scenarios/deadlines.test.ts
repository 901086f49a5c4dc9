import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("deadlines of blocking commands", (start) => {
  const worlds = useWorlds(start);

  // A BLPOP whose caller had been told of its deadline was still blocked on the server, and took the next element.
  it.each(["timeoutMs", "signal"] as const)(
    "by %s: what comes later is not taken, and the error doesn't claim that nothing was sent",
    async (by) => {
      const { master, client } = await worlds.open();
      const redis = await client();
      const abort = new AbortController();
      const view = redis.with(by === "timeoutMs" ? { timeoutMs: 100 } : { signal: abort.signal });
      const popped = view.blpop("list", 5).then(
        (value) => ({ value }),
        (error: Error & { code?: string; sent?: string }) => ({ code: error.code, sent: error.sent }),
      );
      if (by === "signal") {
        await eventually(async () => String(await master.command("CLIENT", "LIST")).includes("cmd=blpop"));
        abort.abort();
      }
      expect(await popped).toEqual({
        code: by === "timeoutMs" ? "IOREPLICA_TIMEOUT" : "IOREPLICA_ABORTED",
        sent: "unknown",
      });
      await eventually(async () => !String(await master.command("CLIENT", "LIST")).includes("cmd=blpop"));
      await redis.rpush("list", "x");
      expect(await redis.lrange("list", 0, -1)).toEqual(["x"]);
    },
  );

  it("a duplicate may have a database and a prefix of its own, and nothing that concerns the shared connections", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const other = redis.duplicate({ db: 1, keyPrefix: "pre:", maxRetriesPerRequest: null });
    await other.set("k", "v");
    expect(await redis.exists("pre:k")).toBe(0);
    await redis.select(1);
    expect(await redis.get("pre:k")).toBe("v");
    expect(() => redis.duplicate({ password: "secret" })).toThrow(
      expect.objectContaining({ code: "IOREPLICA_INVALID_OPTION", message: expect.not.stringContaining("secret") }),
    );
    other.disconnect();
  });
});
