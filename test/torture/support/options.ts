import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

/** What a run was asked for. */
export interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly servers: number;
  /** Milliseconds between two calls of one loop, on average. */
  readonly paceMs: number;
  /** Only the controls, which must fail. */
  readonly control: boolean;
  readonly without: ReadonlySet<string>;
  /** Not all nemeses were asked for: their absence is no failure. */
  readonly partial: boolean;
  takes(nemesis: string): boolean;
}

/** sysexits.h: the command line can't be meant. */
const USAGE_EXIT_CODE = 64;

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly servers: number;
  readonly pace: number;
  readonly only?: readonly string[];
  readonly without?: string;
  readonly control: boolean;
}

/** What the words ask for, or the exit code where they ask for help or for nothing that there is: that has been printed. */
export function parseOptions(args: readonly string[], nemeses: readonly string[]): Options | number {
  const program = new Command("npm run torture --")
    .description(
      "Real redis-server processes under load and under every fault, judged by the history checker; exit code 1 on any violation.",
    )
    .option("--minutes <minutes>", "how long; every nemesis occurs from two on", atLeast(0), 2)
    .addOption(
      new Option("--seed <seed>", "of the plan; a failed run prints its own")
        .argParser(atLeast(0))
        .default(Math.floor(Math.random() * 2 ** 31), "one of chance"),
    )
    .option("--servers <count>", "a master and its replicas", atLeast(3), 3)
    .option("--pace <ms>", "milliseconds between two calls of one loop, on average", atLeast(0), 3)
    .option("--only <nemeses>", `some nemeses, with commas: ${nemeses.join(", ")}`, someOf(nemeses))
    .addOption(new Option("--without <what>", "what this machine can't do").choices(["netns"]))
    .option("--control", "only the controls, clients without the guarantees that must be found out", false)
    .helpOption("-h, --help", "this")
    .exitOverride();
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    throw error;
  }
  const { minutes, seed, servers, pace, only, without, control } = program.opts<Flags>();
  return {
    minutes,
    seed,
    servers,
    paceMs: pace,
    control,
    without: new Set(without === undefined ? [] : [without]),
    partial: only !== undefined,
    takes: (nemesis) => only?.includes(nemesis) ?? true,
  };
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text !== "" && value >= least) return value;
    throw new InvalidArgumentError(`It takes a number, at least ${least}.`);
  };
}

function someOf(names: readonly string[]): (text: string) => string[] {
  return (text) => {
    const words = text.split(",");
    const wrong = words.find((word) => !names.includes(word));
    if (wrong === undefined) return words;
    throw new InvalidArgumentError(`There is no ${wrong === "" ? "nemesis without a name" : wrong}.`);
  };
}
