// Fastify: the same by two hooks, so that routes know of sessions and nothing of tokens.
import Fastify, { type FastifyInstance } from "fastify";
import { type CarriedSession, type ReplicatedClient, tokenCarrier } from "ioreplica";

declare module "fastify" {
  interface FastifyRequest {
    carried: CarriedSession | null;
  }
}

export function fastifyApp(redis: ReplicatedClient): FastifyInstance {
  const carry = tokenCarrier({ in: "header", name: "x-seen" });
  const app = Fastify();

  app.decorateRequest("carried", null);
  app.addHook("onRequest", async (request) => {
    request.carried = carry(redis, request.headers);
  });
  app.addHook("onSend", async (request, reply) => {
    if (request.carried !== null) reply.headers(await request.carried.headers());
  });

  app.post<{ Params: { item: string } }>("/cart/:item", async (request) =>
    request.carried?.session.rpush("cart", request.params.item),
  );
  app.get("/cart", async (request) => request.carried?.session.lrange("cart", 0, -1));

  return app;
}
