import { expect, it } from "vitest";
import { check } from "./check.js";
import type { History, Operation } from "./history.js";
import { played } from "./played.js";

const SMALL = 2000;
const LARGE = 32_000;

it("finds nothing in a long history that keeps every promise, and much in one of clients that forget", () => {
  const right = check(played({ operations: LARGE }));
  expect(right.violations).toEqual([]);
  expect(right.checked.readYourWrites).toBeGreaterThan(LARGE / 2);
  expect(right.checked.noSilentLoss).toBeGreaterThan(0);
  const { broken } = check(played({ operations: LARGE, forgetful: 0.5 }));
  expect(broken.readYourWrites).toBeGreaterThan(LARGE / 100);
  expect(broken.monotonicReads).toBeGreaterThan(LARGE / 100);
});

it("looks at operations in proportion to n log n, where all write and read one key", () => {
  const looks = (operations: number): number => {
    let count = 0;
    const watch = (one: Operation): Operation =>
      new Proxy(one, {
        get(target, name) {
          count++;
          return Reflect.get(target, name) as unknown;
        },
      });
    const { order, ...rest } = oneKey(played({ operations }));
    check({ ...rest, order, operations: rest.operations.map(watch) });
    return count;
  };
  const times = LARGE / SMALL;
  expect(looks(LARGE) / looks(SMALL)).toBeLessThan((times * Math.log2(LARGE)) / Math.log2(SMALL));
});

/** The same calls, all of one client and one key, with a bound on every read: each read has all writes before it. */
function oneKey({ operations, order, losses }: History): History {
  const places = new Map(order.map((value, place) => [value, place]));
  let last = -1;
  const made = operations.map((one): Operation => {
    if (one.kind === "append") last = Math.max(last, places.get(one.value as string) ?? -1);
    const bound = one.kind === "read" ? { maxStalenessMs: 1, promise: "strong" as const } : {};
    return {
      ...one,
      client: "c",
      session: "s",
      key: "k",
      ...(one.saw === undefined ? {} : { saw: order[last] as string }),
      ...bound,
    };
  });
  return { operations: made, order, losses: losses.map((loss) => ({ ...loss, client: "c", keys: ["k"] })) };
}
