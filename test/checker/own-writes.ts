import { show } from "./history.js";
import { firstFrom, groupRows } from "./range-max.js";
import type { Reported } from "./reported.js";
import type { Judge } from "./sessions.js";
import { EVENTUAL, OK, type Table } from "./table.js";

/** Readers that are asked of one write that is gone; more would tell nothing new. */
const MOST_READERS = 10;

/**
 * What a client wrote is there for it until it is told that it is lost: a reader that finds it gone before that has met
 * a new history unawares.
 */
export function judgeGoneWrites(table: Table, reported: Reported, judge: Judge): void {
  const { client, key, keys, returned, invoked, place, writes, reads } = table;
  const gone = writes.filter((row) => (place[row] as number) < 0);
  if (gone.length === 0) return;
  const ofBoth = (row: number): number => (client[row] as number) * keys.count + (key[row] as number);
  const promised = reads.filter((row) => !table.is(row, EVENTUAL));
  promised.sort((a, b) => (invoked[a] as number) - (invoked[b] as number));
  const readers = new Map(
    [...groupRows(promised, ofBoth)].map(([name, rows]) => [
      name,
      { rows, invoked: Float64Array.from(rows, (row) => invoked[row] as number) },
    ]),
  );
  for (const row of gone) {
    const all = readers.get(ofBoth(row));
    if (all === undefined) continue;
    const told = reported.first(client[row] as number, key[row] as number, invoked[row] as number);
    const from = firstFrom(all.invoked, returned[row] as number);
    for (const read of all.rows.slice(from, from + MOST_READERS)) {
      if ((returned[read] as number) >= told) break;
      const { values } = table.at(read);
      // A key that is overwritten: what survived, and what was nothing, was there before.
      const there = values === undefined ? table.doomed(read) : values.includes(table.at(row).value as string);
      judge(
        "readYourWrites",
        there,
        () => `${show(table.at(read))} missed ${show(table.at(row))}, which was not yet told to be lost`,
      );
    }
  }
}

/** A write that was not waited for, and succeeded, is seen by the reads that were issued behind it. */
export function judgeHastyReads(table: Table, reported: Reported, judge: Judge): void {
  const { client, key, returned, invoked } = table;
  for (const row of table.reads) {
    for (const value of table.at(row).after ?? []) {
      const write = table.called.get(value);
      const place = table.placeOf(value);
      if (write === undefined || place < 0 || !table.is(write, OK) || table.doomed(row)) continue;
      const told = reported.last(client[row] as number, key[row] as number, returned[row]);
      if (told >= (invoked[write] as number)) continue;
      judge(
        "readYourWrites",
        table.saw(row, place),
        () => `${show(table.at(row))} did not see ${value}, issued before it`,
      );
    }
  }
}
