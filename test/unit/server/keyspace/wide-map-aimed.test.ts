import { afterAll, expect, it, vi } from "vitest";

const slots = "../../../../src/server/keyspace/slots.js";

afterAll(() => {
  vi.doUnmock(slots);
  vi.resetModules();
});

it("keeps entries together whose hashes somebody chose to be alike, instead of dividing again and again", async () => {
  // Other tests may have loaded the map with its own hash before.
  vi.resetModules();
  vi.doMock(slots, () => ({ hashOf: Number }));
  const { WideMap } = await import("../../../../src/server/keyspace/wide-map.js");
  const map = new WideMap<number>();
  for (let i = 0; i < 6000; i++) map.set(String(i * 2 ** 18), i);
  const image = map.image(false);
  // Divided twice into 32; for a third time there would have to be more entries than places.
  expect(image.partCount).toBe(63);
  expect(Math.max(...[...image.parts()].map((part) => part.size))).toBe(6000);
  expect([map.get(String(5999 * 2 ** 18)), map.get("1")]).toEqual([5999, undefined]);
});
