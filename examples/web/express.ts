// Express: each visitor reads what they wrote, whichever process and whichever replica answers.
import express, { type Express } from "express";
import { type ReplicatedClient, tokenCarrier } from "ioreplica";

export function expressApp(redis: ReplicatedClient): Express {
  const carry = tokenCarrier({ name: "seen" });
  const app = express();

  app.post("/cart/:item", async (request, response) => {
    const { session, headers } = carry(redis, request.headers);
    await session.rpush("cart", request.params.item);
    // After the last call of the session, and before the response goes.
    response.set(await headers()).json(await session.llen("cart"));
  });

  app.get("/cart", async (request, response) => {
    const { session, headers } = carry(redis, request.headers);
    const cart = await session.lrange("cart", 0, -1);
    response.set(await headers()).json(cart);
  });

  return app;
}
