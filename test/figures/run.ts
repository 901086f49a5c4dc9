import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { hasRedisServer } from "../../src/cli/processes/redis-process.js";
import { cost } from "./cost.js";
import { crash } from "./crash.js";
import { cutReplies } from "./cut-replies.js";
import { falseAlarms } from "./false-alarms.js";
import type { Figure, Scenario } from "./figure.js";
import { hang } from "./hang.js";
import { hotWriter } from "./hot-writer.js";
import { maintenance } from "./maintenance.js";
import { planned } from "./planned.js";
import { promotion } from "./promotion.js";
import { reads } from "./reads.js";

const scenarios: readonly Scenario[] = [
  planned,
  maintenance,
  promotion,
  crash,
  hang,
  falseAlarms,
  cutReplies,
  reads,
  hotWriter,
  cost,
];

/** sysexits.h: the command line can't be meant. */
const USAGE_EXIT_CODE = 64;

interface Flags {
  readonly only?: readonly string[];
  readonly rounds?: number;
  readonly short: boolean;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const program = new Command("npm run figures --")
    .description(
      "The figures of failover on real redis-server processes: figure · target · measured · held or missed. Exit code 1 when a count is missed; timings are told only.",
    )
    .option("--only <scenarios>", `some, with commas: ${scenarios.map(({ name }) => name).join(", ")}`, someOf)
    .addOption(
      new Option("--rounds <count>", "of each scenario, more or fewer").argParser(wholeNumber).conflicts("short"),
    )
    .option("--short", "so few rounds as tell the counts, without the scenarios that only measure: about 40 s", false)
    .option("--json", "for programs", false)
    .helpOption("-h, --help", "this")
    .exitOverride();
  try {
    program.parse();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    throw error;
  }
  const { only, rounds, short, json } = program.opts<Flags>();
  if (!hasRedisServer()) {
    process.stderr.write("redis-server is not on the PATH\n");
    return 1;
  }
  const wanted = scenarios.filter((scenario) => only?.includes(scenario.name) ?? !(short && scenario.short === 0));

  const all: Figure[] = [];
  for (const scenario of wanted) {
    const figures = await measured(scenario, rounds ?? (short ? Math.max(1, scenario.short) : scenario.rounds));
    all.push(...figures);
    if (!json) for (const figure of figures) process.stdout.write(`${line(figure)}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  const missed = all.filter(({ held }) => !held);
  const counts = missed.filter(({ kind }) => kind === "count").length;
  if (!json) {
    const tail = "violations per 10⁶ operations under all faults: npm run torture, npm run sim";
    process.stdout.write(
      `\n${all.length - missed.length} of ${all.length} held, ${counts} counts and ${missed.length - counts} timings missed (${tail})\n`,
    );
  }
  return counts === 0 ? 0 : 1;
}

/** A scenario that breaks off is a missed count, and the others are run all the same. */
async function measured(scenario: Scenario, rounds: number): Promise<Figure[]> {
  try {
    return await scenario.run(rounds);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ figure: scenario.name, target: "runs to its end", measured: reason, held: false, kind: "count" }];
  }
}

function line({ figure, target, measured, held }: Figure): string {
  return `${figure} · ${target} · ${measured} · ${held ? "held" : "MISSED"}`;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It takes a whole number above 0.");
}

function someOf(text: string): string[] {
  const words = text.split(",");
  const wrong = words.find((word) => !scenarios.some(({ name }) => name === word));
  if (wrong !== undefined) throw new InvalidArgumentError(`There is no scenario "${wrong}".`);
  return words;
}

process.exitCode = await main();
