import { setTimeout as sleep } from "node:timers/promises";
import { ReplicatedClient, type TopologyEvent } from "../../index.js";
import { clip } from "../demo/view.js";
import { parseFields } from "../processes/info-fields.js";
import { clientOptions, type TargetFlags } from "../target/flags.js";
import { eventLine } from "./event-line.js";
import { type MonitorView, monitorFrame, nodesTable } from "./frame.js";
import { type Counts, countsIn, type Rates, ratesBetween } from "./rates.js";

/** What `ioreplica monitor` takes. */
export interface MonitorFlags extends TargetFlags {
  /** Milliseconds between two looks at each node. */
  readonly interval: number;
  /** Seconds after which it ends by itself. */
  readonly for?: number;
  readonly once: boolean;
  readonly json: boolean;
}

/** So many of the latest events stand below the nodes. */
const SHOWN_EVENTS = 12;
/** Looks after which the nodes are shown, whatever is still unknown of them. */
const PATIENCE_LOOKS = 5;

/**
 * Shows the topology and its events as they come: redrawn in a terminal, lines in a pipe.
 *
 * @returns the exit code: 0, or 2 if no node ever answered
 */
export async function runMonitor(urls: readonly string[], flags: MonitorFlags): Promise<number> {
  const client = new ReplicatedClient({
    ...clientOptions(urls, flags),
    pollIntervalMs: flags.interval,
    lazyConnect: true,
  });
  client.on("error", () => {});
  const monitor = new Monitor(client, flags);
  try {
    await monitor.run();
  } finally {
    client.disconnect();
  }
  return client.topology.nodes.some(({ role }) => role !== "unknown") ? 0 : 2;
}

class Monitor {
  readonly #counts = new Map<string, Counts>();
  readonly #rates = new Map<string, Rates | null>();
  readonly #events: string[] = [];
  readonly #live: boolean;
  #height = 0;
  #over = false;

  constructor(
    private readonly client: ReplicatedClient,
    private readonly flags: MonitorFlags,
  ) {
    this.#live = process.stdout.isTTY && !flags.json && !flags.once;
  }

  async run(): Promise<void> {
    const ended = new AbortController();
    const end = (): void => {
      this.#over = true;
      ended.abort();
    };
    process.once("SIGINT", end);
    process.once("SIGTERM", end);
    const limit = this.flags.for === undefined ? null : setTimeout(end, this.flags.for * 1000);
    this.client.on("topology", (event: TopologyEvent) => this.#tell(event));
    // While there is no master the view goes on: that is when it is looked at.
    this.client.connect().catch(() => {});
    try {
      let looks = 0;
      let shown = false;
      while (!this.#over) {
        await sleep(this.flags.interval, undefined, { signal: ended.signal }).catch(() => {});
        if (this.#over) break;
        await this.#count();
        looks++;
        if (this.#live) this.#draw();
        // The second look is the first that has rates; a node that neither answers nor refuses is waited for no longer.
        if (looks < 2 || (looks < PATIENCE_LOOKS && this.#asking()) || shown) continue;
        if (this.flags.once) break;
        shown = true;
        if (!this.#live && !this.flags.json) this.#print(nodesTable(this.#view()));
      }
      if (this.flags.once) this.#print(this.#snapshot());
    } finally {
      if (limit !== null) clearTimeout(limit);
      process.off("SIGINT", end);
      process.off("SIGTERM", end);
    }
  }

  #asking(): boolean {
    return this.client.topology.nodes.some(({ health }) => health === "connecting");
  }

  #tell(event: TopologyEvent): void {
    if (this.flags.once) return;
    if (this.flags.json) return this.#print(JSON.stringify(event));
    if (!this.#live) return this.#print(eventLine(event));
    this.#events.push(eventLine(event));
    if (this.#events.length > SHOWN_EVENTS) this.#events.shift();
    this.#draw();
  }

  /** What each node has run since the last look; a node that doesn't tell has no rates. */
  async #count(): Promise<void> {
    await Promise.all(
      this.client.topology.nodes.map(async ({ id }) => {
        const view = this.client.with({ timeoutMs: this.flags.interval });
        const counts = await Promise.resolve()
          .then(() => view.node(id).call("INFO", "commandstats"))
          .then((text) => countsIn(parseFields(String(text)), performance.now()))
          .catch(() => null);
        this.#rates.set(id, counts === null ? null : ratesBetween(this.#counts.get(id), counts));
        if (counts !== null) this.#counts.set(id, counts);
      }),
    );
    for (const id of this.#counts.keys())
      if (!this.client.topology.nodes.some((node) => node.id === id)) {
        this.#counts.delete(id);
        this.#rates.delete(id);
      }
  }

  #view(): MonitorView {
    return { topology: this.client.topology, rates: this.#rates, events: this.#events };
  }

  #snapshot(): string {
    if (!this.flags.json) return monitorFrame(this.#view()).join("\n").trimEnd();
    const { topology, rates } = this.#view();
    return JSON.stringify({ at: Date.now(), topology, rates: Object.fromEntries(rates) });
  }

  #draw(): void {
    const lines = monitorFrame(this.#view())
      .slice(0, Math.max(1, process.stdout.rows - 1))
      .map((line) => clip(line, process.stdout.columns));
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : "";
    const rest = this.#height > lines.length ? "\u001b[J" : "";
    process.stdout.write(`${up}${lines.map((line) => `\r${line}\u001b[K\n`).join("")}${rest}`);
    this.#height = lines.length;
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}
