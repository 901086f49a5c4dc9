import { rmSync } from "node:fs";
import { hasRedisServer } from "../../src/cli/processes/redis-process.js";
import { seededRandom } from "../../src/core/random.js";
import { makeCertificates } from "../support/certificates.js";
import { ALL } from "./nemesis/deck.js";
import { openClients } from "./support/clients.js";
import { controls } from "./support/controls.js";
import { Fleet } from "./support/fleet.js";
import { Listeners } from "./support/listeners.js";
import { enterOwnNetwork, Network } from "./support/network.js";
import { type Options, parseOptions } from "./support/options.js";
import { play } from "./support/round.js";
import { SENTINELS } from "./support/sentinels.js";
import { named, stints } from "./support/set-up.js";
import { Tally } from "./support/tally.js";

/**
 * `npm run torture -- --minutes M --seed S`: real servers, real sockets, real faults, judged by the history checker.
 */
/** How much longer than asked for a run may take until each nemesis had its turn. */
const GRACE = 1.25;
const parsed = parseOptions(
  process.argv.slice(2),
  ALL.map(({ name }) => name),
);
if (typeof parsed === "number") process.exit(parsed);
const options: Options = parsed;
if (!hasRedisServer()) {
  console.error("npm run torture needs redis-server on the PATH");
  process.exit(1);
}
const entered = options.without.has("netns") ? "--without netns was given" : await enterOwnNetwork();
if (typeof entered === "number") process.exit(entered);
if (typeof entered === "string") console.log(`!!! NO NETWORK OF ITS OWN: ${entered}\n`);

const network = entered === null ? await Network.open(options.servers + SENTINELS) : null;
const certificates = makeCertificates(namesOf(network, options.servers));
const fleet = await Fleet.start(options.servers, network, certificates);
const started = performance.now();
const elapsedS = (): number => (performance.now() - started) / 1000;
console.log(`seed ${options.seed}, ${options.minutes} minutes, ${options.servers} servers`);

const tally = new Tally(options);
tally.controls = await controls(fleet, seededRandom(options.seed));
const wanted = ALL.filter(({ name, needsNetwork }) => options.takes(name) && !(needsNetwork && network === null));
if (!options.control && wanted.length > 0) await playAll();
await fleet.stop();
rmSync(certificates.dir, { recursive: true });
console.log(tally.report(network === null));
process.exit(tally.complaints(network === null).length === 0 ? 0 : 1);

/** Stint after stint, each with clients of its own, until the time is over or calls hang. */
async function playAll(): Promise<void> {
  let round = 0;
  for (const { setUp, hands, solo } of stints(wanted, seededRandom(options.seed))) {
    // On a machine that is busy otherwise, rather a little longer than without some of them.
    const untilS = options.minutes * 60 * (solo && tally.isFull ? GRACE : 1);
    if (elapsedS() >= untilS) return;
    await fleet.arrange(setUp);
    const clients = await openClients(fleet);
    const listeners = await Listeners.open(clients);
    console.log(`${elapsedS().toFixed(1).padStart(6)} s  -- ${named(setUp)}`);
    try {
      for (const hand of hands) {
        if (elapsedS() >= untilS) return;
        const seed = options.seed * 1000 + 2 * round;
        const result = await play(round++, hand, fleet, clients, listeners, seed, options.paceMs);
        tally.add(result);
        console.log(`${elapsedS().toFixed(1).padStart(6)} s  ${tally.line(result)}`);
        if (tally.stuck(result)) return;
      }
    } finally {
      for (const { client } of clients) client.disconnect();
    }
  }
}

/** All addresses by which clients reach servers, as names of a certificate. */
function namesOf(hosts: Network | null, servers: number): string {
  const names =
    hosts === null ? ["127.0.0.1"] : [hosts.gateway, ...Array.from({ length: servers }, (_, i) => hosts.hostOf(i))];
  return names.map((name) => `IP:${name}`).join(",");
}
