import { describe, expect, it } from "vitest";
import { KeyLedger } from "../../../../src/client/consistency/key-ledger.js";
import { NONE } from "../../../../src/client/consistency/need.js";
import { ResolvedBatches } from "../../../../src/client/consistency/resolved-batches.js";
import { type Entry, WriteBatch, type WriteFollower } from "../../../../src/client/consistency/write-batch.js";
import { WriteHistory } from "../../../../src/client/consistency/write-history.js";

const KEYS = 100;
const ROUNDS = 2000;

/** A client without replicas in rotation: nothing is ever swept. */
function lonely(trackedKeys = KEYS) {
  const ledger = new KeyLedger({ trackedKeys, history: new WriteHistory() });
  ledger.adopt("a".repeat(40), null, 0);
  let offset = 0;
  return {
    ledger,
    /** Writes these keys, and resolves them with one fence. */
    write(...keys: readonly string[]): number {
      for (const key of keys) ledger.acked(ledger.issue(0, key));
      offset += 10;
      ledger.fenceReplied(ledger.fenceSent(), offset);
      return offset;
    },
  };
}

// Fifty fences a second each left a batch behind for ever, with every key that was written in between, where no replica
// was there to have passed them.
describe("without a replica to sweep by, keys that are written again and again", () => {
  it("are listed no more often than twice, however long it goes on", () => {
    const { ledger, write } = lonely();
    const keys = Array.from({ length: KEYS }, (_, i) => `k${i}`);
    let most = 0;
    for (let i = 0; i < ROUNDS; i++) {
      write(...keys);
      most = Math.max(most, ledger.listed);
    }
    expect(ledger.size).toBe(KEYS);
    expect(most).toBeLessThanOrEqual(2 * KEYS + 64);
  });

  it("don't pile up behind one that was written once, and keep their order with it", () => {
    const { ledger, write } = lonely();
    const cold = write("cold");
    let hot = 0;
    for (let i = 0; i < ROUNDS; i++) hot = write("hot");
    expect(ledger.listed).toBeLessThanOrEqual(2 * 2 + 64);
    expect([ledger.need(0, "cold"), ledger.need(0, "hot")]).toEqual([cold, hot]);
    ledger.sweep(cold);
    expect([ledger.need(0, "cold"), ledger.need(0, "hot"), ledger.droppedFloor]).toEqual([NONE, hot, cold]);
    ledger.sweep(hot - 1);
    expect(ledger.need(0, "hot")).toBe(hot);
    ledger.sweep(hot);
    expect([ledger.need(0, "hot"), ledger.listed]).toEqual([NONE, 0]);
  });

  it("fold at the bound, oldest first, as if nothing had been left out", () => {
    const { ledger, write } = lonely(2);
    for (let i = 0; i < ROUNDS; i++) write("hot");
    const first = write("first");
    const second = write("second");
    write("hot");
    const third = write("third");
    expect(ledger.size).toBeLessThanOrEqual(2);
    expect(ledger.floor).toBe(second);
    expect([ledger.need(0, "first"), ledger.need(0, "third")]).toEqual([second, third]);
    expect(first).toBeLessThan(second);
  });
});

it("a batch that only sessions wait for, who have read something, takes no place in the list", () => {
  const { ledger } = lonely();
  const seen: number[] = [];
  const session: WriteFollower = {
    issued() {},
    answered() {},
    notApplied() {},
    resolvedAt: (offset) => void seen.push(offset),
    cutOff() {},
  };
  for (let i = 1; i <= 3; i++) {
    ledger.observed(session);
    ledger.fenceReplied(ledger.fenceSent(), i);
  }
  expect(seen).toEqual([1, 2, 3]);
  expect(ledger.listed).toBe(0);
  const resolved = new ResolvedBatches();
  resolved.append(new WriteBatch(), 0);
  expect(resolved.oldest).toBeNull();
});

it("an emptied list begins anew, and one whose end was left out ends before it", () => {
  const resolved = new ResolvedBatches();
  const batchOf = (live: boolean, entries: number): WriteBatch => {
    const batch = new WriteBatch();
    for (let i = 0; i < entries; i++) {
      const entry = { batch: null } as Entry;
      batch.join(entry);
      if (!live) entry.batch = new WriteBatch();
    }
    return batch;
  };
  const first = batchOf(true, 1);
  resolved.append(first, 1);
  expect(resolved.shift()).toBe(first);
  const second = batchOf(true, 1);
  resolved.append(second, 1);
  resolved.append(batchOf(false, 100), 1);
  expect([resolved.oldest, second.next, resolved.listed]).toEqual([second, null, 1]);
});
