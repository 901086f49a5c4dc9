// How old may a read be? A page for everybody tolerates a second; a price at checkout tolerates nothing.
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";

const topology = await DevTopology.start({ replicas: 1 });
const shop = new ReplicatedClient(topology.options);
const admin = new ReplicatedClient(topology.options); // somebody else: their writes are not "own" writes of the shop

await admin.set("price", "10.00");
const tolerant = shop.with({ consistency: "eventual" });
while ((await tolerant.get("price")) !== "10.00"); // until the replica has it

// The replica stops applying what the master writes, and goes on answering.
topology.replicas[0]?.faults.freeze();
await admin.set("price", "12.00");
// prints: any replica will do:     10.00
console.log(`any replica will do:     ${await tolerant.get("price")}`);

// With a tolerance, a replica that may be older is passed over.
const strict = shop.with({ maxStalenessMs: 100 });
let price = await strict.get("price");
while (price !== "12.00") price = await strict.get("price"); // for the 100 ms that were allowed
// prints: at most 100 ms old:      12.00
console.log(`at most 100 ms old:      ${price}`);
// prints: from the master, always: 12.00
console.log(`from the master, always: ${await shop.with({ readFrom: "master" }).get("price")}`);

await Promise.all([shop.quit(), admin.quit()]);
await topology.stop();
