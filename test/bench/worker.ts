// One peer in a process of its own: connects, measures the cells it is told, prints the results as one line of JSON.
import { type PeerName, peers } from "./peers/index.js";
import type { Servers } from "./peers/peer.js";
import { type Measurement, type Mix, measure, type Width, warmUp } from "./workload.js";

/** What the parent process sends, as the only argument. */
export interface Job {
  readonly peer: PeerName;
  readonly servers: Servers;
  readonly cells: readonly { readonly mix: Mix; readonly width: Width }[];
  readonly warmMs: number;
  readonly measureMs: number;
}

/** What this process prints. */
export interface JobResult {
  readonly peer: PeerName;
  readonly version: string;
  readonly measurements: readonly Measurement[];
}

const job = JSON.parse(process.argv[2] ?? "") as Job;
const module = await peers[job.peer]();
const peer = await module.connect(job.servers);
await warmUp(peer);
const measurements: Measurement[] = [];
for (const cell of job.cells) measurements.push(await measure(peer, cell, job));
await peer.close();
const result: JobResult = { peer: job.peer, version: module.version, measurements };
process.stdout.write(`${JSON.stringify(result)}\n`);
