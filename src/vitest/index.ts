import { test as base, type TestAPI } from "vitest";
import { ReplicatedClient, type ReplicatedClientOptions } from "../index.js";
import { DevServer, type DevServerOptions, DevTopology, type DevTopologyOptions } from "../server/index.js";

/** What a test may ask for by name. What it doesn't ask for is not started. */
export interface DevFixtures {
  /** How {@link DevFixtures.topology} starts; set it with `test.extend({ topologyOptions: … })`. Default `{}`. */
  topologyOptions: DevTopologyOptions;
  /** How {@link DevFixtures.server} starts; set like `topologyOptions`. Default `{}`. */
  serverOptions: DevServerOptions;
  /** Options of {@link DevFixtures.redis}, beside the addresses; set like `topologyOptions`. Default `{}`. */
  clientOptions: ReplicatedClientOptions;
  /** A fresh topology, in sync; stopped after the test, whatever became of it. */
  topology: DevTopology;
  /** A fresh server that stands alone; stopped after the test. */
  server: DevServer;
  /** Makes clients of the test's `topology`; all of them are disconnected after the test. */
  connect: (options?: ReplicatedClientOptions) => ReplicatedClient;
  /** A client of `topology`, connected. */
  redis: ReplicatedClient;
}

/**
 * vitest's `test` with a Redis of its own for each test that asks for one:
 * `test("…", async ({ redis, topology }) => { … })`.
 */
export const test: TestAPI<DevFixtures> = base.extend<DevFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its first parameter
  topologyOptions: async ({}, use) => use({}),
  // biome-ignore lint/correctness/noEmptyPattern: as above
  serverOptions: async ({}, use) => use({}),
  // biome-ignore lint/correctness/noEmptyPattern: as above
  clientOptions: async ({}, use) => use({}),

  topology: async ({ topologyOptions }, use) => {
    const topology = await DevTopology.start(topologyOptions);
    try {
      await use(topology);
    } finally {
      await topology.stop();
    }
  },

  server: async ({ serverOptions }, use) => {
    const server = await DevServer.start(serverOptions);
    try {
      await use(server);
    } finally {
      await server.stop();
    }
  },

  connect: async ({ topology }, use) => {
    const clients: ReplicatedClient[] = [];
    try {
      await use((options = {}) => {
        const addresses = topology.options;
        const redisOptions = { ...addresses.redisOptions, ...options.redisOptions };
        const client = new ReplicatedClient({ ...addresses, ...options, redisOptions });
        clients.push(client);
        return client;
      });
    } finally {
      for (const client of clients) client.disconnect();
    }
  },

  redis: async ({ connect, clientOptions }, use) => {
    const client = connect(clientOptions);
    await client.connect();
    await use(client);
  },
});
