import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CarryOptions, type ReplicatedClient, tokenCarrier } from "ioreplica";
import { afterEach, expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

onEachStage("a session carried over HTTP", (start) => {
  const worlds = useWorlds(start);
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** One process of an application: POST adds to the cart, GET shows it. */
  async function application(redis: ReplicatedClient, options?: CarryOptions): Promise<string> {
    const carry = tokenCarrier(options);
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { session, headers } = carry(redis, request.headers);
      if (request.method === "POST") await session.rpush("cart", request.url ?? "");
      const cart = await session.lrange("cart", 0, -1);
      response.writeHead(200, await headers()).end(JSON.stringify(cart));
    };
    const server = createServer((request, response) => {
      answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => void server.close().closeAllConnections());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("shows in one process what the same caller wrote in another, by cookie and by header", async () => {
    const { stage, replicas, client } = await worlds.open();
    const writes = await client();
    const reads = await client({ readFrom: "replica", readHoldMs: 10_000 });
    for (const options of [{ name: "seen" }, { in: "header", name: "x-seen" }] as const) {
      const first = await application(writes, options);
      const second = await application(reads, options);
      const thaws = await Promise.all(replicas.map((replica) => stage.freeze(replica)));
      const posted = await fetch(`${first}/apple`, { method: "POST" });
      const cart = (await posted.json()) as string[];
      const cookie = posted.headers.get("set-cookie");
      if ("in" in options) expect(posted.headers.get("x-seen")).toMatch(/^[\w-]{1,256}$/);
      else expect(cookie).toMatch(/^seen=[\w-]{1,256}; Path=\/; Max-Age=3600; SameSite=Lax; Secure; HttpOnly$/);
      const carried =
        "in" in options
          ? { "x-seen": posted.headers.get("x-seen") ?? "" }
          : { cookie: `theme=dark; ${cookie?.split(";")[0] ?? ""}` };
      // A stranger is shown what the replica has; who wrote is shown what was written.
      expect(await (await fetch(second)).json()).not.toEqual(cart);
      const answer = fetch(second, { headers: carried });
      for (const thaw of thaws) await thaw();
      expect(await (await answer).json()).toEqual(cart);
      // What is no token is no error.
      const garbage = "in" in options ? { "x-seen": "garbage" } : { cookie: "seen=garbage" };
      expect((await fetch(second, { headers: garbage })).status).toBe(200);
    }
    expect(reads.tokens).toEqual({ invalid: 2, expired: 0 });
  });
});
