import type { Topology, TopologyEvent } from "ioreplica";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type CliProcess, runCli, startCli } from "../../support/cli.js";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

// Each command is a process of its own that is compiled as it starts: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

onEachStage("ioreplica monitor", (start) => {
  const worlds = useWorlds(start);
  const running: CliProcess[] = [];
  afterEach(() => {
    for (const { child } of running.splice(0)) child.kill("SIGKILL");
  });
  const monitor = (...args: string[]): CliProcess => {
    const started = startCli(["monitor", ...args, "--interval", "200"]);
    running.push(started);
    return started;
  };

  it("tells the events of a failover as lines of JSON, and ends with Ctrl-C", async () => {
    const { stage, master, first, second, settled } = await worlds.open();
    await settled();
    const { child, out, ended } = monitor(master.id, first.id, second.id, "--json");
    const events = (): TopologyEvent[] =>
      out()
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as TopologyEvent);
    await eventually(() => expect(events().at(-1)?.topology.replicas.length).toBe(2));
    await master.crash();
    await stage.promote(first);
    await eventually(() =>
      expect(events().find((event) => event.type === "masterChanged" && event.from !== null)).toMatchObject({
        from: master.id,
        to: first.id,
      }),
    );
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0, err: "" });
  });

  it("in a pipe: the nodes once, then a line per event", async () => {
    const { stage, master, first, second, settled } = await worlds.open();
    await settled();
    const { child, out, ended } = monitor(first.id);
    await eventually(() => expect(out()).toMatch(/\| node .*reads\/s/));
    for (const node of [master, first, second]) expect(out()).toContain(`| ${node.id} `);
    await stage.promote(first);
    await stage.follow(master, first);
    await eventually(() => expect(out()).toMatch(new RegExp(`masterChanged ${master.id} → ${first.id}`)));
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
    expect(out()).not.toContain("\u001b");
  });

  it("shows once what is there, with how old replicas are", async () => {
    const { master, first, settled } = await worlds.open();
    await settled();
    const { code, out } = await runCli(["monitor", first.id, "--interval", "200", "--once", "--json"]);
    const shown = JSON.parse(out) as { topology: Topology; rates: Record<string, object> };
    expect(code).toBe(0);
    expect(shown.topology.master?.id).toBe(master.id);
    expect(Object.keys(shown.rates)).toHaveLength(3);
    expect(shown.topology.replicas.map(({ stalenessMs }) => typeof stalenessMs)).toEqual(["number", "number"]);
  });
});

describe("ioreplica monitor where nobody answers", () => {
  it("goes on for its time, then says by its exit code that it saw nobody", async () => {
    const { code, out } = await runCli(["monitor", "127.0.0.1:1", "--interval", "100", "--for", "1"]);
    expect(code).toBe(2);
    expect(out).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED/);
  });
});
