// Run by cycles.test.ts in a process of its own, with --expose-gc: starts and stops topologies, then tells what is left.
import { createHook } from "node:async_hooks";
import { DevTopology } from "../../../src/server/index.js";

const CYCLES = Number(process.argv[2]);

/** Timers that go on, also those that keep no process alive, of which the list of active resources says nothing. */
const timers = new Set<number>();
createHook({
  init(id, type) {
    if (type === "Timeout") timers.add(id);
  },
  destroy(id) {
    timers.delete(id);
  },
}).enable();

/** Lets what was closed be closed. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}

async function cycle(): Promise<void> {
  const topology = await DevTopology.start({ replicas: 1 });
  await topology.stop();
}

for (let i = 0; i < 50; i++) await cycle();
await settle();
const heapBefore = process.memoryUsage().heapUsed;
const timersBefore = timers.size;
const resourcesBefore = process.getActiveResourcesInfo().length;
for (let i = 0; i < CYCLES; i++) await cycle();
await settle();
const report = {
  resources: process.getActiveResourcesInfo().length - resourcesBefore,
  timers: timers.size - timersBefore,
  heapMb: (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20,
};
process.stdout.write(JSON.stringify(report));
