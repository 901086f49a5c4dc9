import { type Guarantee, show } from "./history.js";
import { firstAfter, firstFrom, groupRows } from "./range-max.js";
import { CAUSAL, OK, type Table, TOLD, UNKNOWN, WRITE } from "./table.js";

/** Counts a check; `text` tells what was wrong, and is asked for only then. */
export type Judge = (guarantee: Guarantee, kept: boolean, text: () => string) => void;

const NOBODY = -1;

/**
 * What holds along the calls of one session, in their order. What became of a write of unknown outcome is known in the
 * end: it too stands before what was written after it, and never runs late.
 */
export function judgeSession(rows: readonly number[], table: Table, judge: Judge): void {
  const { place } = table;
  let own = -1;
  let seen = -1;
  let unknown = -1;
  let unknownBy = NOBODY;
  let doomedBy = NOBODY;
  let ownBy = NOBODY;
  let seenBy = NOBODY;
  const say = (row: number): string => (row === NOBODY ? "nothing" : show(table.at(row)));
  for (const row of rows) {
    // Told of a loss it goes on from where the histories parted, wherever that is.
    if (table.is(row, TOLD)) own = seen = unknown = doomedBy = -1;
    if (table.is(row, UNKNOWN) && table.is(row, WRITE)) {
      const late = table.placeOf(table.at(row).value as string);
      if (late > unknown) [unknown, unknownBy] = [late, row];
    }
    if (!table.is(row, OK)) continue;
    const here = place[row] as number;
    if (doomedBy !== NOBODY && table.client[row] === table.client[doomedBy] && livesOn(row, doomedBy, table)) {
      judge("sessionTold", false, () => `${say(row)} succeeded, and what ${say(doomedBy)} saw is gone`);
      doomedBy = NOBODY;
    }
    if (table.is(row, WRITE)) {
      if (here < 0) continue;
      // Only who wrote it can see to it that it doesn't run any more, and only on the server where it may still run: one
      // that becomes master a second time may have run it by then.
      if (unknown >= 0 && table.client[unknownBy] === table.client[row] && table.sameMaster(unknownBy, row))
        judge(
          "monotonicWrites",
          here > unknown,
          () => `${say(row)} stands before ${say(unknownBy)}, of unknown outcome`,
        );
      judge("monotonicWrites", here > own, () => `${say(row)} stands before ${say(ownBy)}`);
      if (table.is(row, CAUSAL))
        judge("writesFollowReads", here > seen, () => `${say(row)} stands before what ${say(seenBy)} saw`);
      if (here > own) [own, ownBy] = [here, row];
      continue;
    }
    if (!table.is(row, CAUSAL)) continue;
    if (table.doomed(row)) {
      doomedBy = row;
      continue;
    }
    judge("readYourWrites", table.saw(row, own), () => `${say(row)} did not see ${say(ownBy)}`);
    judge("monotonicReads", table.saw(row, seen), () => `${say(row)} saw less than ${say(seenBy)}`);
    if (here > seen) [seen, seenBy] = [here, row];
  }
}

/** After a session has read what is lost, this success is of a history without it: a write, or a read of the same key. */
function livesOn(row: number, doomed: number, table: Table): boolean {
  if (table.is(row, WRITE)) return (table.place[row] as number) >= 0;
  return table.is(row, CAUSAL) && table.key[row] === table.key[doomed] && !table.doomed(row);
}

/** The calls of one session, so that what followed a moment is found without a walk. */
export class SessionCalls {
  readonly #invoked: Float64Array;
  readonly #nextTold: Int32Array;
  readonly #successes: ReadonlyMap<number, { readonly places: number[]; readonly invoked: Float64Array }>;

  constructor(
    private readonly rows: readonly number[],
    table: Table,
  ) {
    const invoked = Float64Array.from(rows, (row) => table.invoked[row] as number);
    this.#invoked = invoked;
    this.#nextTold = new Int32Array(rows.length + 1).fill(rows.length);
    const succeeded: number[] = [];
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i] as number;
      this.#nextTold[i] = table.is(row, TOLD) ? i : (this.#nextTold[i + 1] as number);
      if (table.is(row, OK)) succeeded.push(i);
    }
    const byClient = groupRows(succeeded.reverse(), (i) => table.client[rows[i] as number] as number);
    this.#successes = new Map(
      [...byClient].map(([client, places]) => [
        client,
        { places, invoked: Float64Array.from(places, (i) => invoked[i] as number) },
      ]),
    );
  }

  /**
   * The first of: a call from `from` on that was told of a loss, and one through `client`, invoked later than `since`,
   * that succeeded. Null: neither came.
   */
  next(from: number, client: number, since: number): number | null {
    const told = this.#nextTold[firstFrom(this.#invoked, from)] as number;
    const own = this.#successes.get(client);
    const success = own?.places[Math.max(firstAfter(own.invoked, since), firstFrom(own.invoked, from))];
    return this.rows[Math.min(told, success ?? this.rows.length)] ?? null;
  }
}
