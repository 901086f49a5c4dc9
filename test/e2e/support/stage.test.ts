import { afterEach, expect, it } from "vitest";
import type { Stage, StageNode } from "../../../src/cli/stage/stage.js";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "./stages.js";

onEachStage("the stage does what its controls say", (start) => {
  let opened: Stage | undefined;
  afterEach(() => opened?.stop());

  const open = async (): Promise<{ stage: Stage; nodes: readonly [StageNode, StageNode, StageNode] }> => {
    opened = await start({ replicas: 2 });
    const [master, first, second] = opened.nodes;
    if (first === undefined || second === undefined) throw new Error("two replicas were asked for");
    return { stage: opened, nodes: [master, first, second] };
  };

  it("a replica that lags serves the old value and later the new one", async () => {
    const { stage, nodes } = await open();
    const [master, replica, other] = nodes;
    await master.command("SET", "k", "old");
    await stage.inSync(master, [replica, other]);
    const undo = await stage.lag(replica, 700);
    await master.command("SET", "k", "new");
    await eventually(async () => expect(await other.command("GET", "k")).toBe("new"));
    expect(await replica.command("GET", "k")).toBe("old");
    await eventually(async () => expect(await replica.command("GET", "k")).toBe("new"));
    await undo();
  });

  it("a frozen replica keeps its link, stays behind and catches up", async () => {
    const { stage, nodes } = await open();
    const [master, replica, other] = nodes;
    const undo = await stage.freeze(replica);
    await master.command("SET", "k", "new");
    await stage.inSync(master, [other]);
    expect(await replica.command("GET", "k")).toBeNull();
    expect((await replica.info("replication")).get("master_link_status")).toBe("up");
    await undo();
    await stage.inSync(master, [replica]);
    expect(await replica.command("GET", "k")).toBe("new");
  });

  it("what an isolated master acknowledges is lost with it, and it returns empty as a master", async () => {
    const { stage, nodes } = await open();
    const [master, first, second] = nodes;
    await master.command("SET", "kept", "1");
    await stage.inSync(master, [first, second]);
    const heal = await stage.isolate(master);
    expect(await master.command("SET", "lost", "1")).toBe("OK");
    await master.crash();
    await expect(master.command("PING")).rejects.toThrow();
    await heal();
    await stage.promote(first);
    await stage.follow(second, first);
    await stage.inSync(first, [second]);
    for (const node of [first, second]) {
      expect(await node.command("EXISTS", "kept")).toBe(1);
      expect(await node.command("EXISTS", "lost")).toBe(0);
    }
    expect((await first.info("replication")).get("role")).toBe("master");
    await master.restart();
    expect((await master.info("replication")).get("role")).toBe("master");
    expect(await master.command("DBSIZE")).toBe(0);
    expect(await master.calls("set")).toBe(0);
  });

  it("a server that hangs answers later, and counts its calls", async () => {
    const { nodes } = await open();
    const [master] = nodes;
    const undo = await master.hang();
    let answered = false;
    const reply = master.command("GET", "k").then((value) => {
      answered = true;
      return value;
    });
    await nodes[1].command("PING");
    expect(answered).toBe(false);
    await undo();
    expect(await reply).toBeNull();
    expect(await master.calls("get", "mget")).toBe(1);
  });
});
