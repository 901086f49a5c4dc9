import { hasRedisServer } from "../../src/cli/processes/redis-process.js";
import { seededRandom } from "../../src/core/random.js";
import { ALL, shuffled } from "./nemesis/deck.js";
import { openClients } from "./support/clients.js";
import { controls } from "./support/controls.js";
import { Fleet } from "./support/fleet.js";
import { enterOwnNetwork, Network } from "./support/network.js";
import { parseOptions } from "./support/options.js";
import { play } from "./support/round.js";
import { Tally } from "./support/tally.js";

/**
 * `npm run torture -- --minutes M --seed S`: real servers, real sockets, real faults, judged by the history checker.
 */
const options = parseOptions(
  process.argv.slice(2),
  ALL.map(({ name }) => name),
);
if (typeof options === "number") process.exit(options);
if (!hasRedisServer()) {
  console.error("npm run torture needs redis-server on the PATH");
  process.exit(1);
}
const entered = options.without.has("netns") ? "--without netns was given" : await enterOwnNetwork();
if (typeof entered === "number") process.exit(entered);
if (typeof entered === "string") console.log(`!!! NO NETWORK OF ITS OWN: ${entered}\n`);

const network = entered === null ? await Network.open(options.servers) : null;
const fleet = await Fleet.start(options.servers, network);
const started = performance.now();
const elapsedS = (): number => (performance.now() - started) / 1000;
console.log(`seed ${options.seed}, ${options.minutes} minutes, ${options.servers} servers`);

const tally = new Tally(options);
tally.controls = await controls(fleet, seededRandom(options.seed));
if (!options.control) {
  const clients = await openClients(fleet);
  const wanted = ALL.filter(({ name, needsNetwork }) => options.takes(name) && !(needsNetwork && network === null));
  const deck = shuffled(wanted, seededRandom(options.seed));
  for (let round = 0; elapsedS() < options.minutes * 60; round++) {
    // Once each has had its turn alone, two at a time.
    const hand = [deck.next().value, ...(round < wanted.length ? [] : [deck.next().value])];
    const name = hand.map((one) => one.name).join(" + ");
    const result = await play(round, hand, fleet, clients, options.seed * 1000 + 2 * round, options.paceMs);
    tally.add(result);
    console.log(`${elapsedS().toFixed(1).padStart(6)} s  ${tally.line(result, name)}`);
    if (tally.stuck(result)) break;
  }
  for (const { client } of clients) client.disconnect();
}
await fleet.stop();
console.log(tally.report(network === null));
process.exit(tally.complaints(network === null).length === 0 ? 0 : 1);
