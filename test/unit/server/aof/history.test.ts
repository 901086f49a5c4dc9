import { expect, it, vi } from "vitest";
import { Aof } from "../../../../src/server/aof/aof.js";
import { MemoryLogDirectory } from "../../../../src/server/aof/directory.js";
import { startCore } from "../dispatch/harness.js";

it("the manifest names files that are of no use any more, the latest first, as redis-server does", async () => {
  const { core, connect } = startCore({ appendonly: "yes", "aof-disable-auto-gc": "yes" });
  const directory = new MemoryLogDirectory();
  const aof = new Aof(core, directory);
  core.aof = aof;
  aof.open();
  const rewritten = async (): Promise<string[]> => {
    aof.rewrite.begin();
    await vi.waitFor(() => expect(aof.rewrite.inProgress).toBe(false));
    const lines = directory.read("appendonly.aof.manifest")?.toString("latin1").trimEnd().split("\n") ?? [];
    return lines.map((line) => line.replace(/^file appendonly\.aof\.(\d+)\.(\w+)\.\w+ seq \d+ type (\w)$/, "$2 $1 $3"));
  };
  expect(await rewritten()).toEqual(["base 2 b", "incr 1 h", "base 1 h", "incr 2 i"]);
  // A rewrite that fails leaves an increment more.
  aof.beginIncrement();
  expect(await rewritten()).toEqual([
    ...["base 3 b", "incr 2 h", "incr 3 h", "base 2 h", "incr 1 h", "base 1 h"],
    "incr 4 i",
  ]);
  await connect().send("config set appendonly no");
  expect(await rewritten()).toEqual([
    ...["base 4 b", "incr 4 h", "base 3 h", "incr 2 h", "incr 3 h", "base 2 h", "incr 1 h", "base 1 h"],
  ]);
});
