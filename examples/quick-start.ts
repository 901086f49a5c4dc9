// One logical connection over a master and its replicas: the API is ioredis's own.
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";

const topology = await DevTopology.start({ replicas: 2 });
const redis = new ReplicatedClient(topology.options); // { master, replicas }: in production, your URLs

await redis.set("greeting", "hello"); // goes to the master
// From a replica that has the write, else from the master: never older.
console.log(await redis.get("greeting")); // prints: hello

// Everything ioredis can do works: pipelines, transactions, hashes, scripts, callbacks …
await redis.multi().incr("visits").incr("visits").exec();
console.log(Number(await redis.get("visits"))); // prints: 2

// Where would a command go, and why?
console.log(redis.explain("GET", "greeting").intent, redis.explain("SET", "greeting", "x").intent); // prints: read write

await redis.quit();
await topology.stop();
