import { check } from "./check.js";
import { played } from "./played.js";

// `npm run checker`: how long a million operations take to be judged, and that the control fails.
const operations = Number(process.argv[2] ?? 1_000_000);
for (const [name, forgetful] of [
  ["clients that keep their promises", 0],
  ["clients that forget (control)", 0.1],
] as const) {
  const history = played({ operations, forgetful });
  const from = process.cpuUsage();
  const { checked, broken } = check(history);
  const { user, system } = process.cpuUsage(from);
  const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
  process.stdout.write(
    `${name}: ${history.operations.length} operations, ${sum(checked)} checks, ${sum(broken)} broken, ${((user + system) / 1e6).toFixed(2)} s of CPU\n`,
  );
}
