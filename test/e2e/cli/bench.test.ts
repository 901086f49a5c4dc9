import { expect, it, vi } from "vitest";
import { runCli, startCli } from "../../support/cli.js";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

// Each command is a process of its own that is compiled as it starts: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

onEachStage("ioreplica bench", (start) => {
  const worlds = useWorlds(start);
  const short = ["--seconds", "1", "--rounds", "1", "--keys", "50"];

  it("measures what it is told beside ioredis, and leaves what was there and nothing else", async () => {
    const { master, first, settled } = await worlds.open();
    await master.command("SET", "mine", "1");
    await settled();
    const run = await runCli([
      "bench",
      first.id,
      ...short,
      "--in-flight",
      "1,20",
      "--levels",
      "eventual,strong",
      "--json",
    ]);
    expect(run).toMatchObject({ code: 0, err: "" });
    const report = JSON.parse(run.out) as {
      lines: { peer: string; inFlight: number; opsPerSecond: number; errors: object; wrong: number }[];
      getsByNode: Record<string, number>;
      deleted: number;
    };
    expect(report.lines.map(({ peer, inFlight }) => `${peer} ${inFlight}`).sort()).toEqual(
      ["ioredis", "ioreplica eventual", "ioreplica strong"].flatMap((peer) => [`${peer} 1`, `${peer} 20`]).sort(),
    );
    for (const { opsPerSecond, errors, wrong } of report.lines) {
      expect(opsPerSecond).toBeGreaterThan(0);
      expect({ errors, wrong }).toEqual({ errors: {}, wrong: 0 });
    }
    expect(Object.keys(report.getsByNode)).toHaveLength(3);
    expect(report.deleted).toBe(50);
    expect(await master.command("KEYS", "*")).toEqual(["mine"]);
  });

  it("deletes its keys when it is stopped, and says which calls failed", async () => {
    const { master, settled } = await worlds.open();
    await settled();
    const { child, ended } = startCli(["bench", master.id, "--seconds", "30", "--keys", "50", "--levels", "strong"]);
    await eventually(async () => expect(await master.calls("get")).toBeGreaterThan(50));
    child.kill("SIGINT");
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/50 keys ioreplica-bench:[0-9a-f]+:\* deleted/);
    expect(await master.command("DBSIZE")).toBe(0);

    const lane = startCli(["bench", master.id, ...short, "--reads", "0", "--levels", "strong", "--in-flight", "10"]);
    await eventually(async () => expect(Number(await master.command("DBSIZE"))).toBe(50));
    const used = (await master.info("memory")).get("used_memory") ?? "1";
    await master.command("CONFIG", "SET", "maxmemory", String(Math.floor(Number(used) / 2)));
    const full = await lane.ended;
    expect(full.code).toBe(1);
    expect(full.out).toMatch(/\d+ OOM/);
    expect(await master.command("DBSIZE")).toBe(0);
  });
});

it("ioreplica bench refuses levels and counts that it can't mean, and says when there is no master", async () => {
  expect((await runCli(["bench", "127.0.0.1:1", "--levels", "sessions"])).code).toBe(64);
  expect((await runCli(["bench", "127.0.0.1:1", "--in-flight", "0"])).code).toBe(64);
});

it("ioreplica --help lists every command", async () => {
  const { code, out } = await runCli(["--help"]);
  expect(code).toBe(0);
  for (const command of ["demo", "dev", "status", "monitor", "doctor", "switchover", "bench"])
    expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
});
