import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("explain() and health()", (start) => {
  const worlds = useWorlds(start);

  it("say where commands go and that all is well; nothing is sent for it", async () => {
    const { master, first, client } = await worlds.open();
    const redis = await client();
    expect(redis.explain("set", "k", "v")).toMatchObject({ command: "SET", intent: "write", node: master.id });
    expect(redis.with({ consistency: "strong" }).explain("get", "k")).toMatchObject({
      intent: "read",
      node: master.id,
    });
    expect(redis.with({ readFrom: "master" }).explain("get", "k").node).toBe(master.id);
    expect(redis.node(first.id).explain("get", "k")).toMatchObject({ intent: "dedicated", node: first.id });
    expect(redis.explain("blpop", "l", 0)).toMatchObject({ intent: "dedicated", node: master.id });
    expect(redis.health()).toMatchObject({ ok: true, state: "stable", master: master.id, reasons: [] });
    expect(await master.command("EXISTS", "k")).toBe(0);
    redis.disconnect();
    expect(redis.health()).toMatchObject({ ok: false, reasons: ["the client is closed"] });
  });
});
