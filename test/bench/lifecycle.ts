// How long it takes to start a topology, and what is left of a thousand of them.
import { spread } from "./spread.js";

const { DevTopology } = (await import(
  new URL("../../dist/server/index.js", import.meta.url).href
)) as typeof import("../../src/server/index.js");

const STARTS = 60;
const startMs: number[] = [];
const stopMs: number[] = [];
for (let i = 0; i < STARTS; i++) {
  const began = performance.now();
  const topology = await DevTopology.start({ replicas: 2 });
  startMs.push(performance.now() - began);
  const ending = performance.now();
  await topology.stop();
  stopMs.push(performance.now() - ending);
}
const text = (values: readonly number[]): string => {
  const { median, min, max } = spread(values);
  return `median ${median.toFixed(1)} ms (${min.toFixed(1)} to ${max.toFixed(1)})`;
};
process.stdout.write(`start with two replicas in sync: ${text(startMs)}\nstop: ${text(stopMs)}\n`);
