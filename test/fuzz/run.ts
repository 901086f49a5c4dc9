import { fuzzRdb } from "./rdb.js";
import { fuzzRequests } from "./requests.js";

/**
 * `npm run fuzz [-- rounds [seed]]`: long runs of what the test suites run shortly. Default: a million rounds.
 */
const rounds = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
const now = (): number => performance.now();

console.log(`rdb: ${rounds} files and DUMP payloads of seed ${seed} …`);
const before = process.memoryUsage().rss;
const result = fuzzRdb(seed, rounds, now);
const grownMb = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
console.log(
  `rdb: ${result.taken} taken, ${result.refused} refused, longest ${result.longestMs.toFixed(1)} ms, memory +${grownMb} MB`,
);

console.log(`requests: ${rounds} of seed ${seed} …`);
const requests = await fuzzRequests(seed, rounds, now);
console.log(
  `requests: ${requests.commands} commands ran on ${requests.connections} connections, longest round ${requests.longestMs.toFixed(1)} ms`,
);
