import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";

/** Where the shop reads and where it writes: one client for both, or two. */
export interface ShopConnections {
  readonly reads: Pick<Redis, "get" | "hgetall">;
  readonly writes: Pick<Redis, "set" | "hset" | "decr">;
}

const productCount = 500;

/** Something that goes on until it is stopped. */
export interface Activity {
  /** Resolves when the last command under way is answered. */
  stop(): Promise<void>;
}

/** Runs `step` again and again in `count` places at once, with a pause in between. `step` must not reject. */
export function keepDoing(count: number, pauseMs: number, step: (place: number) => Promise<void>): Activity {
  let over = false;
  const places = Array.from({ length: count }, async (_, place) => {
    while (!over) {
      await step(place);
      await sleep(pauseMs);
    }
  });
  return {
    stop: async () => {
      over = true;
      await Promise.all(places);
    },
  };
}

/** Puts the products and their stock there. */
export async function openShop(writes: Pick<Redis, "set" | "hset">): Promise<void> {
  await Promise.all(
    Array.from({ length: productCount }, (_, index) =>
      Promise.all([
        writes.hset(`product:${index}`, {
          name: `Product ${index}`,
          price: `${(index % 90) + 9}.50`,
          text: "x".repeat(80),
        }),
        writes.set(`stock:${index}`, 1_000_000),
      ]),
    ),
  );
}

/** A visitor's look at a product page, whose data must be there. */
export async function viewProduct({ reads }: ShopConnections): Promise<void> {
  const index = anyProduct();
  const [product, stock] = await Promise.all([reads.hgetall(`product:${index}`), reads.get(`stock:${index}`)]);
  if (product["name"] !== `Product ${index}` || stock === null) throw new Error(`product ${index} is not in the shop`);
}

/** A purchase: the stock goes down, an order is written. */
export async function buy({ writes }: ShopConnections, order: string): Promise<void> {
  const index = anyProduct();
  await Promise.all([writes.decr(`stock:${index}`), writes.hset(order, { product: `${index}`, count: "1" })]);
}

/** A customer changes the cart and looks at it; whether the look showed the change. */
export async function changeCart({ reads, writes }: ShopConnections, cart: string, content: string): Promise<boolean> {
  await writes.set(cart, content);
  return (await reads.get(cart)) === content;
}

function anyProduct(): number {
  return Math.floor(Math.random() * productCount);
}
