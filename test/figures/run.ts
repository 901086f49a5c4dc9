import { parseArgs } from "node:util";
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

const USAGE = `Measures the figures of failover on real redis-server processes and prints
figure · target · measured · held or missed. Exit code 1 when a count is missed; timings are told only.

  npm run figures                       every scenario
  npm run figures -- --only crash,hang  some of: ${scenarios.map(({ name }) => name).join(", ")}
  npm run figures -- --rounds 3         fewer or more rounds of each
  npm run figures -- --json             for programs
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!hasRedisServer()) throw new Error("redis-server is not on the PATH");
  const names = values.only?.split(",") ?? scenarios.map(({ name }) => name);
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(", ")}\n${USAGE}`);
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  if (rounds !== null && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error("--rounds is a whole number above 0");

  const all: Figure[] = [];
  for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
    const figures = await measured(scenario, rounds ?? scenario.rounds);
    all.push(...figures);
    if (!values.json) for (const figure of figures) process.stdout.write(`${line(figure)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  const missed = all.filter(({ held }) => !held);
  const counts = missed.filter(({ kind }) => kind === "count").length;
  if (!values.json) {
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

process.exitCode = await main();
