// Runs both examples as two processes would: one writes, another reads from replicas that lag. Exits 1 if one fails.
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ReplicatedClient } from "ioreplica";
import { DevTopology } from "ioreplica/dev";
import { expressApp } from "./express.js";
import { fastifyApp } from "./fastify.js";

type Start = (redis: ReplicatedClient) => Promise<{ url: string; stop(): Promise<void> }>;

const frameworks: Record<string, Start> = {
  express: (redis) => listen(expressApp(redis)),
  async fastify(redis) {
    const app = fastifyApp(redis);
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), stop: () => app.close() };
  },
};

async function listen(app: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** What a browser would send back. */
function carriedBy(response: Response): Record<string, string> {
  const cookie = response.headers.get("set-cookie");
  const header = response.headers.get("x-seen");
  return cookie !== null ? { cookie: String(cookie.split(";")[0]) } : { "x-seen": String(header) };
}

async function check(start: Start): Promise<void> {
  const topology = await DevTopology.start({ replicas: 2, lagMs: 200 });
  const clients = [
    new ReplicatedClient(topology.options),
    new ReplicatedClient({ ...topology.options, readFrom: "replica", readHoldMs: 10_000 }),
  ] as const;
  const [writes, reads] = await Promise.all(clients.map(start));
  assert(writes !== undefined && reads !== undefined);
  try {
    await Promise.all(clients.map((client) => client.ping()));
    for (let i = 1; i <= 3; i++) {
      const posted: Response = await fetch(`${writes.url}/cart/apple`, { method: "POST" });
      assert.equal(posted.status, 200);
      const stranger = (await (await fetch(`${reads.url}/cart`)).json()) as string[];
      const own = (await (await fetch(`${reads.url}/cart`, { headers: carriedBy(posted) })).json()) as string[];
      assert.ok(stranger.length < i, "the replicas lag, so a stranger sees the cart as it was");
      assert.equal(own.length, i, "whoever wrote sees what was written");
    }
    const garbage = await fetch(`${reads.url}/cart`, { headers: { cookie: "seen=garbage", "x-seen": "garbage" } });
    assert.equal(garbage.status, 200);
    await garbage.json();
  } finally {
    await Promise.all([writes.stop(), reads.stop()]);
    await Promise.all(clients.map((client) => client.quit()));
    await topology.stop();
  }
}

let failed = 0;
for (const [name, start] of Object.entries(frameworks)) {
  try {
    await check(start);
    process.stdout.write(`ok    ${name}\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`FAILS ${name}\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
process.stdout.write(`${Object.keys(frameworks).length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
