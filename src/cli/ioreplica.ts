#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { InvalidOptionError } from "../client/errors/kinds.js";
import type { Consistency } from "../client/types.js";
import type { BenchFlags } from "./bench/run.js";
import type { DoctorFlags } from "./doctor/run.js";
import type { MonitorFlags } from "./monitor/run.js";
import type { SwitchoverFlags } from "./switchover/run.js";
import { type TargetFlags, UsageError, withTarget } from "./target/flags.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** sysexits.h: the command line can't be meant. */
const USAGE_EXIT_CODE = 64;

const LEVELS: readonly Consistency[] = ["eventual", "session", "strong"];

const program = new Command("ioreplica")
  .description(
    "One logical connection to a Redis master and its replicas; in-process servers to develop and test with.",
  )
  .version(version)
  .exitOverride();

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

program
  .command("dev")
  .description("a master and replicas in this process, until Ctrl-C")
  .option("--replicas <count>", "number of replicas", wholeNumber(0, 50), 2)
  .option("--port <port>", "port of the master; 0 takes a free one", wholeNumber(0, 65_535), 6379)
  .option("--lag <ms>", "milliseconds by which each replica applies writes late", wholeNumber(0, 3_600_000), 0)
  .option("--password <password>", "password of every server")
  .action(async (options: { replicas: number; port: number; lag: number; password?: string }) => {
    const { runDev } = await import("./dev.js");
    const { lag, ...others } = options;
    await runDev({ ...others, lagMs: lag });
  });

withTarget(program.command("status"))
  .description("the topology as the client sees it: roles, health, offsets; exit code 0 if all is well")
  .option("--json", "as JSON", false)
  .action(async (urls: string[], options: TargetFlags & { json: boolean }) => {
    const { runStatus } = await import("./status.js");
    process.exitCode = await runStatus(urls, options);
  });

withTarget(program.command("monitor"))
  .description("the nodes and what happens to them, live; lines in a pipe; until Ctrl-C")
  .option("--interval <ms>", "milliseconds between two looks at each node", wholeNumber(100, 60_000), 1000)
  .option("--for <seconds>", "end by itself after so many seconds", wholeNumber(1, 31_536_000))
  .option("--once", "show the nodes once, and end", false)
  .option("--json", "events as lines of JSON; with --once, the nodes", false)
  .action(async (urls: string[], options: MonitorFlags) => {
    const { runMonitor } = await import("./monitor/run.js");
    process.exitCode = await runMonitor(urls, options);
  });

withTarget(program.command("bench"))
  .description(
    "a load on your own servers: plain ioredis and this client at each level, in turns; keys of its own, deleted after",
  )
  .option("--reads <percent>", "share of reads", wholeNumber(0, 100), 90)
  .option("--in-flight <counts>", "commands in flight, several with commas", wholeNumbers(1, 10_000), [1, 100])
  .option("--levels <levels>", "of eventual, session, strong, with commas", levels, [...LEVELS])
  .option("--seconds <seconds>", "length of each turn", wholeNumber(1, 3600), 2)
  .option("--rounds <count>", "how often they take turns", wholeNumber(1, 100), 3)
  .option("--keys <count>", "how many keys", wholeNumber(1, 1_000_000), 10_000)
  .option("--value <bytes>", "size of each value", wholeNumber(1, 1 << 20), 100)
  .option("--json", "as JSON", false)
  .action(async (urls: string[], options: BenchFlags) => {
    const { runBench } = await import("./bench/run.js");
    process.exitCode = await runBench(urls, options);
  });

withTarget(program.command("doctor"))
  .description("what endangers a deployment: seen, why, what to do; exit code 0 if nothing, 1 if something does")
  .option("--seconds <seconds>", "time between two looks, to see what grows", wholeNumber(1, 3600), 2)
  .option("--json", "as JSON", false)
  .action(async (urls: string[], options: DoctorFlags) => {
    const { runDoctor } = await import("./doctor/run.js");
    process.exitCode = await runDoctor(urls, options);
  });

withTarget(program.command("switchover"))
  .description("hand the role of master over to a replica, without loss: checked before, verified after")
  .option("--to <host:port>", "the replica; default: the best one")
  .option(
    "--timeout <ms>",
    "milliseconds it may take to catch up while writes stand still",
    wholeNumber(1, 600_000),
    10_000,
  )
  .option("--max-lag <bytes>", "bytes it may be behind at the start", wholeNumber(0, 2 ** 40), 1 << 20)
  .option("--dry-run", "only check", false)
  .option("--force", "promote at the timeout even what has not caught up: LOSES the rest", false)
  .option("--rewrite", "CONFIG REWRITE on all of them, so that it outlives a restart", false)
  .option("--json", "as JSON", false)
  .action(async (urls: string[], options: SwitchoverFlags) => {
    const { runSwitchover } = await import("./switchover/run.js");
    process.exitCode = await runSwitchover(urls, options);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  else {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError || error instanceof InvalidOptionError ? USAGE_EXIT_CODE : 1;
  }
}

/** Reads an option as a whole number within limits. */
function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  };
}

/** Several of them, with commas. */
function wholeNumbers(min: number, max: number): (text: string) => number[] {
  const one = wholeNumber(min, max);
  return (text) => text.split(",").map(one);
}

function levels(text: string): Consistency[] {
  return text.split(",").map((word) => {
    const level = LEVELS.find((one) => one === word);
    if (level === undefined) throw new InvalidArgumentError(`It takes ${LEVELS.join(", ")}.`);
    return level;
  });
}
