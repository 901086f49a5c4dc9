import { Redis } from "ioredis";
import { ReplicatedClient, type TopologyEvent } from "ioreplica";
import { afterEach } from "vitest";
import type { Stage, StageNode } from "../../../src/cli/stage/stage.js";
import { eventually } from "../../support/eventually.js";
import type { StageStart } from "./stages.js";

type ClientOptions = Exclude<ConstructorParameters<typeof ReplicatedClient>[0], string | undefined>;

/** A stage with two replicas, and clients that end with the test. */
export interface World {
  readonly stage: Stage;
  readonly master: StageNode;
  readonly first: StageNode;
  readonly second: StageNode;
  readonly replicas: readonly [StageNode, StageNode];
  /** A client over all nodes, with every replica in use. */
  client(options?: Partial<ClientOptions>): Promise<ReplicatedClient>;
  /** Plain ioredis to one node. */
  plain(node: StageNode): Redis;
  /** Waits until both replicas have what the master wrote. */
  settled(): Promise<void>;
}

/** Gives each test a world of its own; `open()` starts it. Everything in it is ended after the test. */
export function useWorlds(start: StageStart): { open(): Promise<World> } {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return {
    async open() {
      const stage = await start({ replicas: 2 });
      ends.push(() => stage.stop());
      const [master, first, second] = stage.nodes;
      if (first === undefined || second === undefined) throw new Error("two replicas were asked for");
      return {
        stage,
        master,
        first,
        second,
        replicas: [first, second],
        async client(options = {}) {
          const client = new ReplicatedClient({ ...stage.options, ...options } as ClientOptions);
          ends.push(() => client.disconnect());
          await ready(client, stage.options.replicas.length);
          return client;
        },
        plain(node) {
          const client = new Redis(node.port, node.host);
          ends.push(() => client.disconnect());
          return client;
        },
        settled: () => stage.inSync(master, [first, second]),
      };
    },
  };
}

/** Waits until the client has a master and so many replicas in use. */
export async function ready(client: ReplicatedClient, replicas: number): Promise<void> {
  await eventually(() => {
    const { master, replicas: known } = client.topology;
    const up = known.filter((replica) => replica.health === "up").length;
    if (master === null || up < replicas) throw new Error(`master ${master?.id ?? "unknown"}, ${up} replicas up`);
    // Up says that a poll was answered; it serves once a fence of its data connection has come back as well.
    const serving = servingReplicas(client);
    if (serving < replicas) throw new Error(`${serving} of ${replicas} replicas can serve a read`);
  });
}

/** How many replicas could serve a read of a key that nobody wrote, bounds on staleness left aside. */
function servingReplicas(client: ReplicatedClient): number {
  const view = client.with({ consistency: "session", readFrom: "replica", maxStalenessMs: 2 ** 31 - 1 });
  const { node, others } = view.explain("GET", "a key that nobody wrote");
  return (node === null ? 0 : 1) + others.filter(({ reason }) => reason === "could serve it too").length;
}

/** Collects what a client emits as `topology`. */
export function eventsOf(client: ReplicatedClient): TopologyEvent[] {
  const events: TopologyEvent[] = [];
  client.on("topology", (event: TopologyEvent) => events.push(event));
  return events;
}

/** The codes of what rejected, in the order of the promises. */
export async function codesOf(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.flatMap((result) => {
    if (result.status === "fulfilled") return [];
    const { code, message } = result.reason as Error & { code?: string };
    return [code ?? message];
  });
}
