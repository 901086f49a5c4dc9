// The master dies while orders are written. Nothing is lost in silence: what failed is known, what got lost is reported.
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";

const topology = await DevTopology.start({ replicas: 2 });
const redis = new ReplicatedClient(topology.options);

const story: string[] = [];
redis.on("topology", (event) => {
  if (event.type === "failoverStarted") story.push("failover started");
  if (event.type === "masterChanged" && event.from !== null) story.push("master changed");
  if (event.type === "writesLost") story.push(`lost: ${event.keys.join(", ")}`);
});

await redis.set("order:1", "paid");
while ((await redis.with({ readFrom: "replica", consistency: "eventual" }).get("order:1")) !== "paid");

// This order reaches the master and no replica; then the master is gone.
for (const replica of topology.replicas) replica.faults.freeze();
await redis.set("order:2", "paid");
await topology.failover({ mode: "crash" });

// Written while nobody could take it: it waits for the new master.
await redis.set("order:3", "paid");

// prints: failover started
// prints: master changed
// prints: lost: order:2
console.log(story.join("\n"));
// prints: after it: ["paid",null,"paid"]
console.log(`after it: ${JSON.stringify(await redis.mget("order:1", "order:2", "order:3"))}`);

await redis.quit();
await topology.stop();
