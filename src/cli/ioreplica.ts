#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("ioreplica")
  .description(
    "One logical connection to a Redis master and its replicas; in-process servers to develop and test with.",
  )
  .version(version);

program
  .command("demo")
  .description(
    "a shop on one master and two replicas: reads spread, own writes seen, the master killed, and back again",
  )
  .option("--real", "with redis-server processes instead of servers in this process", false)
  .option("--json", "print the figures as JSON instead of showing them", false)
  .action(async (options: { real: boolean; json: boolean }) => {
    const { runDemo } = await import("./demo/run.js");
    process.exitCode = await runDemo(options);
  });

await program.parseAsync();
