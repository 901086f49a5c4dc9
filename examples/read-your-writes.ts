// Replicas that lag: two plain connections lose sight of their own writes, a ReplicatedClient never does.
import { Redis } from "ioredis";
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";

const topology = await DevTopology.start({ replicas: 2, lagMs: 50 });
const { master, replicas } = topology.options;

const writer = new Redis(master);
const reader = new Redis(String(replicas[0]));
let missedByPlain = 0;
for (let i = 0; i < 20; i++) {
  await writer.set("cart", `${i} items`);
  if ((await reader.get("cart")) !== `${i} items`) missedByPlain++;
}

const redis = new ReplicatedClient(topology.options);
let missed = 0;
for (let i = 0; i < 20; i++) {
  await redis.set("cart", `${i} items`);
  if ((await redis.get("cart")) !== `${i} items`) missed++;
}

// prints: own writes missed: two plain connections … of 20, ReplicatedClient 0 of 20
console.log(`own writes missed: two plain connections ${missedByPlain} of 20, ReplicatedClient ${missed} of 20`);

await Promise.all([writer.quit(), reader.quit(), redis.quit()]);
await topology.stop();
