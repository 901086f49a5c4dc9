import { seededRandom } from "../../src/core/random.js";
import type { History, Operation } from "./history.js";

export interface PlayedOptions {
  readonly operations: number;
  readonly seed?: number;
  /** Readers that forget what they wrote and read now and then: the control. Default 0: none. */
  readonly forgetful?: number;
}

const KEYS = 100;
const SESSIONS = 32;
const CLIENTS = 4;
/** Every so many operations a write is lost, its client told. */
const LOSS_EVERY = 5000;

/**
 * A history as clients that keep every promise would make it, of a master and a replica that trails it by a random
 * number of writes. Some writes stay unknown, some are lost and told.
 */
export function played({ operations: count, seed = 1, forgetful = 0 }: PlayedOptions): History {
  const random = seededRandom(seed);
  const operations: Operation[] = [];
  const order: string[] = [];
  const losses: History["losses"][number][] = [];
  /** Of each key: the places of its writes. */
  const written: number[][] = Array.from({ length: KEYS }, () => []);
  const floor = new Array<number>(SESSIONS).fill(0);
  const clientFloor = Array.from({ length: CLIENTS }, () => new Array<number>(KEYS).fill(0));
  let lossAt = 0;
  for (let at = 0; operations.length < count; at++) {
    const place = random.int(SESSIONS);
    const client = place % CLIENTS;
    const slot = random.int(KEYS);
    const base = {
      client: `client${client}`,
      session: `session${place}`,
      key: `key${slot}`,
      promise: "causal" as const,
    };
    const times = { invoked: at, returned: at + 0.5 };
    if (random.next() < 0.3) {
      const value = `v${operations.length}`;
      if (operations.length - lossAt > LOSS_EVERY) {
        lossAt = operations.length;
        operations.push({ ...base, ...times, kind: "append", value, outcome: "ok" });
        losses.push({ client: base.client, at: at + 0.6, keys: [base.key], keysComplete: true, max: 1 });
        operations.push({ ...base, kind: "read", invoked: at + 0.7, returned: at + 0.8, outcome: "told" });
        continue;
      }
      (written[slot] as number[]).push(order.length);
      order.push(value);
      floor[place] = (clientFloor[client] as number[])[slot] = order.length;
      operations.push({ ...base, ...times, kind: "append", value, outcome: random.next() < 0.01 ? "info" : "ok" });
      continue;
    }
    const need = Math.max(floor[place] as number, (clientFloor[client] as number[])[slot] as number);
    const trailing = order.length - random.int(200);
    const prefix = random.next() < forgetful ? Math.max(0, trailing) : Math.max(need, trailing);
    // A causal session rises to what it may have seen.
    floor[place] = Math.max(floor[place] as number, prefix);
    const seen = lastBelow(written[slot] as number[], prefix);
    operations.push({ ...base, ...times, kind: "read", saw: seen < 0 ? null : (order[seen] as string), outcome: "ok" });
  }
  return { operations, order, losses };
}

function lastBelow(places: readonly number[], prefix: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] as number) < prefix) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : (places[low - 1] as number);
}
